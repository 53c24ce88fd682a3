package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/urfave/cli/v3"

	"runcsync/internal/launch"
)

func createCommand() *cli.Command {
	return &cli.Command{
		Name:      "create",
		Usage:     "make a container whose process waits for start",
		ArgsUsage: "<container-id>",
		Description: `Makes a container from a bundle, a directory with a config.json and a root
filesystem. Everything is set up but for the last step, the execution of
process.args, which "runc start" takes. The id must not be in use on this host.`,
		Flags: slices.Concat(bundleFlags(), attachFlags(), setupFlags()),
		Action: func(_ context.Context, cmd *cli.Command) error {
			if err := wantArgs(cmd, 1, 1); err != nil {
				return err
			}
			if err := newContainer(cmd).Create(); err != nil {
				return fmt.Errorf("runc create failed: %w", err)
			}
			return nil
		},
	}
}

// newContainer reads the flags of create, run and restore. Those a command does
// not have count as not given.
func newContainer(cmd *cli.Command) *launch.Container {
	return &launch.Container{
		Attachment:    newAttachment(cmd),
		Root:          cmd.String("root"),
		ID:            cmd.Args().First(),
		Bundle:        cmd.String("bundle"),
		SystemdCgroup: cmd.Bool("systemd-cgroup"),
		Rootless:      cmd.String("rootless"),
		NoPivot:       cmd.Bool("no-pivot"),
		NoNewKeyring:  cmd.Bool("no-new-keyring"),
		NoSubreaper:   cmd.Bool("no-subreaper"),
		Keep:          cmd.Bool("keep"),
	}
}

// newAttachment reads the flags of everything that starts a process.
func newAttachment(cmd *cli.Command) launch.Attachment {
	return launch.Attachment{
		Detach:        cmd.Bool("detach"),
		ConsoleSocket: cmd.String("console-socket"),
		PidfdSocket:   cmd.String("pidfd-socket"),
		PidFile:       cmd.String("pid-file"),
		PreserveFDs:   cmd.Int("preserve-fds"),
	}
}

func bundleFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "bundle", Aliases: []string{"b"}, Usage: "use the bundle in `DIR` instead of the working directory"},
	}
}

// attachFlags are how the caller of create, run and exec gets hold of the
// process.
func attachFlags() []cli.Flag {
	return []cli.Flag{
		consoleSocketFlag(),
		&cli.StringFlag{Name: "pidfd-socket", Usage: "send a pidfd of the process to the unix socket `PATH` (Linux 5.3)"},
		pidFileFlag(),
		&cli.IntFlag{Name: "preserve-fds", Usage: "pass `N` descriptors on, beyond the standard streams and those of $LISTEN_FDS"},
	}
}

// setupFlags change how a new container is set up.
func setupFlags() []cli.Flag {
	return []cli.Flag{
		noPivotFlag(),
		&cli.BoolFlag{Name: "no-new-keyring", Usage: "leave the container in the caller's session keyring"},
	}
}

func consoleSocketFlag() cli.Flag {
	return &cli.StringFlag{Name: "console-socket", Usage: "send the master of a detached process' terminal to the unix socket `PATH`"}
}

func pidFileFlag() cli.Flag {
	return &cli.StringFlag{Name: "pid-file", Usage: "write the pid of the process, as the host sees it, to `FILE`"}
}

func noPivotFlag() cli.Flag {
	return &cli.BoolFlag{Name: "no-pivot", Usage: "move the root mount instead of pivot_root(2), for a root filesystem on a ramdisk"}
}

func detachFlag() cli.Flag {
	return &cli.BoolFlag{Name: "detach", Aliases: []string{"d"}, Usage: "return once the process runs, which keeps runc's standard streams"}
}

func noSubreaperFlag() cli.Flag {
	return &cli.BoolFlag{Name: "no-subreaper", Usage: "do not adopt and reap orphaned processes of the container"}
}
