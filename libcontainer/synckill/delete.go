package synckill

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/opencontainers/cgroups"
	"github.com/opencontainers/runc/libcontainer"
	"golang.org/x/sys/unix"

	"runcsync/libcontainer/drain"
)

// Delete kills what is left of the container, waits until it has drained and
// removes it: its cgroups, its state directory and what else it holds. When it
// returns nil they are gone.
func (c *Container) Delete(ctx context.Context, r Request) (*Report, error) {
	ctx, cancel := r.bound(ctx)
	defer cancel()
	r.Signal, r.Idle = unix.SIGKILL, true
	m, err := c.members()
	if err != nil {
		return &Report{ID: c.ID(), Signal: r.Signal}, err
	}
	defer m.close()
	rep, err := c.drain(ctx, m, r)
	if err != nil {
		return rep, err
	}
	if err := c.Destroy(); err != nil {
		return rep, err
	}
	return rep, c.removed(m)
}

// removed makes sure that nothing of the container is left on disk.
func (c *Container) removed(m *members) error {
	paths := []string{c.stateDir}
	for _, t := range m.Trees {
		paths = append(paths, t.Path)
	}
	for _, p := range paths {
		if _, err := os.Lstat(p); !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("container %s was destroyed but %s is still there (%w)", c.ID(), p, errors.Join(err))
		}
	}
	return nil
}

// CheckDelete refuses a container that may not be deleted without force.
func (c *Container) CheckDelete(force bool) error {
	if force {
		return nil
	}
	status, err := c.Status()
	if err != nil || status == libcontainer.Stopped || status == libcontainer.Created {
		return err
	}
	return fmt.Errorf("cannot delete container %s that is not stopped: %s", c.ID(), status)
}

// DeleteNow deletes the container as upstream does: a container that is not
// stopped is killed first, and its init alone is waited for.
func (c *Container) DeleteNow(ctx context.Context, force bool) error {
	if err := c.CheckDelete(force); err != nil {
		return err
	}
	if status, err := c.Status(); !force && err == nil && status == libcontainer.Stopped {
		return c.Destroy()
	}
	return c.forceDelete(ctx)
}

// errStillRunning is upstream's, in words that engines know.
var errStillRunning = errors.New("container init still running")

// forceDelete kills the container, waits for its init, and removes it: what
// upstream's "delete --force" promises. The rest gets a moment to go, so that
// removing the cgroups does not have to be tried again and again.
func (c *Container) forceDelete(ctx context.Context) error {
	m, err := c.members()
	if err != nil {
		return err
	}
	defer m.close()
	all, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_, err = drain.Drain(all, m.Group, drain.Request{Signal: unix.SIGKILL})
	if t := (*drain.TimeoutError)(nil); errors.As(err, &t) {
		init, cancel := context.WithTimeout(ctx, DefaultTimeout-time.Second)
		defer cancel()
		_, err = drain.Drain(init, drain.Group{Processes: m.Processes}, drain.Request{Signal: unix.SIGKILL})
		if errors.As(err, &t) {
			return errStillRunning
		}
	}
	if err != nil {
		return err
	}
	return c.Destroy()
}

// Remains is what is known of a container whose state file is damaged.
type Remains struct {
	ID          string
	StateDir    string
	Init        drain.Process     // Pid 0 if lost
	CgroupPaths map[string]string // as libcontainer.State has them
	Complete    bool              // nothing that matters was lost
}

// Delete kills and removes what is known of the container. It returns an error
// and removes nothing if it is to wait, while what is known is not all.
func (r Remains) Delete(ctx context.Context, wait bool, q Request) (*Report, error) {
	if wait && !r.Complete {
		return nil, &drain.UnverifiableError{What: "container " + r.ID, Err: errors.New("its state file is damaged; delete --force without --wait removes what is known of it")}
	}
	ctx, cancel := q.bound(ctx)
	defer cancel()
	m := &members{}
	defer m.close()
	if r.Init.Pid > 0 {
		m.Processes = []drain.Process{r.Init}
	}
	if err := m.openTrees(r.CgroupPaths); err != nil {
		return nil, err
	}
	rep, err := drain.Drain(ctx, m.Group, drain.Request{Signal: unix.SIGKILL, Count: q.Count, Progress: q.Progress, Log: q.Log})
	report := &Report{ID: r.ID, Signal: unix.SIGKILL, Report: rep}
	if err != nil {
		return report, err
	}
	for _, t := range m.Trees {
		if err := cgroups.RemovePath(t.Path); err != nil {
			return report, fmt.Errorf("remove cgroup: %w", err)
		}
	}
	return report, os.RemoveAll(r.StateDir)
}
