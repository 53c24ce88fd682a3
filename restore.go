package main

import (
	"context"
	"os"
	"slices"

	"github.com/urfave/cli/v3"

	"runcsync/internal/criu"
)

func restoreCommand() *cli.Command {
	return &cli.Command{
		Name:      "restore",
		Usage:     "make a container again from a checkpoint",
		ArgsUsage: "<container-id>",
		Description: `Lets CRIU make the processes that "runc checkpoint" saved, in a new container
for the same bundle. Unless detached it waits for them as run does.`,
		Flags: slices.Concat(bundleFlags(), criuFlags(), []cli.Flag{
			consoleSocketFlag(),
			pidFileFlag(),
			detachFlag(),
			noSubreaperFlag(),
			noPivotFlag(),
			&cli.StringFlag{Name: "lsm-profile", Usage: "confine the processes by `TYPE:NAME`, as in selinux:LABEL"},
			&cli.StringFlag{Name: "lsm-mount-context", Usage: "mount filesystems with the SELinux `CONTEXT`"},
		}),
		Action: func(_ context.Context, cmd *cli.Command) error {
			if err := wantArgs(cmd, 1, 1); err != nil {
				return err
			}
			criu.WarnRootless()
			opts, err := newCriuRequest(cmd).Options()
			if err != nil {
				return err
			}
			status, err := newContainer(cmd).Restore(opts)
			if err != nil {
				return err
			}
			os.Exit(status)
			return nil
		},
	}
}
