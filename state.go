package main

import (
	"context"
	"encoding/json"

	"github.com/urfave/cli/v3"

	"runcsync/internal/printable"
	"runcsync/internal/statedir"
)

func stateCommand() *cli.Command {
	return &cli.Command{
		Name:      "state",
		Usage:     "print the state of a container as JSON",
		ArgsUsage: "<container-id>",
		Description: `Prints the OCI state of the container, with the time of its creation and its
root filesystem. The pid is that of the container's init process as the caller
sees it, and 0 once the container has stopped.`,
		Action: func(_ context.Context, cmd *cli.Command) error {
			if err := wantArgs(cmd, 1, 1); err != nil {
				return err
			}
			c, err := loadContainer(cmd)
			if err != nil {
				return err
			}
			entry, err := statedir.Describe(c)
			if err != nil {
				return err
			}
			out, err := json.MarshalIndent(entry, "", "  ")
			if err != nil {
				return err
			}
			_, err = printable.JSON(cmd.Root().Writer).Write(out)
			return err
		},
	}
}
