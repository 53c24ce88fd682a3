// Package criu prepares what checkpoint and restore ask of CRIU.
package criu

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/moby/sys/userns"
	"github.com/opencontainers/runc/libcontainer"
	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"

	"runcsync/libcontainer/synckill"
)

// Request is a checkpoint or a restore as the command line states it.
type Request struct {
	libcontainer.CriuOpts

	PageServer string   // "ADDRESS:PORT" or ""
	EmptyNs    []string // namespaces to leave empty
}

// Options checks the request and fills in defaults. It makes nothing.
func (r *Request) Options() (*libcontainer.CriuOpts, error) {
	opts := r.CriuOpts
	var err error
	if opts.PageServer, err = pageServer(r.PageServer); err != nil {
		return nil, err
	}
	if opts.EmptyNs, err = emptyNamespaces(r.EmptyNs); err != nil {
		return nil, err
	}
	if opts.ImagesDirectory == "" {
		cwd, err := os.Getwd()
		if err != nil {
			return nil, err
		}
		opts.ImagesDirectory = filepath.Join(cwd, "checkpoint")
	}
	return &opts, checkParent(opts.ImagesDirectory, opts.ParentImage)
}

// Checkpoint dumps a running container, and removes it, with its state directory
// stateDir, unless it stays alive.
func Checkpoint(c *libcontainer.Container, stateDir string, r *Request) error {
	WarnRootless()
	found, err := synckill.New(c, stateDir)
	if err != nil {
		return err
	}
	status, err := c.Status()
	if err != nil {
		return err
	}
	if status == libcontainer.Created || status == libcontainer.Stopped {
		return fmt.Errorf("Container cannot be checkpointed in %s state", status) //nolint:staticcheck // upstream's text
	}
	opts, err := r.Options()
	if err != nil {
		return err
	}
	if err := dump(c, opts); err != nil {
		return err
	}
	if opts.LeaveRunning || opts.PreDump {
		return nil
	}
	if err := found.Remove(context.Background()); err != nil {
		logrus.Warn(err)
	}
	return nil
}

// dump takes the checkpoint. A directory that it had to make, and that nothing
// came into, not even CRIU's log, goes again.
func dump(c *libcontainer.Container, opts *libcontainer.CriuOpts) error {
	dir := opts.ImagesDirectory
	_, err := os.Stat(dir)
	made := errors.Is(err, fs.ErrNotExist)
	if err := os.MkdirAll(dir, 0o600); err != nil {
		return err
	}
	err = c.Checkpoint(opts)
	if err != nil && made {
		_ = os.Remove(dir)
	}
	return err
}

// WarnRootless logs that nobody has tried this without root's rights.
func WarnRootless() {
	if os.Geteuid() != 0 || userns.RunningInUserNS() {
		logrus.Warn("runc checkpoint is untested with rootless containers")
	}
}

func pageServer(s string) (libcontainer.CriuPageServerInfo, error) {
	var server libcontainer.CriuPageServerInfo
	if s == "" {
		return server, nil
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil || host == "" || port == "" {
		return server, errors.New("Use --page-server ADDRESS:PORT to specify page server") //nolint:staticcheck // upstream's text
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return server, errors.New("Invalid port number") //nolint:staticcheck // upstream's text
	}
	server.Address, server.Port = host, int32(n)
	return server, nil
}

// emptyNamespaces is the mask of namespaces whose content CRIU leaves alone.
// The network is always one: its devices are the caller's to set up.
func emptyNamespaces(names []string) (uint32, error) {
	for _, name := range names {
		if name != string(specs.NetworkNamespace) {
			return 0, fmt.Errorf("namespace %q is not supported", name)
		}
	}
	return unix.CLONE_NEWNET, nil
}

// checkParent refuses a parent, given relative to the images as CRIU wants it,
// that is no directory.
func checkParent(images, parent string) error {
	if parent == "" {
		return nil
	}
	if filepath.IsAbs(parent) {
		return errors.New("--parent-path must be relative")
	}
	path := filepath.Join(images, parent)
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() {
		err = &os.PathError{Op: "open", Path: path, Err: unix.ENOTDIR}
	}
	if err != nil {
		return fmt.Errorf("invalid --parent-path: %w", err)
	}
	return nil
}
