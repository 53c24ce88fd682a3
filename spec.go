package main

import (
	"context"

	"github.com/urfave/cli/v3"

	"runcsync/internal/starter"
)

func specCommand() *cli.Command {
	return &cli.Command{
		Name:  "spec",
		Usage: "write a config.json to start from",
		Description: `Writes the config.json of a container that runs sh on a terminal, for editing.
A config.json that is there already is left alone. With --rootless the container
is one that a user without privileges can run: it has a user namespace in which
the caller is root, and does without what only root may mount.

    mkdir -p bundle/rootfs
    tar -C bundle/rootfs -xf rootfs.tar
    runc spec -b bundle
    runc run -b bundle demo`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "bundle", Aliases: []string{"b"}, Usage: "write into `DIR` instead of the working directory"},
			&cli.BoolFlag{Name: "rootless", Usage: "for a caller without privileges"},
		},
		Action: func(_ context.Context, cmd *cli.Command) error {
			if err := wantArgs(cmd, 0, 0); err != nil {
				return err
			}
			return starter.Write(cmd.String("bundle"), cmd.Bool("rootless"))
		},
	}
}
