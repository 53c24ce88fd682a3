package main

import (
	"context"

	"github.com/urfave/cli/v3"
)

func resumeCommand() *cli.Command {
	return &cli.Command{
		Name:        "resume",
		Usage:       "let a paused container go on",
		ArgsUsage:   "<container-id>",
		Description: `Thaws every process that "runc pause" has frozen.`,
		Action: func(_ context.Context, cmd *cli.Command) error {
			if err := wantArgs(cmd, 1, 1); err != nil {
				return err
			}
			c, err := loadContainer(cmd)
			if err != nil {
				return err
			}
			return hintAtCgroups("resume", c.Resume())
		},
	}
}
