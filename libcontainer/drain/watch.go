package drain

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

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

// listings is how many times a group of many is listed to confirm all its
// processes, as far as the budget allows. Each listing costs as much as there
// are processes, so that with small batches it would be their number squared:
// with 10,000 on cgroup v1, in batches of 64, half a second.
const listings = 16

// batchFor is how many of n processes to pin at a time. The last of them are
// watched after they have been pinned, so what can be watched can be pinned.
func (w *watch) batchFor(n int) int {
	return max(w.batch, min(n/listings, w.watch+w.batch-len(w.held)))
}

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
		return full
	}
	free := int(limit.Cur) - len(open) - spare
	return budget{watch: min(max(free/2, 1), full.watch), batch: min(max(free/2, 1), full.batch)}
}

// watch waits for processes to terminate and for v2 trees to become empty.
// It belongs to one goroutine; only the end of its context reaches it from
// another, through wake.
type watch struct {
	ctx    context.Context
	wake   int         // eventfd, written when ctx ends
	cancel func() bool // stops watching ctx

	budget
	held  []handle // not known to have terminated
	trees []*Tree  // v2 trees that were populated when last looked at
	poll  []unix.PollFd

	// news is when a process was last heard of, or is about to be. From it the
	// polling for processes without a pidfd grows less frequent, over several
	// waits.
	news time.Time
}

func newWatch(ctx context.Context) (*watch, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("eventfd: %w", err)
	}
	// AfterFunc may still be writing when cancel returns false; duplicating
	// the descriptor keeps that write off a number reused by somebody else.
	other, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("duplicate eventfd: %w", err)
	}
	w := &watch{ctx: ctx, wake: fd, news: time.Now(), budget: affordable()}
	stop := context.AfterFunc(ctx, func() {
		_, _ = unix.Write(other, []byte{1, 0, 0, 0, 0, 0, 0, 0})
		unix.Close(other)
	})
	w.cancel = func() bool {
		stopped := stop()
		if stopped {
			unix.Close(other)
		}
		return stopped
	}
	return w, nil
}

func (w *watch) close() {
	w.cancel()
	unix.Close(w.wake)
	w.release(0)
}

// release lets go of the processes held after the first keep ones.
func (w *watch) release(keep int) {
	for _, h := range w.held[keep:] {
		h.close()
	}
	w.held = w.held[:keep]
}

// add takes over h, or closes it if there is no room or if it is held already.
func (w *watch) add(h handle) {
	if len(w.held) >= w.budget.watch || w.holds(h.pid) {
		h.close()
		return
	}
	w.held = append(w.held, h)
}

// holds tells whether the process with this ID is watched. As long as it is
// held by a pidfd and not terminated its ID is not given to another one.
func (w *watch) holds(pid int) bool {
	for _, h := range w.held {
		if h.pid == pid {
			return true
		}
	}
	return false
}

// wait returns nil when no process is held any more, when a tree has become
// empty, or at the time until; and the context's error when that ends.
func (w *watch) wait(until time.Time) error {
	holding := len(w.held) > 0
	for {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		left := time.Until(until)
		if left <= 0 {
			return nil
		}
		polled := w.arm()
		if polled {
			left = min(left, pollInterval(time.Since(w.news)))
		}
		timeout := unix.NsecToTimespec(left.Nanoseconds())
		n, err := ppoll(w.poll, &timeout)
		if err != nil {
			return fmt.Errorf("poll: %w", err)
		}
		if n == 0 && !polled {
			continue
		}
		if err := w.prune(); err != nil {
			return err
		}
		if empty, err := w.emptied(); err != nil || empty {
			return err
		}
		if holding && len(w.held) == 0 {
			return nil
		}
	}
}

// arm fills the poll set: the processes, then the trees, then the context. It
// tells whether any process has no pidfd, so that it must be looked at again.
func (w *watch) arm() (polled bool) {
	w.poll = w.poll[:0]
	for _, h := range w.held {
		polled = polled || h.fd < 0
		w.poll = append(w.poll, unix.PollFd{Fd: int32(h.fd), Events: unix.POLLIN}) // poll skips negative ones
	}
	for _, t := range w.trees {
		w.poll = append(w.poll, unix.PollFd{Fd: int32(t.events), Events: unix.POLLPRI})
	}
	w.poll = append(w.poll, unix.PollFd{Fd: int32(w.wake), Events: unix.POLLIN})
	return polled
}

// pollInterval is for kernels without pidfd: an eighth of the time waited so
// far, so that the end is noticed at most that much late, and twice a second
// at the least frequent.
func pollInterval(waited time.Duration) time.Duration {
	return min(max(waited/8, time.Millisecond), 500*time.Millisecond)
}

// prune drops the processes that the last poll found terminated.
func (w *watch) prune() error {
	keep := w.held[:0]
	var failed error
	for i, h := range w.held {
		gone := w.poll[i].Revents != 0
		if h.fd < 0 {
			var err error
			if gone, err = h.terminated(); err != nil {
				failed = errors.Join(failed, err)
			}
		}
		if gone {
			h.close()
			w.news = time.Now()
		} else {
			keep = append(keep, h)
		}
	}
	w.held = keep
	return failed
}

// emptied reads those trees that the last poll found changed.
func (w *watch) emptied() (bool, error) {
	events := w.poll[len(w.poll)-1-len(w.trees):]
	for i, t := range w.trees {
		if events[i].Revents == 0 {
			continue
		}
		if populated, err := t.populated(); err != nil || !populated {
			return true, err
		}
	}
	return false, nil
}

// bury drops the processes of which every thread is dead although their pidfd
// is not readable: somebody outside traces a thread and does not reap it.
func (w *watch) bury() error {
	keep := w.held[:0]
	var failed error
	for _, h := range w.held {
		gone, err := h.terminated()
		failed = errors.Join(failed, err)
		if gone {
			h.close()
		} else {
			keep = append(keep, h)
		}
	}
	w.held = keep
	return failed
}
