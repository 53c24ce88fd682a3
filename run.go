package main

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/urfave/cli/v3"
)

func runCommand() *cli.Command {
	return &cli.Command{
		Name:      "run",
		Usage:     "make a container and start its process",
		ArgsUsage: "<container-id>",
		Description: `Does what create and start do, and unless detached waits for the process:
passes signals on to it, removes the container when it has exited, and exits
with its status. The id must not be in use on this host.`,
		Flags: slices.Concat(bundleFlags(), attachFlags(), setupFlags(), []cli.Flag{
			detachFlag(),
			&cli.BoolFlag{Name: "keep", Usage: "leave the container, stopped, when its process has exited"},
			noSubreaperFlag(),
		}),
		Action: func(_ context.Context, cmd *cli.Command) error {
			if err := wantArgs(cmd, 1, 1); err != nil {
				return err
			}
			status, err := newContainer(cmd).Run()
			if err != nil {
				return fmt.Errorf("runc run failed: %w", err)
			}
			os.Exit(status)
			return nil
		},
	}
}
