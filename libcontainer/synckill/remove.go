package synckill

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/opencontainers/cgroups"
	"github.com/opencontainers/cgroups/manager"
	"github.com/opencontainers/runc/libcontainer"
	"github.com/opencontainers/runc/libcontainer/configs"
	"golang.org/x/sys/unix"
)

// A removal may be cut off anywhere, and what it leaves must be enough to go on
// from. So the cgroups go first, then the files, of these the records in this
// order, then the directory.
var records = []string{stateFile, identityFile, cgroupsFile, originFile}

const stateFile = "state.json"

// removalPatience is how long a delete that was not asked to wait, and whoever
// removes a container of their own, wait for those in the exec fence.
const removalPatience = 2 * time.Second

// ErrChanged says that the container has got a state file, or lost it, since it
// was looked at. It is to be looked at again.
var ErrChanged = errors.New("the container's state has changed meanwhile")

// removeAlone removes the container and nothing that came after it. leave is
// called when it is gone, or was before, and poststop hooks are still to run.
func (c *Container) removeAlone(leave func(), checks ...func() error) error {
	standing, _, err := c.place.standing()
	if err != nil || !standing {
		leave()
		return err
	}
	loaded, err := c.load()
	if errors.Is(err, libcontainer.ErrNotExist) {
		return ErrChanged
	}
	if err != nil {
		return err
	}
	stop := takePoststop(loaded)
	err = destroy(loaded, c.place)
	for _, check := range checks {
		if err == nil {
			err = check()
		}
	}
	leave()
	if err != nil {
		return err
	}
	return stop()
}

// Remove removes the container, whose processes have ended, unless it has been
// deleted since it was opened. It kills nobody and waits for nobody.
func (c *Container) Remove(ctx context.Context) error { return c.removeNow(ctx) }

// removeNow is removeAlone for those who have not closed the exec fence. One who
// hangs in there for long keeps nobody from removing the container.
func (c *Container) removeNow(ctx context.Context) error {
	lower := func() {}
	if b, err := raise(c.place.path); err == nil {
		lower = sync.OnceFunc(b.lower)
		defer lower()
		ctx, cancel := context.WithTimeout(ctx, removalPatience)
		defer cancel()
		for held := b.held; !held && ctx.Err() == nil; {
			if held, err = b.wait(ctx, removalPatience); err != nil {
				break
			}
		}
	}
	return c.removeAlone(lower)
}

// takePoststop keeps libcontainer from running the poststop hooks as part of the
// removal. They may take their time, run commands on a container of the same
// name, and hang, which is not to be waited for in the exec fence.
func takePoststop(c *libcontainer.Container) (run func() error) {
	config := c.Config()
	hooks := configs.Hooks{configs.Poststop: config.Hooks[configs.Poststop]}
	if len(hooks[configs.Poststop]) == 0 {
		return func() error { return nil }
	}
	delete(config.Hooks, configs.Poststop)
	return func() error {
		state, err := c.OCIState()
		if err == nil {
			state.Status, state.Pid = "stopped", 0
			err = hooks.Run(configs.Poststop, state)
		}
		if err != nil {
			return fmt.Errorf("unable to destroy container: %w", err)
		}
		return nil
	}
}

// destroy is [libcontainer.Container.Destroy], which removes the files in any
// order; those of which the order matters go before.
func destroy(c *libcontainer.Container, p place) error {
	// Without it a container that is half removed was started for certain.
	if err := os.Remove(filepath.Join(p.path, fifoFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("unable to destroy container: %w", err)
	}
	config := c.Config()
	if config.RootlessCgroups && !config.Namespaces.IsPrivate(configs.NEWPID) {
		state, err := c.State()
		if err != nil {
			return err
		}
		_ = c.Signal(unix.SIGKILL) // as Destroy does, of which nothing is expected
		if err := removeCgroups(config.Cgroups, state.CgroupPaths); err != nil {
			return err
		}
		if err := p.removeFiles(originFile); err != nil {
			return err
		}
	}
	return c.Destroy()
}

// removeCgroups removes the container's cgroups, or its systemd unit.
func removeCgroups(config *cgroups.Cgroup, paths map[string]string) error {
	c := *config
	if c.Resources == nil {
		c.Resources = &cgroups.Resources{}
	}
	m, err := manager.NewWithPaths(&c, maps.Clone(paths))
	if err == nil {
		err = m.Destroy()
	}
	if err != nil {
		return fmt.Errorf("unable to destroy container: unable to remove container's cgroup: %w", err)
	}
	return nil
}

// removeFiles removes what is in the state directory, the records last, and
// leaves those named.
func (p place) removeFiles(leave ...string) error {
	dir, err := p.open()
	if err != nil {
		return fmt.Errorf("unable to remove container state dir: %w", err)
	}
	defer dir.Close()
	entries, err := fs.ReadDir(dir.FS(), ".")
	if err != nil {
		return fmt.Errorf("unable to remove container state dir: %w", err)
	}
	for _, name := range inOrder(entries) {
		if slices.Contains(leave, name) {
			continue
		}
		if err := dir.RemoveAll(name); err != nil {
			return fmt.Errorf("unable to remove container state dir: %w", err)
		}
	}
	return nil
}

// inOrder are the names of the entries, the records last.
func inOrder(entries []os.DirEntry) (names []string) {
	for _, e := range entries {
		names = append(names, e.Name())
	}
	slices.SortStableFunc(names, func(a, b string) int { return slices.Index(records, a) - slices.Index(records, b) })
	return names
}

// remove removes the state directory, the records last.
func (p place) remove() error {
	if err := p.removeFiles(); err != nil {
		return err
	}
	if err := os.Remove(p.path); err != nil {
		return fmt.Errorf("unable to remove container state dir: %w", err)
	}
	return nil
}
