package drain

import (
	"errors"
	"slices"

	"golang.org/x/sys/unix"
)

// errKeep is returned by the callback of confirmed that took the handle
// over, errKnown by one that had nothing to do.
var (
	errKeep  = errors.New("handle kept")
	errKnown = errors.New("has had its signal")
)

// none is for confirmed: no process is passed over.
func none(int) bool { return false }

// confirmed pins the processes that have the given IDs, a batch at a time,
// asks p once more and calls use with those that are still in it. A process
// that is pinned keeps its ID, so the second listing speaks of the one that is
// pinned; one that got the ID of a member which ended in between is not in it.
// It returns how many there were, those passed over by skip included and those
// for which use said errKnown not. Who can't be signalled keeps nobody else from
// being used; any other error ends it.
func (w *held) confirmed(p part, pids []int, b bounds, skip func(pid int) bool, use func(*handle) error) (total int, failed error) {
	for batch := range slices.Chunk(pids, w.batchFor(len(pids))) {
		n, err := w.confirm(p, batch, b, skip, use)
		total += n
		failed = errors.Join(failed, err)
		if err != nil && !unsignalled(err) {
			return total, failed
		}
		if err := b.stopped(); err != nil {
			return total, errors.Join(failed, err)
		}
	}
	return total, failed
}

// unsignalled tells whether an error is that of a signal.
func unsignalled(err error) bool {
	_, is := asType[*signalError](err)
	return is
}

func (w *held) confirm(p part, pids []int, b bounds, skip func(pid int) bool, use func(*handle) error) (n int, failed error) {
	handles := make([]handle, 0, len(pids))
	defer func() {
		for i := range handles {
			handles[i].close()
		}
	}()
	for _, pid := range pids {
		if skip(pid) {
			n++
			continue
		}
		h, err := open(pid)
		if errors.Is(err, unix.ESRCH) {
			continue
		}
		if err != nil {
			return n, err
		}
		handles = append(handles, h)
	}
	if len(handles) == 0 {
		return n, nil
	}
	pinned := make([]int, len(handles))
	for i, h := range handles {
		pinned[i] = h.pid
	}
	in, err := p.among(pinned, b)
	if err != nil {
		return n, err
	}
	for len(handles) > 0 {
		h := &handles[0]
		if in(h.pid) {
			switch err := use(h); {
			case errors.Is(err, errKeep):
				handles = handles[1:]
				n++
				continue
			case unsignalled(err):
				failed = errors.Join(failed, err)
				n++
			case err == nil:
				n++
			case !errors.Is(err, errKnown):
				return n, err
			}
		}
		h.close()
		handles = handles[1:]
	}
	return n, failed
}
