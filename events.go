package main

import (
	"context"
	"encoding/json"
	"time"

	"github.com/opencontainers/runc/types"
	"github.com/urfave/cli/v3"

	"runcsync/internal/stats"
)

func eventsCommand() *cli.Command {
	return &cli.Command{
		Name:      "events",
		Usage:     "print what a container uses, and when it runs out of memory",
		ArgsUsage: "<container-id>",
		Description: `Prints one JSON object a line: the statistics of the container's cgroups every
--interval, and an event of type "oom" when the kernel finds its memory limit
exceeded. Ends with the container.`,
		Flags: []cli.Flag{
			&cli.DurationFlag{Name: "interval", Value: 5 * time.Second, Usage: "collect statistics every `DURATION`"},
			&cli.BoolFlag{Name: "stats", Usage: "print the statistics of this moment only"},
		},
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if err := wantArgs(cmd, 1, 1); err != nil {
				return err
			}
			c, err := loadContainer(cmd)
			if err != nil {
				return err
			}
			interval := cmd.Duration("interval")
			if err := stats.CheckInterval(interval); err != nil {
				return err
			}
			if err := stats.CheckRunning(c); err != nil {
				return err
			}
			out := json.NewEncoder(cmd.Root().Writer)
			emit := func(e types.Event) error { return out.Encode(e) }
			if cmd.Bool("stats") {
				return stats.Once(c, emit)
			}
			return stats.Watch(ctx, c, time.Tick(interval), emit)
		},
	}
}
