// Package sdnotify passes a container's sd_notify(3) readiness on to whoever
// started runc. The container cannot be given the host's own socket: systemd
// looks at the sender's pid, and knows only runc's. So the container gets a
// socket of runc's, in a directory of the container's state that is mounted
// into it, and runc speaks to the host.
//
// A container may be created by one process and started by another: create
// makes the directory ([Proxy.MakeDir]) and the mount ([Proxy.Amend]), and
// whoever starts the process listens before ([Proxy.Listen]) and waits after
// ([Listener.Forward]).
package sdnotify

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"
)

const (
	socketName   = "notify.sock"
	containerDir = "/run/notify"

	// barrierLimit is how long systemd gets to work through what it was sent,
	// as long as sd_notify_barrier(3)'s callers commonly allow.
	barrierLimit = 30 * time.Second
)

// Proxy stands between a container and the host's notification socket.
type Proxy struct {
	host string // address of the host's socket; "@" stands for an abstract one
	dir  string // holds the container's socket
}

// FromEnv returns the proxy for the container whose state is in stateDir, or
// nil if $NOTIFY_SOCKET says that nobody wants to be notified.
func FromEnv(stateDir string) *Proxy {
	host := os.Getenv("NOTIFY_SOCKET")
	if host == "" {
		return nil
	}
	return &Proxy{host: host, dir: filepath.Join(stateDir, "notify")}
}

// Amend adds the mount and the variable to a container's specification.
func (p *Proxy) Amend(spec *specs.Spec) {
	spec.Mounts = append(spec.Mounts, specs.Mount{
		Source:      p.dir,
		Destination: containerDir,
		Options:     []string{"bind", "ro", "nodev", "noexec", "nosuid"},
	})
	spec.Process.Env = append(spec.Process.Env, "NOTIFY_SOCKET="+filepath.Join(containerDir, socketName))
}

// MakeDir makes the directory that is mounted; the container's state
// directory must exist.
func (p *Proxy) MakeDir() error { return os.Mkdir(p.dir, 0o755) }

// Listen makes the container's socket. Any user of the container may write to
// it.
func (p *Proxy) Listen() (_ *Listener, err error) {
	path := filepath.Join(p.dir, socketName)
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	l := &Listener{host: p.host, path: path, fd: fd}
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		_ = unix.Close(fd)
		return nil, &os.PathError{Op: "bind", Path: path, Err: err}
	}
	if err := os.Chmod(path, 0o777); err != nil {
		l.Abandon()
		return nil, err
	}
	return l, nil
}

// Listener is the container's end of a proxy.
type Listener struct {
	host string
	path string
	fd   int
}

// Abandon takes the socket away again, so that a later start can listen.
func (l *Listener) Abandon() {
	_ = unix.Close(l.fd)
	_ = os.Remove(l.path)
}

// Forward waits until the container says that it is ready and passes that on,
// with mainPID as the process that the host should watch from then on. It
// returns without having passed anything on if the container's init dies
// first.
func (l *Listener) Forward(init, mainPID int) error {
	host, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: l.host, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer host.Close()
	ready, err := l.await(init)
	if err != nil || ready == nil {
		return err
	}
	return announce(host, ready, mainPID)
}

// await returns the container's READY= assignment, or nil if init died.
func (l *Listener) await(init int) ([]byte, error) {
	death, err := watch(init)
	if err != nil {
		return nil, err
	}
	defer death.Close()
	datagram := make([]byte, 4096)
	for {
		dead, err := death.pollWith(l.fd)
		if err != nil {
			return nil, err
		}
		// What was said before the death counts.
		for {
			n, err := unix.Read(l.fd, datagram)
			if errors.Is(err, unix.EAGAIN) {
				break
			}
			if err != nil && !errors.Is(err, unix.EINTR) {
				return nil, os.NewSyscallError("read", err)
			}
			if line := readyLine(datagram[:max(n, 0)]); line != nil {
				return line, nil
			}
		}
		if dead {
			return nil, nil
		}
	}
}

// readyLine finds the READY= assignment among the lines of a message; it may
// stand behind STATUS= and others.
func readyLine(message []byte) []byte {
	for line := range bytes.SplitSeq(message, []byte{'\n'}) {
		if bytes.HasPrefix(line, []byte("READY=")) {
			return bytes.Clone(line)
		}
	}
	return nil
}

// announce sends ready and the main process to the host, and waits until the
// host has read both: runc may exit next, and systemd has to find the sender
// alive to know which unit it belongs to.
func announce(host *net.UnixConn, ready []byte, mainPID int) error {
	for _, line := range []string{string(ready), "MAINPID=" + strconv.Itoa(mainPID)} {
		if _, err := host.Write([]byte(line + "\n")); err != nil {
			return err
		}
	}
	return barrier(host, barrierLimit)
}

// barrier speaks sd_notify_barrier(3): the host closes the descriptor it is
// sent once it comes to it. A host that does not know the protocol keeps it
// open; that is waited for no longer than limit.
func barrier(host *net.UnixConn, limit time.Duration) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	err = sendFile(host, "BARRIER=1", w)
	_ = w.Close()
	if err != nil {
		return fmt.Errorf("send the barrier: %w", err)
	}
	if err := r.SetReadDeadline(time.Now().Add(limit)); err != nil {
		return err
	}
	n, err := r.Read(make([]byte, 1))
	switch {
	case n > 0:
		return errors.New("unexpected read from synchronization pipe")
	case errors.Is(err, os.ErrDeadlineExceeded):
		logrus.Warnf("Timeout after waiting %v for barrier. Ignored.", limit)
	}
	return nil
}

// sendFile sends message with a descriptor. net's WriteMsgUnix does not do that
// over a connected datagram socket.
func sendFile(host *net.UnixConn, message string, f *os.File) error {
	conn, err := host.SyscallConn()
	if err != nil {
		return err
	}
	var sendErr error
	err = conn.Write(func(fd uintptr) bool {
		sendErr = unix.Sendmsg(int(fd), []byte(message), unix.UnixRights(int(f.Fd())), nil, 0)
		return !errors.Is(sendErr, unix.EAGAIN) && !errors.Is(sendErr, unix.EINTR)
	})
	return errors.Join(err, os.NewSyscallError("sendmsg", sendErr))
}
