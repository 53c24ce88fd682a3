package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/opencontainers/runc/libcontainer"
	"github.com/urfave/cli/v3"
	"golang.org/x/sys/unix"

	"runcsync/libcontainer/synckill"
)

func killCommand() *cli.Command {
	return &cli.Command{
		Name:      "kill",
		Usage:     "send a signal to a container, and wait for its end if asked to",
		ArgsUsage: "<container-id> [signal]",
		Description: `Sends the signal, TERM unless another is named, to the container's init. KILL
goes to every process of a container that has no PID namespace of its own.

With --wait every signal does, and the command returns when all of the
container's processes are gone: init, and whatever is in its cgroups. Signal 0
sends nothing and only waits.`,
		StopOnNthArg: new(1),
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Hidden: true, Usage: "a container that is not running is no error"},
			&cli.DurationFlag{Name: "kill-after", Usage: "send KILL to what is left after `DURATION`, and go on waiting"},
		}, waitFlags()...),
		Action: kill,
	}
}

func kill(_ context.Context, cmd *cli.Command) error {
	if err := wantArgs(cmd, 1, 2); err != nil {
		return err
	}
	outliveReaders()
	w, err := killWaiting(cmd)
	if err != nil {
		return err
	}
	for began := time.Now(); ; {
		err := killAsFound(cmd, w.since(began))
		if !errors.Is(err, synckill.ErrChanged) || time.Since(began) > w.Timeout {
			return err
		}
	}
}

// killAsFound kills the container in whatever state it finds it. The error is
// [synckill.ErrChanged] if it is in another one then.
func killAsFound(cmd *cli.Command, w *waiting) error {
	open := syncContainer
	if !w.wait && (w.Signal != unix.SIGKILL || !w.mayOpt(cmd)) {
		open = loadedContainer
	}
	c, err := open(cmd)
	if errors.Is(err, libcontainer.ErrNotExist) && w.Signal == unix.SIGKILL {
		return killUnfinished(cmd, w)
	}
	if err != nil {
		return err
	}
	if w.Signal == unix.SIGKILL && !w.wait {
		w.opt(cmd, c)
		// A shim, after init's end. It deletes the container next, and waits in that.
		if w.wait && w.Idle && c.StallsReaper() {
			w.wait = false
		}
	}
	if w.wait {
		return w.run(c.Kill)
	}
	if w.Signal == unix.SIGKILL {
		err = c.KillNow()
	} else {
		err = c.Signal(w.Signal)
	}
	if errors.Is(err, libcontainer.ErrNotRunning) && w.Idle {
		return nil
	}
	return err
}

// killUnfinished kills what is there of a container without a state file, for
// those who wait. Others are told that it does not exist.
func killUnfinished(cmd *cli.Command, w *waiting) error {
	if w.optUnread(cmd); !w.wait {
		return libcontainer.ErrNotExist
	}
	id := cmd.Args().First()
	u, err := synckill.OpenUnfinished(id, filepath.Join(cmd.String("root"), id))
	if err != nil {
		return err
	}
	return w.run(u.Kill)
}

// killWaiting reads all that is asked of kill, and refuses what makes no sense,
// before anything is signalled.
func killWaiting(cmd *cli.Command) (*waiting, error) {
	w, err := newWaiting(cmd)
	if err != nil {
		return nil, err
	}
	if w.KillAfter = cmd.Duration("kill-after"); cmd.IsSet("kill-after") && w.KillAfter <= 0 {
		return nil, fmt.Errorf("--kill-after must be greater than 0, not %s", w.KillAfter)
	}
	if w.KillAfter >= w.Timeout {
		return nil, fmt.Errorf("--kill-after %s is not before --timeout %s", w.KillAfter, w.Timeout)
	}
	if w.Signal, err = synckill.ParseSignal(cmp.Or(cmd.Args().Get(1), "TERM")); err != nil {
		return nil, err
	}
	w.Idle = cmd.Bool("all")
	return w, nil
}
