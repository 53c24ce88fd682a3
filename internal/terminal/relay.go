package terminal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"

	"github.com/containerd/console"
	"github.com/opencontainers/runc/libcontainer"
	"github.com/opencontainers/runc/libcontainer/utils"
	"golang.org/x/sys/unix"
)

// relay passes bytes between the terminal that runc runs on, in raw mode, and
// the process' pseudoterminal.
type relay struct {
	host         console.Console
	raw          bool     // host is in raw mode
	ours, theirs *os.File // the socket pair over which the master comes

	epoll  *console.Epoller
	master *console.EpollConsole
	output sync.WaitGroup
}

func relayConsole(process *libcontainer.Process) (Streams, error) {
	host, err := hostConsole()
	if err != nil {
		return nil, err
	}
	ours, theirs, err := utils.NewSockPair("console")
	if err != nil {
		return nil, err
	}
	process.ConsoleSocket = theirs
	return &relay{host: host, ours: ours, theirs: theirs}, nil
}

// hostConsole finds the terminal runc runs on: one of its streams, as the
// others may be redirected, or else the controlling terminal.
func hostConsole() (console.Console, error) {
	for _, f := range []*os.File{os.Stderr, os.Stdout, os.Stdin} {
		c, err := console.ConsoleFromFile(f)
		if !errors.Is(err, console.ErrNotAConsole) {
			return c, wrapConsole(err)
		}
	}
	tty, err := os.Open("/dev/tty")
	if err != nil {
		return nil, err
	}
	c, err := console.ConsoleFromFile(tty)
	return c, wrapConsole(err)
}

func wrapConsole(err error) error {
	if err != nil {
		return fmt.Errorf("unable to get console: %w", err)
	}
	return nil
}

// Started takes the master, which runc init has sent before it said that it
// was ready. Only then is the host's terminal put into raw mode, so that every
// failure before leaves it untouched.
func (r *relay) Started() error {
	// With the other end closed a child that sent nothing gives an error here
	// instead of a wait without end.
	_ = r.theirs.Close()
	f, err := RecvFile(r.ours)
	_ = r.ours.Close()
	if err != nil {
		return err
	}
	if err := r.attach(f); err != nil {
		_ = f.Close()
		return err
	}
	r.raw = true // or partly so, on an error
	if err := r.host.SetRaw(); err != nil {
		return fmt.Errorf("failed to set the terminal from the stdin: %w", err)
	}
	go func() { _, _ = io.Copy(r.master, os.Stdin) }()
	r.output.Go(func() { _, _ = io.Copy(os.Stdout, r.master) })
	return nil
}

// attach wraps the master in an epoll console. A plain read of a master ends
// with EIO whenever nobody has the other side open, which may change again; the
// epoll console waits for that.
func (r *relay) attach(f *os.File) error {
	master, err := console.ConsoleFromFile(f)
	if err != nil {
		return err
	}
	// The host's terminal adds the carriage returns.
	if err := console.ClearONLCR(master.Fd()); err != nil {
		return err
	}
	epoll, err := console.NewEpoller()
	if err != nil {
		return err
	}
	ec, err := epoll.Add(master)
	if err != nil {
		_ = epoll.Close()
		return err
	}
	r.epoll, r.master = epoll, ec
	go func() { _ = epoll.Wait() }()
	return nil
}

// Resize ignores errors: either terminal may have gone.
func (r *relay) Resize() {
	if r.master != nil {
		_ = r.master.ResizeFrom(r.host)
	}
}

func (r *relay) Close() {
	_ = r.theirs.Close()
	_ = r.ours.Close()
	if r.master != nil {
		_ = r.master.Shutdown(r.epoll.CloseConsole)
		r.output.Wait()
		_ = r.master.Close()
	}
	if r.raw {
		// A background job is stopped when it changes its terminal, unless it
		// ignores the signal. This change has to be made now.
		signal.Ignore(unix.SIGTTOU)
		_ = r.host.Reset()
	}
}
