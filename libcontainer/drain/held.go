package drain

import (
	"errors"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// budget is how many processes a drain holds by descriptor at a time.
type budget struct {
	watch int // that are waited for
	batch int // that are pinned beside them while their membership is confirmed
}

// full keeps the descriptors of a drain below 256, however many processes
// there are: some thirty more are cgroups of each hierarchy and the runtime's.
var full = budget{watch: 128, batch: 80}

// least is the budget that comes without waiting for anybody by descriptor.
var least = budget{watch: 0, batch: 1}

// listings is how many times a group of many is listed to confirm all its
// processes, as far as the budget allows. Each listing costs as much as there
// are processes, so that with small batches it would be their number squared:
// with 10,000 on cgroup v1, in batches of 64, half a second.
const listings = 16

// spare is how many descriptors walking a tree and reading its files takes.
const spare = walkOpen + 4

// affordable is the budget within the process's limit of open files. What is
// not watched is looked at again and again instead.
func affordable() budget {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Cur >= 1024 {
		return full
	}
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return least
	}
	free := int(limit.Cur) - len(open) - spare
	return budget{watch: min(max(free/2, 1), full.watch), batch: min(max(free/2, 1), full.batch)}
}

// held is who is held: Group.Processes, and what was seen of the group and is
// waited for. None of them is known to have terminated.
type held struct {
	budget
	handles []handle
}

// add takes over h, or closes it if there is no room or if it is held already.
func (w *held) add(h handle) {
	if !h.own && (len(w.handles) >= w.watch || w.has(h.pid)) {
		h.close()
		return
	}
	w.handles = append(w.handles, h)
}

// has tells whether the process with this ID is held. As long as it is held by
// a pidfd and not terminated its ID is not given to another one.
func (w *held) has(pid int) bool {
	return slices.ContainsFunc(w.handles, func(h handle) bool { return h.pid == pid })
}

// room is how many more can be held.
func (w *held) room() int { return max(w.watch-len(w.handles), 0) }

// batchFor is how many of n processes to pin at a time. The last of them are
// watched after they have been pinned, so what can be watched can be pinned.
func (w *held) batchFor(n int) int {
	return max(w.batch, min(n/listings, w.watch+w.batch-len(w.handles)), 1)
}

// release lets go of all but Group.Processes, and holds nobody else from now
// on. It tells whether that gave back any descriptors.
func (w *held) release() bool {
	if w.budget == least {
		return false
	}
	w.budget = least
	w.drop(func(h *handle, _ int) bool { return !h.own })
	return true
}

// drop closes and removes those that gone tells of.
func (w *held) drop(gone func(h *handle, i int) bool) {
	keep := w.handles[:0]
	for i := range w.handles {
		h := w.handles[i]
		if gone(&h, i) {
			h.close()
		} else {
			keep = append(keep, h)
		}
	}
	w.handles = keep
}

// bury drops those that have terminated, also where a pidfd doesn't say so. It
// tells how many.
func (w *held) bury() (n int, failed error) {
	w.drop(func(h *handle, _ int) bool {
		gone, err := h.terminated()
		failed = errors.Join(failed, err)
		if gone {
			n++
		}
		return gone
	})
	return n, failed
}

// kill sends SIGKILL to all but those in coming, which is ascending. Who can't
// be signalled keeps nobody else from it.
func (w *held) kill(coming []int) (failed error) {
	for i := range w.handles {
		h := &w.handles[i]
		if _, found := slices.BinarySearch(coming, h.pid); !found {
			failed = errors.Join(failed, h.signal(unix.SIGKILL))
		}
	}
	return failed
}

func (w *held) close() { w.drop(func(*handle, int) bool { return true }) }

// hold holds the processes of p if they are few. It returns how many there are
// and who was listed, both not beyond what can be watched.
func (w *held) hold(p part, b bounds) (n int, m members, err error) {
	b.limit = w.watch + 1
	if unified(p) != nil { // elsewhere the listing is what tells that it is empty
		b.dirs = handful
	}
	if m, err = p.list(b); err != nil {
		return 0, m, err
	}
	if unified(p) != nil && (m.more || len(m.pids) > w.watch) {
		m.more = true
		return max(len(m.pids), 1), m, nil // cgroup.events alone serves
	}
	seen := m.pids[:min(len(m.pids), w.watch)]
	n, err = w.confirmed(p, seen, b, w.has, func(h *handle) error {
		w.add(*h)
		return errKeep
	})
	return n, m, err
}

// handful is how many cgroups are read to find out whether processes are few
// enough to be held: a container can have any number.
const handful = 64
