package main

import (
	"context"
	"path/filepath"
	"slices"

	"github.com/opencontainers/runc/libcontainer"
	"github.com/urfave/cli/v3"

	"runcsync/internal/criu"
	"runcsync/internal/statedir"
)

func checkpointCommand() *cli.Command {
	return &cli.Command{
		Name:      "checkpoint",
		Usage:     "save a running container to disk",
		ArgsUsage: "<container-id>",
		Description: `Lets CRIU save the state of the container's processes, from which "runc restore"
makes the container again. The container ends, unless it is left running.`,
		Flags: slices.Concat(criuFlags(), []cli.Flag{
			&cli.StringFlag{Name: "parent-path", Usage: "images of an earlier pre-dump are in `DIR`, relative to the image path"},
			&cli.BoolFlag{Name: "pre-dump", Usage: "save the memory only, and leave the container running"},
			&cli.BoolFlag{Name: "leave-running", Usage: "leave the container running"},
			&cli.BoolFlag{Name: "tcp-skip-in-flight", Usage: "leave TCP connections out that are not established yet"},
			&cli.BoolFlag{Name: "link-remap", Usage: "link files that have no name any more back, if possible"},
			&cli.IntFlag{Name: "status-fd", Value: -1, Usage: "descriptor `FD` gets a zero byte once lazy pages can be fetched"},
			&cli.StringFlag{Name: "page-server", Usage: "send memory pages to the page server `ADDRESS:PORT`"},
		}),
		Action: func(_ context.Context, cmd *cli.Command) error {
			if err := wantArgs(cmd, 1, 1); err != nil {
				return err
			}
			id, err := containerID(cmd)
			if err != nil {
				return err
			}
			container, err := statedir.Load(cmd.String("root"), id)
			if err != nil {
				return err
			}
			return criu.Checkpoint(container, filepath.Join(cmd.String("root"), id), newCriuRequest(cmd))
		},
	}
}

// criuFlags are common to checkpoint and restore.
func criuFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "image-path", Usage: "images are in `DIR`, by default ./checkpoint"},
		&cli.StringFlag{Name: "work-path", Usage: "CRIU's logs and working files go to `DIR`"},
		&cli.BoolFlag{Name: "tcp-established", Usage: "take established TCP connections along"},
		&cli.BoolFlag{Name: "ext-unix-sk", Usage: "allow unix sockets connected to outside of the container"},
		&cli.BoolFlag{Name: "shell-job", Usage: "allow processes whose terminal or session is outside of the container"},
		&cli.BoolFlag{Name: "file-locks", Usage: "take file locks along"},
		&cli.StringFlag{Name: "manage-cgroups-mode", Usage: "treat cgroups in `MODE` soft, full, strict or ignore"},
		&cli.StringSliceFlag{Name: "empty-ns", Usage: "make the namespace `NS`, but leave it empty; only network"},
		&cli.BoolFlag{Name: "auto-dedup", Usage: "drop memory pages from images as soon as they are superseded"},
		&cli.BoolFlag{Name: "lazy-pages", Usage: "fetch memory pages when they are touched, by userfaultfd(2)"},
	}
}

// newCriuRequest reads the flags of checkpoint and restore. Those a command
// does not have count as not given.
func newCriuRequest(cmd *cli.Command) *criu.Request {
	return &criu.Request{
		CriuOpts: libcontainer.CriuOpts{
			ImagesDirectory:         cmd.String("image-path"),
			WorkDirectory:           cmd.String("work-path"),
			ParentImage:             cmd.String("parent-path"),
			LeaveRunning:            cmd.Bool("leave-running"),
			PreDump:                 cmd.Bool("pre-dump"),
			TcpEstablished:          cmd.Bool("tcp-established"),
			TcpSkipInFlight:         cmd.Bool("tcp-skip-in-flight"),
			ExternalUnixConnections: cmd.Bool("ext-unix-sk"),
			LinkRemap:               cmd.Bool("link-remap"),
			ShellJob:                cmd.Bool("shell-job"),
			FileLocks:               cmd.Bool("file-locks"),
			AutoDedup:               cmd.Bool("auto-dedup"),
			LazyPages:               cmd.Bool("lazy-pages"),
			StatusFd:                cmd.Int("status-fd"),
			ManageCgroupsMode:       cmd.String("manage-cgroups-mode"),
			LsmProfile:              cmd.String("lsm-profile"),
			LsmMountContext:         cmd.String("lsm-mount-context"),
		},
		PageServer: cmd.String("page-server"),
		EmptyNs:    cmd.StringSlice("empty-ns"),
	}
}
