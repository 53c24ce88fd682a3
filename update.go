package main

import (
	"context"

	"github.com/urfave/cli/v3"

	"runcsync/internal/resources"
)

func updateCommand() *cli.Command {
	return &cli.Command{
		Name:      "update",
		Usage:     "change the resource limits of a container",
		ArgsUsage: "<container-id>",
		Description: `Sets the limits that are given and keeps the others. If one is refused, none is
changed. Sizes are in bytes or have a binary unit (64M); -1 lifts a limit.

With --resources the limits are read as JSON, in the form that linux.resources
has in config.json, and the flags other than those of Intel RDT are ignored:

    {"memory": {"limit": 67108864}, "cpu": {"quota": 50000, "period": 100000},
     "pids": {"limit": 100}, "blockIO": {"weight": 100}}`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "resources", Aliases: []string{"r"}, Usage: "read the limits from `FILE`, or from standard input if that is -"},
			&cli.IntFlag{Name: "blkio-weight", Usage: "share of block I/O, from 10 to 1000"},
			&cli.StringFlag{Name: "cpu-period", Usage: "`MICROSECONDS` after which the CPU quota is renewed"},
			&cli.StringFlag{Name: "cpu-quota", Usage: "`MICROSECONDS` of CPU time in each period, -1 for no limit"},
			&cli.StringFlag{Name: "cpu-burst", Usage: "`MICROSECONDS` of unused quota that may be used later"},
			&cli.StringFlag{Name: "cpu-share", Usage: "share of the CPU, 1024 being the default"},
			&cli.StringFlag{Name: "cpu-rt-period", Usage: "`MICROSECONDS` after which the realtime quota is renewed"},
			&cli.StringFlag{Name: "cpu-rt-runtime", Usage: "`MICROSECONDS` of realtime CPU time in each period"},
			&cli.StringFlag{Name: "cpuset-cpus", Usage: "CPUs to run on, as `LIST` like 0-2,7"},
			&cli.StringFlag{Name: "cpuset-mems", Usage: "memory nodes to use, as `LIST`"},
			&cli.StringFlag{Name: "kernel-memory", Hidden: true, Usage: "without effect"},
			&cli.StringFlag{Name: "kernel-memory-tcp", Hidden: true, Usage: "without effect"},
			&cli.StringFlag{Name: "memory", Usage: "memory limit, as `SIZE`"},
			&cli.StringFlag{Name: "cpu-idle", Usage: "1: run only when nothing else wants the CPU; 0: as usual"},
			&cli.StringFlag{Name: "memory-reservation", Usage: "memory that is taken from others first, as `SIZE`"},
			&cli.StringFlag{Name: "memory-swap", Usage: "limit of memory and swap together, as `SIZE`, -1 for unlimited swap"},
			&cli.IntFlag{Name: "pids-limit", Usage: "largest `NUMBER` of tasks, -1 for no limit"},
			&cli.StringFlag{Name: "l3-cache-schema", Usage: "Intel RDT/CAT `SCHEMA` of the L3 cache"},
			&cli.StringFlag{Name: "mem-bw-schema", Usage: "Intel RDT/MBA `SCHEMA` of the memory bandwidth"},
		},
		Action: func(_ context.Context, cmd *cli.Command) error {
			if err := wantArgs(cmd, 1, 1); err != nil {
				return err
			}
			c, err := loadContainer(cmd)
			if err != nil {
				return err
			}
			request, err := resources.FromFlags(cmd, cmd.Root().Reader)
			if err != nil {
				return err
			}
			return resources.Apply(c, request)
		},
	}
}
