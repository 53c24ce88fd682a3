package drain

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// watch waits for processes to terminate and for v2 trees to become empty.
// It belongs to one goroutine; only the end of its context reaches it from
// another, through wake.
type watch struct {
	ctx    context.Context
	wake   int    // eventfd, written when ctx ends; -1 if there is no descriptor for it
	cancel func() // stops watching ctx

	held  *held
	trees []*Tree // v2 trees that were populated when last looked at
	poll  []unix.PollFd

	// news is when a process was last heard of, or is about to be. From it the
	// polling for processes without a pidfd grows less frequent, over several
	// waits.
	news time.Time
}

func newWatch(ctx context.Context, h *held) *watch {
	w := &watch{ctx: ctx, held: h, news: time.Now(), cancel: func() {}}
	var other int
	if w.wake, other = wakers(); w.wake < 0 {
		return w
	}
	stop := context.AfterFunc(ctx, func() {
		_, _ = unix.Write(other, []byte{1, 0, 0, 0, 0, 0, 0, 0})
		unix.Close(other)
	})
	w.cancel = func() {
		if stop() {
			unix.Close(other)
		}
	}
	return w
}

// wakers are an eventfd twice, -1 if it can't be had: that to wait for, and that
// to write. AfterFunc may still be writing when it is told to stop; the second
// descriptor keeps that write off a number reused by somebody else.
func wakers() (wait, write int) {
	wait, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		return -1, -1
	}
	write, err = unix.FcntlInt(uintptr(wait), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		unix.Close(wait)
		return -1, -1
	}
	return wait, write
}

// glance is how often the context is looked at where nothing wakes.
const glance = 20 * time.Millisecond

// release gives back the descriptors that wake a wait. It tells whether there
// were any.
func (w *watch) release() bool {
	if w == nil || w.wake < 0 {
		return false
	}
	w.close()
	w.wake, w.cancel = -1, func() {}
	return true
}

func (w *watch) close() {
	w.cancel()
	if w.wake >= 0 {
		unix.Close(w.wake)
	}
}

// wait returns nil when no process is held any more, when a tree has become
// empty, or at the time until; and the context's error when that ends.
func (w *watch) wait(until time.Time) error {
	holding := len(w.held.handles) > 0
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
		if w.wake < 0 {
			left = min(left, glance)
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
		if holding && len(w.held.handles) == 0 {
			return nil
		}
	}
}

// arm fills the poll set: the processes, then the trees, then the context. It
// tells whether any process has no pidfd, so that it must be looked at again.
func (w *watch) arm() (polled bool) {
	w.poll = w.poll[:0]
	for _, h := range w.held.handles {
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
func (w *watch) prune() (failed error) {
	w.held.drop(func(h *handle, i int) bool {
		gone := w.poll[i].Revents != 0
		if h.fd < 0 {
			var err error
			gone, err = h.terminated()
			failed = errors.Join(failed, err)
		}
		if gone {
			w.news = time.Now()
		}
		return gone
	})
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
