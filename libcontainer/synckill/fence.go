package synckill

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// The exec fence keeps a "runc exec" that began before a kill from adding a
// process after it. It is two locks for each container: an exec passes the
// gate and stays in the room until its process is in the container's cgroup; a
// kill closes the gate, so that no further one gets in, and then waits for the
// room to be empty.
//
// They are open file description locks (fcntl(2), Linux 3.15), which the
// kernel releases when their holder dies, however it does. The gate is held
// for an instant only and by one exec at a time, so a stream of execs can't
// keep a kill from closing it.
//
// The locks are on bytes of one file beside the state directories of all
// containers, at a place that follows from the container's ID. In a state
// directory an exec that is being held back could make the file anew while the
// directory is removed, and what is locked could be the file of an earlier
// container of the same name.

// lockPlace is the offset of a lock in the fence file.
type lockPlace int64

// places are a container's gate and room. Two containers of one root share
// them once in 2^62, and would then only wait for each other.
func places(id string) (gate, room lockPlace) {
	h := fnv.New64a()
	_, _ = io.WriteString(h, id)
	gate = lockPlace(h.Sum64() >> 2 << 1)
	return gate, gate + 1
}

// fence is the open fence file, with one container's locks in it.
type fence struct {
	file       *os.File
	gate, room lockPlace
}

// Close releases the locks held through f.
func (f *fence) Close() error { return f.file.Close() }

// lock takes a lock of the given type, waiting if it must.
func (f *fence) lock(place lockPlace, kind int16) error {
	return f.fcntl(unix.F_OFD_SETLKW, place, kind)
}

// tryLock is lock without waiting; false if somebody else holds the lock.
func (f *fence) tryLock(place lockPlace, kind int16) (bool, error) {
	err := f.fcntl(unix.F_OFD_SETLK, place, kind)
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
		return false, nil
	}
	return err == nil, err
}

func (f *fence) fcntl(cmd int, place lockPlace, kind int16) error {
	l := unix.Flock_t{Type: kind, Whence: io.SeekStart, Start: int64(place), Len: 1}
	for {
		err := unix.FcntlFlock(f.file.Fd(), cmd, &l)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("lock exec fence: %w", err)
		}
		return nil
	}
}

// ExecPatience is how long an exec waits for a kill that holds the fence shut.
// The container is being killed, and most of what it could wait for is the
// error that the container has stopped; a health probe is better off with an
// error that comes in time.
const ExecPatience = 10 * time.Second

// EnterExec is called by exec before it looks at the container's status for the
// last time. It waits while a kill has closed the fence, at most
// [ExecPatience]; leave is to be called when exec's process is in the
// container's cgroup, or will never be. An exec that can't enter must not go on:
// no kill would wait for it. That there is no directory of containers (any
// more) is no error: loading the container tells that better.
func EnterExec(stateDir string) (leave func(), err error) {
	leave, err = enterExec(stateDir, ExecPatience)
	if errors.Is(err, fs.ErrNotExist) {
		return func() {}, nil
	}
	return leave, err
}

// enterExec is EnterExec, to which it is an error that there is no directory.
func enterExec(stateDir string, patience time.Duration) (leave func(), err error) {
	for end := time.Now().Add(patience); ; {
		f, err := openFence(stateDir)
		if err != nil {
			return nil, fmt.Errorf("a kill could not be kept from missing the process: %w", err)
		}
		if err := f.enter(time.Until(end)); err != nil {
			if errors.Is(err, errShut) {
				err = fmt.Errorf("%w, and has not finished within %s", err, patience)
			}
			return nil, err
		}
		if f.intact() {
			return func() { f.Close() }, nil
		}
		f.Close() // what others find is another file
	}
}

// errShut is what an exec is told that has waited long enough.
var errShut = errors.New(`a "kill --wait" or "delete --wait" is ending the container`)

// enter passes the gate and stays in the room. With an error f is closed, or
// will be when the locks come.
func (f *fence) enter(patience time.Duration) error {
	free, err := f.tryLock(f.gate, unix.F_WRLCK)
	if free && err == nil {
		free, err = f.tryLock(f.room, unix.F_RDLCK)
	}
	if free && err == nil {
		err = f.lock(f.gate, unix.F_UNLCK)
	}
	if free || err != nil {
		return f.closeOn(err)
	}
	done := make(chan error, 1)
	go func() {
		done <- errors.Join(f.lock(f.gate, unix.F_WRLCK), f.lock(f.room, unix.F_RDLCK), f.lock(f.gate, unix.F_UNLCK))
	}()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case err := <-done:
		return f.closeOn(err)
	case <-timer.C:
		go func() { <-done; f.Close() }()
		return errShut
	}
}

func (f *fence) closeOn(err error) error {
	if err != nil {
		f.Close()
	}
	return err
}

// barrier is a kill's side of the fence.
type barrier struct {
	fence *fence
	done  chan error // receives once, when gate and room are ours
	held  bool
}

// raise closes the gate and asks for the room, without waiting for either. With an
// error, nobody is kept out: one who was in the room when the directory of all
// containers went, and the fence with it, neither.
func raise(stateDir string) (*barrier, error) {
	f, err := openFence(stateDir)
	if err != nil {
		return nil, err
	}
	b := &barrier{fence: f}
	ok, err := f.tryLock(f.gate, unix.F_WRLCK)
	if ok && err == nil {
		ok, err = f.tryLock(f.room, unix.F_WRLCK)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	if b.held = ok; !ok {
		b.done = make(chan error, 1)
		// The goroutine ends when the execs in front have left or died. If
		// the kill gives up first, so does the process it is in, or lower
		// closes the file as soon as the locks come.
		go func() { b.done <- errors.Join(f.lock(f.gate, unix.F_WRLCK), f.lock(f.room, unix.F_WRLCK)) }()
	}
	return b, nil
}

// wait waits until the fence is closed, at most until the context ends or a
// pause has passed; it tells whether it is closed now.
func (b *barrier) wait(ctx context.Context, pause time.Duration) (bool, error) {
	if b.held {
		return true, nil
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case err := <-b.done:
		if b.held = err == nil; !b.held {
			b.fence.Close() // one of the locks may have come
			b.fence = nil
		}
		return b.held, err
	case <-timer.C:
		return false, nil
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}

// intact tells whether nobody can have passed since the fence was closed.
func (b *barrier) intact() bool { return b.fence == nil || b.fence.intact() }

// lower opens the fence again.
func (b *barrier) lower() {
	switch {
	case b.fence == nil:
	case b.held:
		b.fence.Close()
	default:
		go func() { <-b.done; b.fence.Close() }()
	}
}
