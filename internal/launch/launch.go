// Package launch starts processes in containers: the first one of a new
// container (create, run, restore, start) and further ones (exec). While runc
// stays in the foreground it stands in for the process: it relays the streams,
// forwards signals, reaps, and ends with the process' exit status.
package launch

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/opencontainers/runc/libcontainer"
	"github.com/opencontainers/runc/libcontainer/system"
	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"

	"runcsync/internal/bundle"
	"runcsync/internal/sdnotify"
	"runcsync/internal/terminal"
)

// Attachment is how a process is connected to runc's caller; the same for a
// container's first process and for exec's.
type Attachment struct {
	Detach        bool
	ConsoleSocket string // gets the master of a detached terminal
	PidfdSocket   string // gets a pidfd of the process
	PidFile       string
	PreserveFDs   int // how many descriptors follow the standard streams
}

// resolve makes the pid file's path independent of the working directory,
// which becomes the bundle.
func (a *Attachment) resolve() (err error) {
	if a.PidFile != "" {
		a.PidFile, err = filepath.Abs(a.PidFile)
	}
	return err
}

func (a *Attachment) plan(p *specs.Process) terminal.Plan {
	return terminal.Plan{Terminal: p.Terminal, Detach: a.Detach, Socket: a.ConsoleSocket}
}

// launch is one process on its way into a container.
type launch struct {
	Attachment
	container  *libcontainer.Container
	init       bool              // the container's first process
	activation bool              // pass the sockets of LISTEN_FDS on
	subreaper  bool              // reap the container's orphans
	cgroups    map[string]string // --cgroup: path by controller
	notify     *sdnotify.Listener

	// enter, if set, is called before start, when all that may take its time is
	// done; leave after it: the process is in the container's cgroup, or will
	// never be.
	enter func() (leave func(), err error)
	// start puts the process into the container.
	start func(*libcontainer.Process) error
	// ended, if set, is called when the process has ended, was left to itself
	// or could not be started.
	ended func(error)
}

// run starts the process and, unless detached, waits for it. It returns the
// exit status: 0 for a detached process.
func (l *launch) run(spec *specs.Process) (status int, err error) {
	var streams terminal.Streams = terminal.Inherited{}
	// The streams last: their output ends only when the last process that
	// holds them has gone, and destroying the container may be what ends it.
	defer func() { streams.Close() }()
	if l.ended != nil {
		defer func() { l.ended(err) }()
	}
	process, err := l.process(spec)
	if err != nil {
		return -1, err
	}
	if l.subreaper {
		if err := system.SetSubreaper(1); err != nil {
			logrus.Warn(err)
		}
	}
	config := l.container.Config()
	connected, err := l.plan(spec).Connect(process, &config)
	if err != nil {
		return -1, err
	}
	streams = connected
	if l.PidfdSocket != "" {
		if process.PidfdSocket, err = dialPidfd(l.PidfdSocket); err != nil {
			return -1, err
		}
		defer process.PidfdSocket.Close()
	}
	attendant, err := l.place(process)
	if err != nil {
		return -1, err
	}
	if status, err = l.follow(process, streams, attendant); err != nil {
		end(process)
	}
	return status, err
}

// place puts the process into the container. Signals to runc are the process'
// from now on, and no longer runc's own: until here they end it.
func (l *launch) place(p *libcontainer.Process) (*attendant, error) {
	if l.enter != nil {
		leave, err := l.enter()
		if err != nil {
			return nil, err
		}
		defer leave()
	}
	a := newAttendant()
	return a, l.start(p)
}

// process translates spec and adds what the launch knows about it.
func (l *launch) process(spec *specs.Process) (*libcontainer.Process, error) {
	p, err := bundle.Process(spec)
	if err != nil {
		return nil, err
	}
	p.Init = l.init
	p.SubCgroupPaths = l.cgroups
	p.LogLevel = strconv.Itoa(int(logrus.GetLevel()))
	if l.activation {
		if err := passActivation(p); err != nil {
			return nil, err
		}
	}
	return p, passPreserved(p, l.PreserveFDs)
}

// follow goes with the process once it has started: to its end, or, detached,
// to the point where runc's caller may take over.
func (l *launch) follow(p *libcontainer.Process, streams terminal.Streams, a *attendant) (int, error) {
	if err := streams.Started(); err != nil {
		return -1, err
	}
	pid, err := p.Pid()
	if err != nil {
		return -1, err
	}
	if l.PidFile != "" {
		if err := writePidFile(l.PidFile, pid); err != nil {
			return -1, fmt.Errorf("write pid file: %w", err)
		}
	}
	if l.Detach {
		if l.notify != nil {
			forwardReadiness(l.notify, pid, pid)
		}
		return 0, nil
	}
	if l.notify != nil {
		// In the foreground runc is the service's main process.
		go forwardReadiness(l.notify, pid, unix.Getpid())
	}
	return a.attend(p, streams)
}

// forwardReadiness only warns: the container runs, whether the host learns of
// it or not.
func forwardReadiness(l *sdnotify.Listener, init, mainPID int) {
	if err := l.Forward(init, mainPID); err != nil {
		logrus.Warnf("pass sd_notify readiness on: %v", err)
	}
}

// end kills a process that was started but cannot be kept.
func end(p *libcontainer.Process) {
	_ = p.Signal(unix.SIGKILL)
	_, _ = p.Wait()
}

// errEmptyID is what a missing container id is answered with.
var errEmptyID = errors.New("container id cannot be empty")
