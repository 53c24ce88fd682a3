package synckill

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/opencontainers/runc/libcontainer"
	"golang.org/x/sys/unix"

	"runcsync/libcontainer/drain"
)

// Unfinished is a container that has a state directory and no state file in it:
// it is being made, or whoever made or removed it was killed on the way.
type Unfinished struct {
	id    string
	place place
	// namespaces are those of an init that was found in an earlier look.
	namespaces *namespaceSource
}

// OpenUnfinished takes what is in stateDir. The error is [libcontainer.ErrNotExist]
// if there is no directory.
func OpenUnfinished(id, stateDir string) (*Unfinished, error) {
	p, err := find(stateDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, libcontainer.ErrNotExist
	}
	if err != nil {
		return nil, err
	}
	return &Unfinished{id: id, place: p}, nil
}

// glance is how long a look at an unfinished container is good for, while
// somebody is making it.
const glance = 50 * time.Millisecond

// Kill kills all of the container that is there and waits until there is nothing
// more and nobody is making it. The error is [libcontainer.ErrNotExist] if there
// was nothing, [ErrChanged] if it has been completed meanwhile.
func (u *Unfinished) Kill(ctx context.Context, r Request) (*Report, error) {
	ctx, cancel := r.bound(ctx)
	defer cancel()
	rep, m, err := u.end(ctx, r)
	if err != nil {
		return rep, err
	}
	defer m.close()
	if err := u.unproven(m); err != nil {
		rep.Drained = false
		return rep, err
	}
	if rep.Idle && !r.Idle {
		return rep, libcontainer.ErrNotExist
	}
	return rep, nil
}

// Delete is Kill, and removes what is left. Without force a container that
// somebody is making is left alone. With wait, nothing is removed of which the
// end can't be claimed.
func (u *Unfinished) Delete(ctx context.Context, r Request, force, wait bool) (*Report, error) {
	ctx, cancel := r.bound(ctx)
	defer cancel()
	if !force {
		if making, err := u.making(); err != nil || making {
			return nil, errors.Join(err, libcontainer.ErrNotExist)
		}
	}
	rep, m, err := u.end(ctx, r)
	if force && errors.Is(err, errReplaced) {
		rep.Drained = true
		return rep, nil // somebody else has removed it
	}
	if err != nil {
		return rep, err
	}
	if err := u.unproven(m); err != nil && wait {
		m.close()
		rep.Drained = false
		return rep, err
	}
	return rep, within(ctx, "removing the container, whose processes have ended,", func() error {
		defer m.close() // not before, though nobody may wait for it
		if standing, _, err := u.place.standing(); err != nil || !standing {
			return err // its creator has removed it
		}
		return u.remove(m)
	})
}

// unproven is why the end of what was found is not the container's for certain.
func (u *Unfinished) unproven(m *members) error {
	if err := m.unproven(); err != nil {
		return &drain.UnverifiableError{What: "container " + u.id, Err: err}
	}
	return nil
}

// making tells whether somebody is making the container right now.
func (u *Unfinished) making() (bool, error) {
	b, err := raise(u.place.path)
	if err != nil {
		return false, err
	}
	defer b.lower()
	return !b.held, nil
}

// remove removes the cgroups and then the directory.
func (u *Unfinished) remove(m *members) error {
	if o, err := readOrigin(u.place.path); err == nil && len(m.Trees) > 0 {
		if err := removeCgroups(&o.Cgroup, o.CgroupPaths); err != nil {
			return err
		}
	}
	return u.place.remove()
}

// end kills whatever is there, again and again while somebody goes on making the
// container. When it returns nil nothing is there, as far as m has no doubts, and
// the exec fence is closed until m is.
func (u *Unfinished) end(ctx context.Context, r Request) (rep *Report, m *members, err error) {
	began := time.Now()
	rep = &Report{ID: u.id, Signal: unix.SIGKILL}
	defer func() { rep.Elapsed = time.Since(began) }()
	b, fenceErr := raise(u.place.path)
	if fenceErr != nil {
		fenceErr = fmt.Errorf("its creator could not be kept out: %w", fenceErr)
		b = &barrier{held: true} // kill first
	}
	for {
		closed := b.held
		if m, err = u.members(); err == nil {
			m.fence = b
			err = u.drain(ctx, m, r, rep)
		}
		if err == nil && closed {
			err = u.changed()
			if fenceErr != nil {
				m.doubt(fenceErr)
			}
			if !b.intact() {
				m.doubt(errors.New("exec fence: the file was removed meanwhile"))
			}
		}
		if err == nil && closed {
			return rep, m, nil
		}
		if err == nil {
			m.fence = nil
			m.close()
			_, err = b.wait(ctx, glance)
			m = nil
		}
		if err == nil {
			continue
		}
		rep.Drained = false
		if m != nil {
			m.fence = nil
			m.close()
		}
		b.lower()
		if !closed {
			err = inFlight(err, time.Since(began), "a create that began before has not finished")
		}
		return rep, nil, err
	}
}

// drain is one look, and what it takes to end what was seen.
func (u *Unfinished) drain(ctx context.Context, m *members, r Request, rep *Report) error {
	again, err := drain.Drain(ctx, m.Group, drain.Request{
		Signal: unix.SIGKILL, Count: r.Count, Progress: r.Progress, Log: r.Log,
	})
	rep.add(again)
	if errors.Is(err, drain.ErrNoProcess) {
		return nil
	}
	return err
}

// members finds what there is of the container now.
func (u *Unfinished) members() (*members, error) {
	dir := u.place.path
	o, err := readOrigin(dir)
	m := &members{}
	switch {
	case err == nil:
		m = o.members(u.place, u.namespaces)
		u.namespaces, m.namespaces = m.namespaces, nil // kept for further looks
	case !errors.Is(err, fs.ErrNotExist):
		m.doubt(err)
	default:
		// The fifo comes after the origin, and goes before it.
		if _, err := os.Lstat(filepath.Join(dir, fifoFile)); err == nil {
			m.doubt(errors.New("it was made by a runtime that has not noted where its processes are"))
		}
	}
	if err := u.place.notReplaced(); err != nil {
		m.close()
		return nil, err
	}
	return m, nil
}

// changed tells whether the container has been completed.
func (u *Unfinished) changed() error {
	// Not a link that leads nowhere, which is no state file to others.
	if _, err := os.Stat(filepath.Join(u.place.path, stateFile)); err == nil {
		return ErrChanged
	}
	return nil
}
