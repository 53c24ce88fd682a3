package synckill

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"github.com/opencontainers/runc/libcontainer"
	"golang.org/x/sys/unix"

	"runcsync/libcontainer/drain"
)

// Making is a container on its way: libcontainer has made its state directory,
// and nothing of it has been started. From [Make] to [Making.Leave] it is in the
// room of the exec fence, so that a kill or delete that has closed the fence
// knows that nobody is making the container.
type Making struct {
	container *libcontainer.Container
	place     place
	leave     func()
	left      bool
}

// Make is called by whoever makes a container, with what [libcontainer.Create]
// has returned, before anything is started. It enters the exec fence, and
// notes in the state directory by what all that is started from then on can be
// found: whoever calls it may be killed at any instant after. It waits for a kill
// or delete of an earlier container of the name as an exec does. If it fails
// nothing may be started, and the directory is gone unless somebody else has
// taken it.
//
// The state directory may be removed, and made anew, by others until the note
// is in it. The note makes it this container's.
func Make(c *libcontainer.Container, stateDir string) (_ *Making, err error) {
	defer func() {
		if err != nil {
			_ = os.Remove(stateDir) // if it is empty: then nobody is further than here
		}
	}()
	leave, err := enterExec(stateDir, ExecPatience)
	if err != nil {
		return nil, err
	}
	if err := record(c, stateDir); err != nil {
		leave()
		return nil, err
	}
	// Not before: until the note is in it the directory may become another one.
	p, err := find(stateDir)
	if err != nil {
		leave()
		return nil, err
	}
	return &Making{container: c, place: p, leave: sync.OnceFunc(leave)}, nil
}

// Leave is called when the container's process stands and libcontainer has
// written its state. It may be called again.
func (m *Making) Leave() {
	m.left = true
	m.leave()
}

// Remove removes the container: one that could not be made, or whose process has
// ended. If it has been deleted since nothing is done, to another one of its name
// neither.
func (m *Making) Remove() error {
	c := &Container{place: m.place, load: func() (*libcontainer.Container, error) { return m.container, nil }}
	if m.left {
		return c.removeNow(context.Background())
	}
	// While this is in the room every delete is out of it, and so is, as long as
	// the directory stands, every other create.
	if err := m.end(); err != nil {
		m.Leave()
		return err // a delete can go on
	}
	return c.removeAlone(m.Leave)
}

// end ends what init has started and left behind, as a hook does that fails. What
// can't be known keeps nothing from being removed.
func (m *Making) end() error {
	o, err := readOrigin(m.place.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it has been deleted
	}
	if err != nil {
		return err
	}
	all := o.members(m.place, nil)
	defer all.close()
	ctx, cancel := context.WithTimeout(context.Background(), removalPatience)
	defer cancel()
	_, err = drain.Drain(ctx, all.Group, drain.Request{Signal: unix.SIGKILL})
	if late := (*drain.TimeoutError)(nil); errors.As(err, &late) {
		return fmt.Errorf("container %s is left as it is: %w", m.container.ID(), err)
	}
	return nil
}
