package main

import (
	"errors"
	"io/fs"

	"github.com/opencontainers/runc/libcontainer"
	"github.com/sirupsen/logrus"
	"github.com/urfave/cli/v3"

	"runcsync/internal/statedir"
)

// loadContainer reads back the container that the command's first argument names.
func loadContainer(cmd *cli.Command) (*libcontainer.Container, error) {
	id, err := containerID(cmd)
	if err != nil {
		return nil, err
	}
	return statedir.Load(cmd.String("root"), id)
}

// hintAtCgroups returns err, the outcome of a command, after telling a rootless
// caller the likely reason of a refused access.
func hintAtCgroups(command string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		logrus.Warnf("runc %s needs full access to the container's cgroups", command)
	}
	return err
}
