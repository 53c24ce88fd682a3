package main

import (
	"context"
	"encoding/json"

	"github.com/urfave/cli/v3"

	"runcsync/internal/features"
)

func featuresCommand() *cli.Command {
	return &cli.Command{
		Name:        "features",
		Usage:       "print what this runtime can do as JSON",
		Description: `Prints the features structure of the OCI runtime specification.`,
		Action: func(_ context.Context, cmd *cli.Command) error {
			if err := wantArgs(cmd, 0, 0); err != nil {
				return err
			}
			out := json.NewEncoder(cmd.Root().Writer)
			out.SetIndent("", "    ")
			return out.Encode(features.Of(version, gitCommit))
		},
	}
}
