// Package terminal connects the standard streams of a container's process:
// to runc's own descriptors, to pipes, to a pseudoterminal that runc relays to
// the terminal it runs on, or to one whose master goes to a console socket.
//
// The pseudoterminal is made inside the container, by runc init, which sends
// the master back over a socket; so connecting takes two steps, one before the
// process is started ([Plan.Connect]) and one after ([Streams.Started]).
package terminal

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"

	"github.com/opencontainers/runc/libcontainer"
)

// Plan says which kind of streams a process gets.
type Plan struct {
	Terminal bool   // the process wants a terminal
	Detach   bool   // runc will not wait for the process
	Socket   string // receives the master of a detached terminal
}

// Check refuses combinations that cannot work.
func (p Plan) Check() error {
	takesSocket := p.Detach && p.Terminal
	switch {
	case takesSocket && p.Socket == "":
		return errors.New("cannot allocate tty if runc will detach without setting console socket")
	case !takesSocket && p.Socket != "":
		return errors.New("cannot use console socket if runc will not detach or allocate tty")
	}
	return nil
}

// Connect gives process the planned streams. Pipes will belong to
// owner.
func (p Plan) Connect(process *libcontainer.Process, owner Owner) (Streams, error) {
	switch {
	case p.Terminal && p.Detach:
		return sendConsole(process, p.Socket)
	case p.Terminal:
		return relayConsole(process)
	case p.Detach:
		process.Stdin, process.Stdout, process.Stderr = os.Stdin, os.Stdout, os.Stderr
		return Inherited{}, nil
	}
	return openPipes(process, owner)
}

// Owner is who the container's root is on the host; a libcontainer
// configuration knows.
type Owner interface {
	HostRootUID() (int, error)
	HostRootGID() (int, error)
}

// Streams are the host's side of a process' standard streams.
type Streams interface {
	// Started is called once, when the process has been started: it lets go of
	// what belongs to the process, and begins to relay a terminal.
	Started() error
	// Resize makes a relayed terminal as large as the one it is relayed to.
	Resize()
	// Close passes on the output that is still there, and puts the terminal
	// back into the state it was found in. It may be called at any stage.
	Close()
}

// Inherited are the descriptors of runc itself. There is nothing to do.
type Inherited struct{}

// Started does nothing.
func (Inherited) Started() error { return nil }

// Resize does nothing.
func (Inherited) Resize() {}

// Close does nothing.
func (Inherited) Close() {}

func sendConsole(process *libcontainer.Process, path string) (Streams, error) {
	socket, err := dial(path)
	if err != nil {
		return nil, err
	}
	process.ConsoleSocket = socket
	return sent{socket: socket}, nil
}

// sent is a terminal whose master runc init sends to somebody else's socket,
// over a copy of this descriptor.
type sent struct {
	Inherited
	socket *os.File
}

func (s sent) Started() error { return s.socket.Close() }
func (s sent) Close()         { _ = s.socket.Close() }

// dial connects to a unix socket and returns the bare descriptor.
func dial(path string) (*os.File, error) {
	conn, err := net.Dial("unix", path)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return conn.(*net.UnixConn).File()
}

// pipes stand between runc's streams and the process'. The process does not
// get runc's own: a checkpoint would then depend on what they are on this host.
type pipes struct {
	theirs []io.Closer
	output sync.WaitGroup
}

func openPipes(process *libcontainer.Process, owner Owner) (Streams, error) {
	uid, err := owner.HostRootUID()
	if err != nil {
		return nil, err
	}
	gid, err := owner.HostRootGID()
	if err != nil {
		return nil, err
	}
	ours, err := process.InitializeIO(uid, gid)
	if err != nil {
		return nil, fmt.Errorf("make pipes for the standard streams: %w", err)
	}
	p := &pipes{theirs: []io.Closer{
		process.Stdin.(io.Closer), process.Stdout.(io.Closer), process.Stderr.(io.Closer),
	}}
	// Nobody waits for the input: it may never end.
	go pump(ours.Stdin, os.Stdin, ours.Stdin)
	p.output.Go(func() { pump(os.Stdout, ours.Stdout, ours.Stdout) })
	p.output.Go(func() { pump(os.Stderr, ours.Stderr, ours.Stderr) })
	return p, nil
}

// pump copies until either side ends, then closes the container's end, so that
// the process sees end of file, or SIGPIPE where runc's reader has gone.
func pump(to io.Writer, from io.Reader, end io.Closer) {
	_, _ = io.Copy(to, from)
	_ = end.Close()
}

func (p *pipes) Started() error {
	for _, c := range p.theirs {
		_ = c.Close()
	}
	return nil
}

func (p *pipes) Resize() {}

func (p *pipes) Close() {
	_ = p.Started()
	p.output.Wait()
}
