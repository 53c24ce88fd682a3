package synckill

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/opencontainers/cgroups"
	"github.com/opencontainers/runc/libcontainer"
	"golang.org/x/sys/unix"

	"runcsync/libcontainer/drain"
)

// Delete kills what is left of the container, waits until it has drained and
// removes it: its cgroups, its state directory and what else it holds. When it
// returns nil they are gone. Without force a container that is not stopped is
// refused.
func (c *Container) Delete(ctx context.Context, r Request, force bool) (*Report, error) {
	began := time.Now()
	ctx, cancel := r.bound(ctx)
	defer cancel()
	r.Signal, r.Idle = unix.SIGKILL, true
	none := &Report{ID: c.ID(), Signal: r.Signal}
	if !force {
		err := within(ctx, "finding out whether the container is stopped", func() error {
			_, err := c.removable(true)
			return err
		})
		if err != nil {
			return none, err
		}
	}
	m, err := c.members()
	if force && errors.Is(err, errReplaced) {
		none.Drained = true
		return none, nil // somebody else has deleted it
	}
	if err != nil {
		return none, err
	}
	rep, err := c.drain(ctx, m, r)
	if err != nil {
		m.close()
		return rep, err
	}
	err = within(ctx, "removing the container, whose processes have ended,", func() error {
		defer m.close() // not before, though nobody may wait for it
		if err := m.removeRenamed(); err != nil {
			return err
		}
		return c.removeAlone(m.lower, func() error { return c.removed(m) })
	})
	if err != nil {
		rep.Elapsed = time.Since(began)
	}
	return rep, err
}

// within does what libcontainer gives no way to interrupt: a poststop hook may
// hang, or a cgroup's freezer never settle. When the context ends first, what is
// done goes on in the background for as long as the caller's process lives.
func within(ctx context.Context, what string, do func() error) error {
	began := time.Now()
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done: // it was a tie
		return err
	default:
	}
	if err := context.Cause(ctx); !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &drain.TimeoutError{After: time.Since(began), Notes: []string{what + " has not finished"}}
}

// removed makes sure that nothing of the container is left on disk.
func (c *Container) removed(m *members) error {
	paths := []string{c.stateDir}
	for _, t := range m.Trees {
		paths = append(paths, t.Path)
	}
	for _, p := range paths {
		_, err := os.Lstat(p)
		if err == nil {
			err = os.ErrExist
		}
		if !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("container %s was destroyed, but %s: %w", c.ID(), p, err)
		}
	}
	return nil
}

// removable is the status of a container that may be deleted without force;
// another one is refused. So is one of which the status can't be known; sure says
// that this includes one made by a runtime that recorded nothing.
func (c *Container) removable(sure bool) (libcontainer.Status, error) {
	s := c.see()
	if err := s.reused(); err != nil {
		return 0, err
	}
	if s.unsure != nil && (sure || s.then != nil || s.here.StrangeProc) {
		return 0, fmt.Errorf("cannot delete container %s, of which it is not known whether it is stopped: %w", c.ID(), s.unsure)
	}
	var (
		status libcontainer.Status
		err    error
	)
	if s.misled(c) {
		status = s.status(c)
	} else {
		status, err = c.status()
	}
	if err != nil || status == libcontainer.Stopped || status == libcontainer.Created {
		return status, err
	}
	return status, fmt.Errorf("cannot delete container %s that is not stopped: %s", c.ID(), status)
}

// DeleteNow deletes the container as upstream does: a container that is not
// stopped is killed first, and its init alone is waited for.
func (c *Container) DeleteNow(ctx context.Context, force bool) error {
	if force { // whatever its state is, which libcontainer may take for ever to find out
		return c.forceDelete(ctx)
	}
	status, err := c.removable(false)
	if err != nil {
		return err
	}
	if status == libcontainer.Stopped {
		return c.removeNow(ctx)
	}
	return c.forceDelete(ctx)
}

// errStillRunning is upstream's, in words that engines know.
var errStillRunning = errors.New("container init still running")

// forceDelete kills the container, waits for its init, and removes it: what
// upstream's "delete --force" promises. The rest gets a moment to go, so that
// removing the cgroups does not have to be tried again and again. What can't be
// known keeps nothing from being removed.
func (c *Container) forceDelete(ctx context.Context) error {
	m, err := c.members()
	if errors.Is(err, errReplaced) {
		return nil
	}
	if err != nil {
		return err
	}
	defer m.close()
	if err := m.seen.reused(); err != nil {
		return err
	}
	all, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_, err = drain.Drain(all, m.Group, drain.Request{Signal: unix.SIGKILL})
	if lasts(err) {
		init, cancel := context.WithTimeout(ctx, DefaultTimeout-time.Second)
		defer cancel()
		_, err = drain.Drain(init, drain.Group{Processes: m.Processes}, drain.Request{Signal: unix.SIGKILL})
		if _, late := asType[*drain.TimeoutError](err); late {
			return errStillRunning
		}
	}
	if err != nil && !lasts(err) {
		return err
	}
	if err := m.removeRenamed(); err != nil {
		return err
	}
	return c.removeNow(ctx)
}

// lasts tells whether a drain's error says that the end of all was not seen, be
// it that there is none or that it can't be told.
func lasts(err error) bool {
	_, late := asType[*drain.TimeoutError](err)
	_, unknown := asType[*drain.UnverifiableError](err)
	return late || unknown
}

// Remains is what is known of a container whose state file is damaged.
type Remains struct {
	ID          string
	StateDir    string
	Init        drain.Process     // Pid 0 if lost
	CgroupPaths map[string]string // as libcontainer.State has them
	Complete    bool              // nothing that matters was lost

	place place // StateDir, since before the file was read
}

// OpenRemains takes a container by what read recovers of its state file. The error
// is [libcontainer.ErrNotExist] if there is no directory, or read's.
//
// If the container is deleted and another one of its name is made, that one is
// left alone.
func OpenRemains(stateDir string, read func() (Remains, error)) (Remains, error) {
	p, err := find(stateDir)
	if errors.Is(err, fs.ErrNotExist) {
		err = libcontainer.ErrNotExist
	}
	if err != nil {
		return Remains{}, err
	}
	r, err := read()
	if err != nil {
		p.close()
		return Remains{}, err
	}
	r.StateDir, r.place = stateDir, p
	return r, nil
}

// Delete kills and removes what is known of the container. It returns an error
// and removes nothing if it is to wait, while what is known is not all.
func (r Remains) Delete(ctx context.Context, wait bool, q Request) (*Report, error) {
	ctx, cancel := q.bound(ctx)
	defer cancel()
	c := &Container{stateDir: r.StateDir, place: r.place, state: &libcontainer.State{
		BaseState:   libcontainer.BaseState{ID: r.ID, InitProcessPid: r.Init.Pid, InitProcessStartTime: r.Init.StartTime},
		CgroupPaths: r.CgroupPaths,
	}}
	m, err := c.members()
	if err != nil {
		return nil, err
	}
	defer m.close()
	// Whoever is told by their namespaces is not found without the configuration.
	if _, err := os.Lstat(filepath.Join(r.StateDir, identityFile)); !r.Complete || !errors.Is(err, os.ErrNotExist) {
		m.doubt(&drain.UnverifiableError{What: "container " + r.ID, Err: errors.New("its state file is damaged; delete --force without --wait removes what is known of it")})
	}
	report, err := c.drainRemains(ctx, m, q, wait)
	if err != nil {
		return report, err
	}
	if standing, _, err := r.place.standing(); err != nil || !standing {
		return report, err // somebody else has removed it
	}
	for _, t := range m.Trees {
		if err := cgroups.RemovePath(t.Path); err != nil {
			return report, fmt.Errorf("remove cgroup: %w", err)
		}
	}
	return report, r.place.remove()
}

// drainRemains kills what is known; to wait takes the exec fence as well, since
// an exec may have read the state before it was damaged.
func (c *Container) drainRemains(ctx context.Context, m *members, q Request, wait bool) (*Report, error) {
	q.Signal, q.Idle = unix.SIGKILL, true
	if wait {
		return c.drain(ctx, m, q)
	}
	rep, err := drain.Drain(ctx, m.Group, drain.Request{Signal: q.Signal, Count: q.Count, Progress: q.Progress, Log: q.Log})
	return &Report{ID: c.ID(), Signal: q.Signal, Report: rep}, err
}
