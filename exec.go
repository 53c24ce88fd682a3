package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v3"

	"runcsync/internal/launch"
	"runcsync/internal/logging"
	"runcsync/libcontainer/synckill"
)

// execFailed is the exit status of an exec that could not start its process,
// by which callers tell it from most statuses of the process.
const execFailed = 255

func execCommand() *cli.Command {
	return &cli.Command{
		Name:      "exec",
		Usage:     "start a further process in a container",
		ArgsUsage: "<container-id> <command> [argument...] | -p FILE <container-id>",
		Description: `Starts a command in an existing container, with the environment, user and
limits of the container's own process unless flags or a process file say
otherwise. Unless detached it waits for the command and exits with its status.
What follows the id is the command's: "runc exec ID ls -l" needs no "--".`,
		StopOnNthArg: new(1),
		Flags: slices.Concat(attachFlags(), []cli.Flag{
			detachFlag(),
			&cli.StringFlag{Name: "process", Aliases: []string{"p"}, Usage: "start what the process specification in `FILE` describes"},
			&cli.StringFlag{Name: "cwd", Usage: "start in `DIR`, as the container sees it"},
			&cli.StringSliceFlag{Name: "env", Aliases: []string{"e"}, Usage: "add `NAME=VALUE` to the environment"},
			&cli.BoolFlag{Name: "tty", Aliases: []string{"t"}, Usage: "give the process a terminal"},
			&cli.StringFlag{Name: "user", Aliases: []string{"u"}, Usage: "run as `UID[:GID]`"},
			&cli.Int64SliceFlag{Name: "additional-gids", Aliases: []string{"g"}, Usage: "add the supplementary group `GID`"},
			&cli.StringSliceFlag{Name: "cap", Aliases: []string{"c"}, Usage: "add the capability `CAP`"},
			&cli.BoolFlag{Name: "no-new-privs", Usage: "keep the process from gaining privileges by execve"},
			&cli.StringFlag{Name: "process-label", Usage: "set the SELinux `LABEL`"},
			&cli.StringFlag{Name: "apparmor", Usage: "set the AppArmor `PROFILE`"},
			&cli.StringSliceFlag{Name: "cgroup", Usage: "put the process into an existing cgroup `[CONTROLLER[,...]:]PATH` below the container's"},
			&cli.BoolFlag{Name: "ignore-paused", Usage: "go on in a paused container, where the process waits for resume"},
		}),
		Action: func(_ context.Context, cmd *cli.Command) error {
			if err := wantArgs(cmd, 1, -1); err != nil {
				return err
			}
			status, err := runExec(cmd)
			if err != nil {
				return &logging.ExitError{Err: fmt.Errorf("exec failed: %w", err), Status: execFailed}
			}
			os.Exit(status)
			return nil
		},
	}
}

func runExec(cmd *cli.Command) (int, error) {
	id, err := containerID(cmd)
	if err != nil {
		return -1, err
	}
	root := cmd.String("root")
	return launch.Exec{
		Attachment:   newAttachment(cmd),
		Root:         root,
		ID:           id,
		Fence:        func() (func(), error) { return synckill.EnterExec(filepath.Join(root, id)) },
		ProcessFile:  cmd.String("process"),
		Overrides:    newOverrides(cmd),
		Cgroups:      cmd.StringSlice("cgroup"),
		IgnorePaused: cmd.Bool("ignore-paused"),
	}.Run()
}

func newOverrides(cmd *cli.Command) launch.Overrides {
	o := launch.Overrides{
		Args:           cmd.Args().Tail(),
		Env:            cmd.StringSlice("env"),
		Cwd:            cmd.String("cwd"),
		User:           cmd.String("user"),
		AdditionalGids: cmd.Int64Slice("additional-gids"),
		Capabilities:   cmd.StringSlice("cap"),
		Label:          cmd.String("process-label"),
		AppArmor:       cmd.String("apparmor"),
		Terminal:       cmd.Bool("tty"),
	}
	if cmd.IsSet("no-new-privs") {
		o.NoNewPrivs = new(cmd.Bool("no-new-privs"))
	}
	return o
}
