package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v3"

	"runcsync/internal/printable"
	"runcsync/internal/statedir"
)

var errFormat = errors.New("invalid format option")

func listCommand() *cli.Command {
	return &cli.Command{
		Name:  "list",
		Usage: "list the containers below --root",
		Description: `Lists the containers whose state is kept in the directory that the global
option --root names, running or not.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Value: "table", Usage: "print as `FORMAT`: table or json"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print the ids alone, one a line"},
		},
		Action: func(_ context.Context, cmd *cli.Command) error {
			if err := wantArgs(cmd, 0, 0); err != nil {
				return err
			}
			show, err := listing(cmd.String("format"), cmd.Bool("quiet"))
			if err != nil {
				return err
			}
			entries, err := statedir.List(cmd.String("root"), func(err error) {
				fmt.Fprintln(cmd.Root().ErrWriter, printable.Error(err))
			})
			// The default directory comes with the first container.
			if err != nil && (cmd.IsSet("root") || !errors.Is(err, fs.ErrNotExist)) {
				return err
			}
			return show(cmd.Root().Writer, entries)
		},
	}
}

// listing chooses the form of the list. With quiet the format does not matter.
func listing(format string, quiet bool) (func(io.Writer, []statedir.Entry) error, error) {
	switch {
	case quiet:
		return listIDs, nil
	case format == "table":
		return listTable, nil
	case format == "json":
		return func(w io.Writer, entries []statedir.Entry) error {
			return json.NewEncoder(printable.JSON(w)).Encode(entries)
		}, nil
	}
	return nil, errFormat
}

func listIDs(w io.Writer, entries []statedir.Entry) error {
	for _, e := range entries {
		if _, err := fmt.Fprintln(w, printable.Name(e.ID)); err != nil {
			return err
		}
	}
	return nil
}

func listTable(w io.Writer, entries []statedir.Entry) error {
	table := tabwriter.NewWriter(w, 12, 1, 3, ' ', 0)
	fmt.Fprintln(table, "ID\tPID\tSTATUS\tBUNDLE\tCREATED\tOWNER")
	for _, e := range entries {
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%s\t%s\n", printable.Name(e.ID), e.Pid, e.Status, printable.Name(e.Bundle), e.Created.Format(time.RFC3339Nano), printable.Name(e.Owner))
	}
	return table.Flush()
}
