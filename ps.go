package main

import (
	"context"
	"encoding/json"

	"github.com/urfave/cli/v3"

	"runcsync/internal/processes"
)

func psCommand() *cli.Command {
	return &cli.Command{
		Name:      "ps",
		Usage:     "show the processes of a container",
		ArgsUsage: "<container-id> [ps options]",
		Description: `What follows the container's id goes to ps(1), -ef if there is nothing. The
options must show a column PID. With --format json the process ids alone are
printed, and ps is not run.`,
		StopOnNthArg: new(1),
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Value: "table", Usage: "print as `FORMAT`: table or json"},
		},
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if err := wantArgs(cmd, 1, -1); err != nil {
				return err
			}
			c, err := loadContainer(cmd)
			if err != nil {
				return err
			}
			pids, err := c.Processes()
			if err != nil {
				return hintAtCgroups("ps", err)
			}
			switch cmd.String("format") {
			case "table":
				return processes.Table(ctx, cmd.Root().Writer, pids, cmd.Args().Tail())
			case "json":
				return json.NewEncoder(cmd.Root().Writer).Encode(pids)
			}
			return errFormat
		},
	}
}
