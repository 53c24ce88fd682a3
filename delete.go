package main

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/opencontainers/runc/libcontainer"
	"github.com/sirupsen/logrus"
	"github.com/urfave/cli/v3"

	"runcsync/internal/statedir"
	"runcsync/libcontainer/drain"
	"runcsync/libcontainer/synckill"
)

func deleteCommand() *cli.Command {
	return &cli.Command{
		Name:      "delete",
		Usage:     "remove a container and all that it holds",
		ArgsUsage: "<container-id>",
		Description: `Removes the state and the cgroups of a container that is stopped, or that was
created and never started.

With --wait whatever is left of its processes is killed and waited for first,
so that nothing remains afterwards.`,
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "force", Aliases: []string{"f"}, Usage: "kill the container first if it runs"},
		}, waitFlags()...),
		Action: remove,
	}
}

func remove(_ context.Context, cmd *cli.Command) error {
	if err := wantArgs(cmd, 1, 1); err != nil {
		return err
	}
	outliveReaders()
	w, err := newWaiting(cmd)
	if err != nil {
		return err
	}
	for began := time.Now(); ; {
		err := removeAsFound(cmd, w.since(began))
		if !errors.Is(err, synckill.ErrChanged) || time.Since(began) > w.Timeout {
			return err
		}
	}
}

// removeAsFound removes the container in whatever state it finds it. The error is
// [synckill.ErrChanged] if it is in another one then.
func removeAsFound(cmd *cli.Command, w *waiting) error {
	force := cmd.Bool("force")
	c, err := syncContainer(cmd)
	if errors.Is(err, libcontainer.ErrNotExist) {
		return removeUnfinished(cmd, w, force)
	}
	if err != nil {
		return removeRemains(cmd, w, force, err)
	}
	if w.opt(cmd, c); w.wait {
		return w.run(func(ctx context.Context, r synckill.Request) (*synckill.Report, error) {
			return c.Delete(ctx, r, force)
		})
	}
	return c.DeleteNow(context.Background(), force)
}

// removeUnfinished deletes a container that has no state file (yet, or any more).
func removeUnfinished(cmd *cli.Command, w *waiting, force bool) error {
	id := cmd.Args().First()
	u, err := synckill.OpenUnfinished(id, filepath.Join(cmd.String("root"), id))
	if errors.Is(err, libcontainer.ErrNotExist) && force {
		return nil
	}
	if err != nil {
		return err
	}
	if w.optUnread(cmd); !w.wait {
		_, err = u.Delete(context.Background(), w.Request, force, false)
		return orNotExist(err, force)
	}
	return orNotExist(w.run(func(ctx context.Context, r synckill.Request) (*synckill.Report, error) {
		return u.Delete(ctx, r, force, true)
	}), force)
}

// orNotExist is what the removal of an unfinished container is answered with: that
// it was no container, unless that is what force is for.
func orNotExist(err error, force bool) error {
	if err == nil && !force {
		return libcontainer.ErrNotExist
	}
	return err
}

// removeRemains deletes a container that can't be loaded.
func removeRemains(cmd *cli.Command, w *waiting, force bool, why error) error {
	root, id := cmd.String("root"), cmd.Args().First()
	if _, damaged := errors.AsType[*statedir.DamagedStateError](why); !damaged || !force {
		return why
	}
	logrus.Warn(why)
	remains, err := synckill.OpenRemains(filepath.Join(root, id), func() (synckill.Remains, error) {
		found, err := statedir.Damage(root, id)
		paths, complete := found.Paths()
		return synckill.Remains{
			ID:          id,
			Init:        drain.Process{Pid: found.InitPid, StartTime: found.InitStartTime},
			CgroupPaths: paths,
			Complete:    complete && found.InitPid > 0,
		}, err
	})
	if err != nil {
		return err
	}
	return w.run(func(ctx context.Context, r synckill.Request) (*synckill.Report, error) {
		return remains.Delete(ctx, w.wait, r)
	})
}
