package launch

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/opencontainers/runc/libcontainer"
	"github.com/sirupsen/logrus"

	"runcsync/internal/sdnotify"
	"runcsync/internal/statedir"
	"runcsync/libcontainer/synckill"
)

// Start lets the process of a created container go. With a host to notify it
// returns when the container is ready, or has ended.
func Start(root, id string) error {
	container, err := statedir.Load(root, id)
	if err != nil {
		return err
	}
	status, err := container.Status()
	if err != nil {
		return err
	}
	switch status {
	case libcontainer.Created:
	case libcontainer.Stopped:
		return errors.New("cannot start a container that has stopped")
	case libcontainer.Running:
		return errors.New("cannot start an already running container")
	default:
		return fmt.Errorf("cannot start a container in the %s state", status)
	}
	if err := synckill.RecordMissing(container, filepath.Join(root, id)); err != nil {
		logrus.Warn(err)
	}
	proxy := sdnotify.FromEnv(filepath.Join(root, id))
	if proxy == nil {
		return container.Exec()
	}
	return startNotifying(container, proxy)
}

func startNotifying(c *libcontainer.Container, proxy *sdnotify.Proxy) error {
	state, err := c.State()
	if err != nil {
		return err
	}
	listener, err := proxy.Listen()
	if err != nil {
		return err
	}
	if err := c.Exec(); err != nil {
		listener.Abandon()
		return err
	}
	return listener.Forward(state.InitProcessPid, state.InitProcessPid)
}
