package main

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"testing"
	"time"

	"github.com/urfave/cli/v3"

	"runcsync/libcontainer/synckill"
)

// FuzzWaitFlags: whatever the durations and the format on the command line are,
// a wait that is entered upon has an end, and ends after --kill-after; otherwise
// there is an error, before any container is looked for.
func FuzzWaitFlags(f *testing.F) {
	for _, s := range [][5]string{
		{"10s", "1s", "json", "5s", "30s"},
		{"0", "", "", "", ""},
		{"-1s", "1s", "text", "-1s", "-5s"},
		{"1s", "1s", "", "0", "0"},
		{"2562047h", "1ns", "xml", "1e9s", ""},
		{"", "", "", "9223372036854775808ns", "∞"},
	} {
		f.Add(s[0], s[1], s[2], s[3], s[4])
	}
	root := filepath.Join(f.TempDir(), "root")
	reached := errors.New("reached")
	f.Fuzz(func(t *testing.T, timeout, after, format, wait, most string) {
		args := []string{"runc", "--root=" + root}
		flag := func(name, value string) {
			if value != "" {
				args = append(args, "--"+name+"="+value)
			}
		}
		flag("kill-wait", wait)
		flag("kill-wait-max", most)
		args = append(args, "kill", "--wait")
		flag("timeout", timeout)
		flag("kill-after", after)
		flag("format", format)
		args = append(args, "id", "TERM")

		app := newApp()
		app.Writer, app.ErrWriter = io.Discard, io.Discard
		var got *waiting
		for _, c := range app.Commands {
			if c.Name == "kill" {
				c.Action = func(_ context.Context, cmd *cli.Command) (err error) {
					if got, err = killWaiting(cmd); err != nil {
						return err
					}
					if d := cmd.Duration("kill-wait-max"); d < 0 || !cmd.IsSet("kill-wait-max") && d != synckill.MaxAnnotatedWait {
						t.Errorf("%q: annotations may ask for %s", args, d)
					}
					if d := cmd.Duration("kill-wait"); d < 0 {
						t.Errorf("%q: kills wait for %s", args, d)
					}
					return reached
				}
			}
		}
		if err := app.Run(t.Context(), args); !errors.Is(err, reached) {
			if err == nil {
				t.Errorf("%q is neither an error nor does it get anywhere", args)
			}
			return
		}
		switch {
		case !got.wait || got.Timeout <= 0 || got.KillAfter < 0 || got.KillAfter >= got.Timeout,
			after != "" && got.KillAfter == 0:
			t.Errorf("%q: wait %t for %s, kill after %s", args, got.wait, got.Timeout, got.KillAfter)
		case got.json != (format == "json"):
			t.Errorf("%q: JSON %t", args, got.json)
		}
		if d, err := time.ParseDuration(timeout); timeout != "" && (err != nil || d != got.Timeout) {
			t.Errorf("%q: waits for %s", args, got.Timeout)
		}
	})
}
