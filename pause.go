package main

import (
	"context"

	"github.com/urfave/cli/v3"
)

func pauseCommand() *cli.Command {
	return &cli.Command{
		Name:        "pause",
		Usage:       "freeze every process of a container",
		ArgsUsage:   "<container-id>",
		Description: `The processes stay where they are, in the middle of whatever they do, until "runc resume".`,
		Action: func(_ context.Context, cmd *cli.Command) error {
			if err := wantArgs(cmd, 1, 1); err != nil {
				return err
			}
			c, err := loadContainer(cmd)
			if err != nil {
				return err
			}
			return hintAtCgroups("pause", c.Pause())
		},
	}
}
