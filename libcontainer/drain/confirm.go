package drain

import (
	"errors"
	"slices"
	"strings"

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
// being used, nor does what of p can't be read; the end of descriptors or of the
// time ends it.
func (w *held) confirmed(p part, pids []int, b bounds, skip func(pid int) bool, use func(*handle) error) (total int, failed error) {
	for batch := range slices.Chunk(pids, w.batchFor(len(pids))) {
		n, err := w.confirm(p, batch, b, skip, use)
		total += n
		failed = both(failed, err)
		if exhausted(err) || ended(err) {
			return total, failed
		}
		if err := b.stopped(); err != nil {
			return total, errors.Join(failed, err)
		}
	}
	return total, failed
}

// both joins two errors, unless the second says once more what the first does.
func both(first, second error) error {
	if first != nil && second != nil && strings.Contains(first.Error(), second.Error()) {
		return first
	}
	return errors.Join(first, second)
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
	in, failed := p.among(pinned, b) // who is found is in it, whatever else could not be read
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
				return n, errors.Join(failed, err)
			}
		}
		h.close()
		handles = handles[1:]
	}
	return n, failed
}
