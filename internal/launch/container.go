package launch

import (
	"os"
	"path/filepath"

	"github.com/opencontainers/runc/libcontainer"
	"github.com/opencontainers/runc/libcontainer/specconv"
	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sirupsen/logrus"

	"runcsync/internal/bundle"
	"runcsync/internal/sdnotify"
	"runcsync/libcontainer/synckill"
)

// Container is a container to be made from a bundle.
type Container struct {
	Attachment
	Root   string // state directory of all containers
	ID     string
	Bundle string // "" is the working directory

	SystemdCgroup bool
	Rootless      string // true, false or auto
	NoPivot       bool
	NoNewKeyring  bool
	NoSubreaper   bool // leave the container's orphans to the host's init
	Keep          bool // keep the container when its process has exited

	making *synckill.Making // once there is something to be found by others
}

// Create makes the container, whose process then waits for [Start].
func (c *Container) Create() error {
	c.Detach = true
	_, err := c.launch(c.start, nil)
	return err
}

// Run makes the container and starts its process. In the foreground it returns
// the exit status, and the container is gone unless it is to be kept.
func (c *Container) Run() (int, error) {
	return c.launch(func(lc *libcontainer.Container, p *libcontainer.Process) error {
		if err := c.start(lc, p); err != nil {
			return err
		}
		return lc.Exec()
	}, (*sdnotify.Proxy).Listen)
}

// start creates the container's process and, while that still waits to be
// started, notes by what a kill can tell the container's processes later.
func (c *Container) start(lc *libcontainer.Container, p *libcontainer.Process) error {
	if err := lc.Start(p); err != nil {
		return err
	}
	c.stands(lc)
	return nil
}

// stands is called when the container's process does.
func (c *Container) stands(lc *libcontainer.Container) {
	if err := synckill.RecordNamespaces(lc, c.stateDir()); err != nil {
		logrus.Warn(err)
	}
	c.making.Leave()
}

// Restore makes the container from a checkpoint, and is otherwise like Run.
func (c *Container) Restore(opts *libcontainer.CriuOpts) (int, error) {
	restore := func(lc *libcontainer.Container, p *libcontainer.Process) error {
		if err := lc.Restore(p, opts); err != nil {
			return err
		}
		c.stands(lc)
		return nil
	}
	return c.launch(restore, nil)
}

func (c *Container) stateDir() string { return filepath.Join(c.Root, c.ID) }

// launch makes the container and lets start put the process into it. listen is
// nil if the container's readiness is not this command's to pass on.
func (c *Container) launch(
	start func(*libcontainer.Container, *libcontainer.Process) error,
	listen func(*sdnotify.Proxy) (*sdnotify.Listener, error),
) (int, error) {
	if err := c.resolve(); err != nil {
		return -1, err
	}
	spec, err := bundle.Enter(c.Bundle)
	if err != nil {
		return -1, err
	}
	if c.ID == "" {
		return -1, errEmptyID
	}
	if err := c.plan(spec.Process).Check(); err != nil {
		return -1, err
	}
	proxy := sdnotify.FromEnv(c.stateDir())
	if proxy != nil {
		proxy.Amend(spec)
	}
	container, err := c.create(spec)
	if err != nil {
		return -1, err
	}
	if c.making, err = synckill.Make(container, c.stateDir()); err != nil {
		return -1, err
	}
	defer c.making.Leave()
	l := &launch{
		Attachment: c.Attachment,
		container:  container,
		init:       true,
		activation: true,
		subreaper:  !c.NoSubreaper,
		start:      func(p *libcontainer.Process) error { return start(container, p) },
		ended: func(err error) {
			if err != nil || !c.Detach && !c.Keep {
				c.destroy()
			}
		},
	}
	if proxy != nil {
		if l.notify, err = prepare(proxy, listen); err != nil {
			c.destroy()
			return -1, err
		}
	}
	return l.run(spec.Process)
}

// create makes the container's state directory. Nothing of the container
// exists before.
func (c *Container) create(spec *specs.Spec) (*libcontainer.Container, error) {
	rootless, err := rootlessCgroups(c.Rootless, c.SystemdCgroup)
	if err != nil {
		return nil, err
	}
	config, err := specconv.CreateLibcontainerConfig(&specconv.CreateOpts{
		Spec:             spec,
		CgroupName:       c.ID,
		UseSystemdCgroup: c.SystemdCgroup,
		RootlessCgroups:  rootless,
		RootlessEUID:     os.Geteuid() != 0,
		NoPivotRoot:      c.NoPivot,
		NoNewKeyring:     c.NoNewKeyring,
	})
	if err != nil {
		return nil, err
	}
	return libcontainer.Create(c.Root, c.ID, config)
}

// prepare makes what the container will mount, and listens there if asked to.
func prepare(p *sdnotify.Proxy, listen func(*sdnotify.Proxy) (*sdnotify.Listener, error)) (*sdnotify.Listener, error) {
	if err := p.MakeDir(); err != nil {
		return nil, err
	}
	if listen == nil {
		return nil, nil
	}
	return listen(p)
}

func (c *Container) destroy() {
	if err := c.making.Remove(); err != nil {
		logrus.Warn(err)
	}
}
