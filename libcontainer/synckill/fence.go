package synckill

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"path/filepath"
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
const fenceFile = ".exec-fence"

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

// openFence opens the fence of the container that has stateDir. The error is
// [fs.ErrNotExist] if there is no directory for it to be in.
func openFence(stateDir string) (*fence, error) {
	root, id := filepath.Split(filepath.Clean(stateDir))
	f, err := os.OpenFile(filepath.Join(root, fenceFile), os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open exec fence: %w", err)
	}
	gate, room := places(id)
	return &fence{f, gate, room}, nil
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

// EnterExec is called by exec before it looks at the container's status. It
// waits while a kill has closed the fence; leave is to be called when exec's
// process is in the container's cgroup, or will never be. A container that does
// not exist (any more) is no error: loading it tells that better.
func EnterExec(stateDir string) (leave func(), err error) {
	f, err := openFence(stateDir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.EROFS) {
		// Where exec may not write no kill may either, and such a kill does
		// not claim that the container has drained.
		return func() {}, nil
	}
	if err != nil {
		return nil, err
	}
	err = errors.Join(f.lock(f.gate, unix.F_WRLCK), f.lock(f.room, unix.F_RDLCK), f.lock(f.gate, unix.F_UNLCK))
	if err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}

// barrier is a kill's side of the fence.
type barrier struct {
	fence *fence
	done  chan error // receives once, when gate and room are ours
	held  bool
}

// raise closes the gate and asks for the room, without waiting for either.
// Where not even a place for the fence is left there is nothing to fence.
func raise(stateDir string) (*barrier, error) {
	f, err := openFence(stateDir)
	if errors.Is(err, fs.ErrNotExist) {
		return &barrier{held: true}, nil
	}
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
		b.held = err == nil
		return b.held, err
	case <-timer.C:
		return false, nil
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}

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
