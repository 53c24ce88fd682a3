package terminal

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/containerd/console"
	"github.com/opencontainers/runc/libcontainer"
	"golang.org/x/sys/unix"
)

func TestPlanCheck(t *testing.T) {
	const (
		needs  = "cannot allocate tty if runc will detach without setting console socket"
		cannot = "cannot use console socket if runc will not detach or allocate tty"
	)
	for plan, want := range map[Plan]string{
		{}:                             "",
		{Terminal: true}:               "",
		{Detach: true}:                 "",
		{Terminal: true, Detach: true}: needs,
		{Terminal: true, Detach: true, Socket: "s"}: "",
		{Terminal: true, Socket: "s"}:               cannot,
		{Detach: true, Socket: "s"}:                 cannot,
		{Socket: "s"}:                               cannot,
	} {
		got := ""
		if err := plan.Check(); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%+v: error %q, want %q", plan, got, want)
		}
	}
}

func TestConnectDetached(t *testing.T) {
	p := &libcontainer.Process{}
	streams, err := Plan{Detach: true}.Connect(p, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer streams.Close()
	if p.Stdin != os.Stdin || p.Stdout != os.Stdout || p.Stderr != os.Stderr {
		t.Error("a detached process does not have runc's own streams")
	}
}

func TestConnectSocketMissing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	_, err := Plan{Detach: true, Terminal: true, Socket: path}.Connect(&libcontainer.Process{}, nil)
	if err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v, want one about %s", err, path)
	}
}

type root struct{}

func (root) HostRootUID() (int, error) { return os.Getuid(), nil }
func (root) HostRootGID() (int, error) { return os.Getgid(), nil }

// Output that is written before the process ends arrives before Close returns.
func TestPipesDeliverBeforeClose(t *testing.T) {
	out := replaceStdout(t)
	p := &libcontainer.Process{}
	streams, err := Plan{}.Connect(p, root{})
	if err != nil {
		t.Fatal(err)
	}
	want := bytes.Repeat([]byte("0123456789"), 5000)
	process := p.Stdout.(*os.File)
	held, err := unix.Dup(int(process.Fd())) // as the started process has it
	if err != nil {
		t.Fatal(err)
	}
	if err := streams.Started(); err != nil {
		t.Fatal(err)
	}
	go func() {
		f := os.NewFile(uintptr(held), "process")
		_, _ = f.Write(want)
		_ = f.Close()
	}()
	streams.Close()
	if got := out(); !bytes.Equal(got, want) {
		t.Errorf("%d bytes arrived, want %d", len(got), len(want))
	}
}

func TestRelayRestoresTerminal(t *testing.T) {
	replaceStdout(t)
	hostMaster, host := pty(t)
	defer hostMaster.Close()
	containerMaster, containerSlave := pty(t)
	ours, theirs := socketPair(t)
	before := termios(t, host)

	c, err := console.ConsoleFromFile(host)
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{host: c, ours: ours, theirs: theirs}
	if err := unix.Sendmsg(int(theirs.Fd()), []byte("ptmx"), unix.UnixRights(int(containerMaster.Fd())), nil, 0); err != nil {
		t.Fatal(err)
	}
	containerMaster.Close()
	if err := r.Started(); err != nil {
		t.Fatal(err)
	}
	if termios(t, host).Lflag&(unix.ICANON|unix.ECHO|unix.ISIG) != 0 {
		t.Error("the terminal is not in raw mode while it is relayed")
	}
	if err := unix.IoctlSetWinsize(int(host.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 33, Col: 77}); err != nil {
		t.Fatal(err)
	}
	r.Resize()
	if ws, err := unix.IoctlGetWinsize(int(containerSlave.Fd()), unix.TIOCGWINSZ); err != nil || ws.Row != 33 || ws.Col != 77 {
		t.Errorf("the container's terminal is %+v (%v), want 33 rows of 77", ws, err)
	}
	containerSlave.Close()
	r.Close()
	if after := termios(t, host); after != before {
		t.Errorf("the terminal was left as %+v, found as %+v", after, before)
	}
}

// A child that dies without sending its terminal must not be waited for, and
// the host's terminal not be touched.
func TestRelayWithoutTerminal(t *testing.T) {
	hostMaster, host := pty(t)
	defer hostMaster.Close()
	before := termios(t, host)
	c, err := console.ConsoleFromFile(host)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := socketPair(t)
	r := &relay{host: c, ours: ours, theirs: theirs}
	if err := r.Started(); err == nil {
		t.Error("no error though no terminal came")
	}
	if termios(t, host) != before {
		t.Error("the terminal was changed")
	}
	r.Close()
}

func pty(t *testing.T) (console.Console, *os.File) {
	t.Helper()
	master, path, err := console.NewPty()
	if err != nil {
		t.Skip(err)
	}
	slave, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { slave.Close() })
	return master, slave
}

func termios(t *testing.T, f *os.File) unix.Termios {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return *state
}

// replaceStdout collects what is written to os.Stdout; the returned function
// ends the collection and returns it.
func replaceStdout(t *testing.T) func() []byte {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	saved := os.Stdout
	os.Stdout = w
	t.Cleanup(func() { os.Stdout = saved; w.Close() })
	got := make(chan []byte, 1)
	go func() {
		data, _ := io.ReadAll(r)
		got <- data
	}()
	return func() []byte { w.Close(); return <-got }
}
