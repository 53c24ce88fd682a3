package drain

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// Process names a process for good: a bare process ID may belong to somebody
// else once its owner has been reaped.
type Process struct {
	Pid int
	// StartTime is field 22 of /proc/PID/stat, in clock ticks since boot; 0 if
	// it is not known, and then the process is taken for the one that is meant
	// only if it is in one of the group's trees.
	StartTime uint64
}

// pidfdWorks tells whether processes can be held by descriptor: pidfd_open(2)
// since Linux 5.3, pidfd_send_signal(2) since 5.1. Some seccomp profiles
// answer EPERM instead of ENOSYS.
var pidfdWorks = sync.OnceValue(func() bool {
	fd, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		return errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE)
	}
	defer unix.Close(fd)
	return unix.PidfdSendSignal(fd, 0, nil, 0) == nil
})

// handle holds one process. With a pidfd it can't come to mean another one;
// without (fd < 0) the start time is compared before each use, which leaves a
// window of a few microseconds.
type handle struct {
	pid    int
	fd     int
	start  uint64
	own    bool // one of Group.Processes, which are never let go of
	killed bool // SIGKILL has been sent to it through this handle
}

// open returns a handle of the process that has the ID pid now, or ESRCH.
func open(pid int) (handle, error) {
	h := handle{pid: pid, fd: -1}
	if pidfdWorks() {
		fd, err := unix.PidfdOpen(pid, 0)
		if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOENT) {
			// A thread that leads no process has the ID now: EINVAL, but
			// ENOENT on newer kernels (6.18). The process itself is gone.
			err = unix.ESRCH
		}
		if err != nil {
			return h, fmt.Errorf("pidfd_open %d: %w", pid, err)
		}
		h.fd = fd
		return h, nil
	}
	st, err := readStat(pid)
	if err != nil {
		return h, err
	}
	h.start = st.start
	return h, nil
}

// openProcess returns a handle of p itself, or ESRCH if p is gone and its ID
// free or somebody else's. With errUnproven the handle is of the process that
// has the ID now, be it p or not.
func openProcess(p Process) (handle, error) {
	h, err := open(p.Pid)
	if err != nil {
		return h, err
	}
	if p.StartTime == 0 {
		return h, fmt.Errorf("%w: it is not known when it started", errUnproven)
	}
	st, err := readStat(p.Pid)
	switch {
	case errors.Is(err, unix.ESRCH):
		// Gone since, or hidden from us by a /proc mounted with hidepid.
		if gone, gerr := h.terminated(); gerr == nil && !gone {
			return h, fmt.Errorf("%w: its start time can't be read, /proc is mounted with hidepid", errUnproven)
		}
		h.close()
		return handle{}, unix.ESRCH
	case err != nil:
		h.close()
		return handle{}, err
	case st.start != p.StartTime:
		h.close()
		return handle{}, unix.ESRCH
	}
	return h, nil
}

// errUnproven says that a process lives whose start time can't be compared, so
// that its ID may have been reused.
var errUnproven = errors.New("it may be another process by now")

// signalError says that a process could not be sent a signal.
type signalError struct {
	pid int
	sig unix.Signal
	err error
}

func (e *signalError) Error() string {
	return fmt.Sprintf("send signal %d to process %d: %v", int(e.sig), e.pid, e.err)
}

func (e *signalError) Unwrap() error { return e.err }

// signal sends sig; a process that is gone already is no error.
func (h *handle) signal(sig unix.Signal) error {
	var err error
	if h.fd >= 0 {
		err = unix.PidfdSendSignal(h.fd, sig, nil, 0)
	} else {
		if st, serr := readStat(h.pid); serr != nil || st.start != h.start {
			return nil //nolint:nilerr // it is gone, or can't be told from another one
		}
		err = unix.Kill(h.pid, sig)
	}
	if err != nil && !errors.Is(err, unix.ESRCH) {
		return &signalError{h.pid, sig, err}
	}
	h.killed = h.killed || sig == unix.SIGKILL
	return nil
}

// mechanism is what signals are sent by.
func (h *handle) mechanism() string {
	if h.fd < 0 {
		return PlainKill
	}
	return PidfdKill
}

// terminated tells whether every thread of the process has ended. A zombie is
// gone: whether and when its parent reaps it is not waited for.
//
// A pidfd becomes readable when the thread-group leader is a zombie and no
// other thread is left. A dead thread that an outside tracer does not reap
// holds that back. So once the process has been sent SIGKILL its threads are
// looked at as well; before, what they show proves nothing: see allZombies.
func (h *handle) terminated() (bool, error) {
	if h.fd >= 0 {
		if ready, err := readable(h.fd); err != nil || ready || !h.killed {
			return ready, err
		}
	}
	st, err := readStat(h.pid)
	switch {
	case errors.Is(err, unix.ESRCH) && h.fd >= 0:
		return readable(h.fd)
	case errors.Is(err, unix.ESRCH):
		return true, nil
	case exhausted(err):
		return false, nil // it can't be told now
	case err != nil:
		return false, err
	case h.fd < 0 && st.start != h.start:
		return true, nil
	case !st.dead():
		return false, nil
	}
	return allZombies("/proc/" + strconv.Itoa(h.pid))
}

func (h *handle) close() {
	if h.fd >= 0 {
		unix.Close(h.fd)
	}
}

// readable polls fd without waiting.
func readable(fd int) (bool, error) {
	p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, err := ppoll(p, &unix.Timespec{})
	return n > 0, err
}

// ppoll is ppoll(2), restarted when a signal interrupts it. The Go runtime's
// own preemption signals are restarted by the kernel only with SA_RESTART,
// which poll does not honour.
func ppoll(p []unix.PollFd, timeout *unix.Timespec) (int, error) {
	for {
		n, err := unix.Ppoll(p, timeout, nil)
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
		// Linux leaves the time that remained in *timeout.
	}
}
