package main

import (
	"context"

	"github.com/urfave/cli/v3"

	"runcsync/internal/launch"
)

func startCommand() *cli.Command {
	return &cli.Command{
		Name:        "start",
		Usage:       "start the process of a created container",
		ArgsUsage:   "<container-id>",
		Description: `Lets the process that "runc create" has set up execute process.args.`,
		Action: func(_ context.Context, cmd *cli.Command) error {
			if err := wantArgs(cmd, 1, 1); err != nil {
				return err
			}
			id, err := containerID(cmd)
			if err != nil {
				return err
			}
			return launch.Start(cmd.String("root"), id)
		},
	}
}
