package launch

import (
	"errors"
	"os"
	"os/signal"

	"github.com/opencontainers/runc/libcontainer"
	"github.com/opencontainers/runc/libcontainer/utils"
	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"

	"runcsync/internal/terminal"
)

// attendant stands in for the container's process while runc waits for it:
// signals to runc reach the process, and children are reaped.
type attendant struct {
	// One place is enough for the first two: any number of exits is reaped at
	// once, and only the latest size counts.
	exits   chan os.Signal
	resizes chan os.Signal
	others  chan os.Signal
	caught  chan struct{} // closed once all signals are caught
}

// newAttendant begins to catch signals. A signal that comes before the process
// is there is kept for it.
func newAttendant() *attendant {
	a := &attendant{
		exits:   make(chan os.Signal, 1),
		resizes: make(chan os.Signal, 1),
		others:  make(chan os.Signal, 256),
		caught:  make(chan struct{}),
	}
	// No exit may be missed. Catching all the rest costs some 60 system calls,
	// which can go on beside the start of the container.
	signal.Notify(a.exits, unix.SIGCHLD)
	go func() {
		defer close(a.caught)
		signal.Notify(a.resizes, unix.SIGWINCH)
		signal.Notify(a.others, forwarded()...)
	}()
	return a
}

// attend returns the process' exit status, once it has exited.
func (a *attendant) attend(p *libcontainer.Process, streams terminal.Streams) (int, error) {
	pid, err := p.Pid()
	if err != nil {
		return -1, err
	}
	<-a.caught
	streams.Resize()
	for {
		select {
		case <-a.exits:
			status, gone, err := reap(pid)
			if err != nil {
				logrus.Error(err)
			}
			if gone {
				// It has been reaped; this lets libcontainer finish its pipes.
				_, _ = p.Wait()
				return status, nil
			}
		case <-a.resizes:
			streams.Resize()
		case s := <-a.others:
			forward(s.(unix.Signal), pid, p)
		}
	}
}

// forwarded lists the signals that are the container's business, real-time
// ones included. Not among them are SIGURG, with which the Go runtime preempts
// goroutines, and what the kernel sends a background job that uses its
// terminal. If those were caught, the system call would be restarted and the
// signal sent again, without end; so they stop runc, as they do any program.
func forwarded() []os.Signal {
	const last = unix.Signal(64) // SIGRTMAX
	var list []os.Signal
	for s := unix.Signal(1); s <= last; s++ {
		switch s {
		case unix.SIGCHLD, unix.SIGWINCH, // have channels of their own
			unix.SIGURG, unix.SIGTTIN, unix.SIGTTOU,
			unix.SIGKILL, unix.SIGSTOP: // cannot be caught
			continue
		}
		list = append(list, s)
	}
	return list
}

func forward(s unix.Signal, pid int, p *libcontainer.Process) {
	logrus.Debugf("forwarding signal %d (%s) to %d", int(s), unix.SignalName(s), pid)
	if err := p.Signal(s); err != nil {
		logrus.Error(err)
	}
}

// reap collects every child that has exited, among them orphans of the
// container where runc is their subreaper, and tells whether pid was one.
func reap(pid int) (status int, gone bool, err error) {
	for {
		var ws unix.WaitStatus
		child, err := unix.Wait4(-1, &ws, unix.WNOHANG, nil)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.ECHILD), err == nil && child <= 0:
			return status, gone, nil
		case err != nil:
			return status, gone, os.NewSyscallError("wait4", err)
		}
		code := utils.ExitStatus(ws)
		logrus.WithFields(logrus.Fields{"pid": child, "status": code}).Debug("process exited")
		if child == pid {
			status, gone = code, true
		}
	}
}
