package sdnotify

import (
	"errors"
	"os"

	"github.com/opencontainers/runc/libcontainer/system"
	"golang.org/x/sys/unix"
)

// probeInterval, in milliseconds, is how often a process is looked at where
// there are no pidfds.
const probeInterval = 100

// death watches a process, which need not be a child.
type death struct {
	pid   int
	pidfd int // -1 before Linux 5.3
}

func watch(pid int) (*death, error) {
	fd, err := unix.PidfdOpen(pid, 0)
	switch {
	case err == nil:
		return &death{pid: pid, pidfd: fd}, nil
	case errors.Is(err, unix.ESRCH), errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EPERM):
		// Gone already, or a kernel before 5.3, or a seccomp filter that does
		// not know the call: pollWith finds out.
		return &death{pid: pid, pidfd: -1}, nil
	}
	return nil, os.NewSyscallError("pidfd_open", err)
}

func (d *death) Close() {
	if d.pidfd >= 0 {
		_ = unix.Close(d.pidfd)
	}
}

// pollWith waits until fd can be read or the process is dead, and tells the
// latter.
func (d *death) pollWith(fd int) (dead bool, err error) {
	fds := []unix.PollFd{
		{Fd: int32(fd), Events: unix.POLLIN},
		{Fd: int32(d.pidfd), Events: unix.POLLIN}, // poll skips a negative one
	}
	timeout := -1
	if d.pidfd < 0 {
		// A zombie is dead: where it is runc's child, nobody reaps it yet.
		if stat, err := system.Stat(d.pid); err != nil || stat.State == system.Zombie || stat.State == system.Dead {
			return true, nil //nolint:nilerr // a process without a readable stat file is gone
		}
		timeout = probeInterval
	}
	if _, err := unix.Poll(fds, timeout); err != nil && !errors.Is(err, unix.EINTR) {
		return false, os.NewSyscallError("poll", err)
	}
	return fds[1].Revents != 0, nil
}
