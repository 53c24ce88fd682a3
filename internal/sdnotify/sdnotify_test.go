package sdnotify

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

func TestReadyLine(t *testing.T) {
	for message, want := range map[string]string{
		"READY=1":                    "READY=1",
		"READY=1\n":                  "READY=1",
		"STATUS=up\nREADY=1\nFDS=2":  "READY=1",
		"STATUS=READY=1":             "",
		"NOTREADY=1":                 "",
		"":                           "",
		"READY":                      "",
		"WATCHDOG=1\n\nMAINPID=1\n":  "",
		"STATUS=a\nREADY=0\nREADY=1": "READY=0",
	} {
		if got := string(readyLine([]byte(message))); got != want {
			t.Errorf("%q: %q, want %q", message, got, want)
		}
	}
}

func TestFromEnv(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	if p := FromEnv("/s"); p != nil {
		t.Errorf("got %+v though nobody wants to be notified", p)
	}
	t.Setenv("NOTIFY_SOCKET", "@abstract")
	p := FromEnv("/s")
	spec := &specs.Spec{Process: &specs.Process{Env: []string{"A=1"}}}
	p.Amend(spec)
	if m := spec.Mounts[0]; m.Source != "/s/notify" || m.Destination != "/run/notify" || !slices.Contains(m.Options, "ro") {
		t.Errorf("mount is %+v", m)
	}
	if want := []string{"A=1", "NOTIFY_SOCKET=/run/notify/notify.sock"}; !slices.Equal(spec.Process.Env, want) {
		t.Errorf("environment is %v, want %v", spec.Process.Env, want)
	}
}

// host plays systemd: it answers barriers unless deaf.
type host struct {
	path string
	said chan string
}

func newHost(t *testing.T, deaf bool) host {
	h := host{path: filepath.Join(t.TempDir(), "host"), said: make(chan string, 16)}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: h.path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		data, control := make([]byte, 512), make([]byte, 128)
		for {
			n, cn, _, _, err := conn.ReadMsgUnix(data, control)
			if err != nil {
				return
			}
			h.said <- string(data[:n])
			if messages, _ := unix.ParseSocketControlMessage(control[:cn]); len(messages) == 1 && !deaf {
				fds, _ := unix.ParseUnixRights(&messages[0])
				_ = unix.Close(fds[0])
			}
		}
	}()
	return h
}

func (h host) hears(t *testing.T, want string) {
	t.Helper()
	select {
	case got := <-h.said:
		if got != want {
			t.Errorf("the host was told %q, want %q", got, want)
		}
	case <-time.After(5 * time.Second):
		t.Errorf("the host was not told %q within 5s", want)
	}
}

func listener(t *testing.T, hostPath string) (*Proxy, *Listener) {
	t.Helper()
	p := &Proxy{host: hostPath, dir: filepath.Join(t.TempDir(), "notify")}
	if err := p.MakeDir(); err != nil {
		t.Fatal(err)
	}
	l, err := p.Listen()
	if err != nil {
		t.Fatal(err)
	}
	return p, l
}

func say(t *testing.T, l *Listener, messages ...string) {
	t.Helper()
	conn, err := net.Dial("unixgram", l.path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, m := range messages {
		if _, err := conn.Write([]byte(m)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestForward(t *testing.T) {
	h := newHost(t, false)
	_, l := listener(t, h.path)
	done := make(chan error, 1)
	go func() { done <- l.Forward(os.Getpid(), 4711) }()
	say(t, l, "STATUS=soon", "X=1\nREADY=1\nY=2", "READY=1")
	h.hears(t, "READY=1\n")
	h.hears(t, "MAINPID=4711\n")
	h.hears(t, "BARRIER=1")
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestForwardEndsWithInit(t *testing.T) {
	h := newHost(t, false)
	_, l := listener(t, h.path)
	init := exec.Command("sleep", "0.1")
	if err := init.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = init.Wait() }() // only now: a zombie is dead
	if err := l.Forward(init.Process.Pid, 1); err != nil {
		t.Errorf("a container that ended without being ready is no error: %v", err)
	}
	if len(h.said) > 0 {
		t.Errorf("the host was told %q", <-h.said)
	}
}

// A container that says READY and ends at once has been ready.
func TestForwardCountsLastWords(t *testing.T) {
	h := newHost(t, false)
	_, l := listener(t, h.path)
	say(t, l, "READY=1")
	init := exec.Command("true")
	if err := init.Run(); err != nil {
		t.Fatal(err)
	}
	if err := l.Forward(init.Process.Pid, 1); err != nil {
		t.Fatal(err)
	}
	h.hears(t, "READY=1\n")
}

func TestForwardWithoutHost(t *testing.T) {
	_, l := listener(t, "/nonexistent/host")
	if err := l.Forward(os.Getpid(), 1); err == nil {
		t.Error("no error though the host's socket is missing")
	}
}

func TestBarrierLimit(t *testing.T) {
	h := newHost(t, true)
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: h.path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	start := time.Now()
	if err := barrier(conn, 50*time.Millisecond); err != nil {
		t.Errorf("a host without barriers is no error: %v", err)
	}
	if d := time.Since(start); d < 50*time.Millisecond || d > 5*time.Second {
		t.Errorf("waited %v, want 50ms", d)
	}
}

func TestAbandon(t *testing.T) {
	p, l := listener(t, "/h")
	if _, err := p.Listen(); err == nil {
		t.Fatal("two listen on one socket")
	}
	l.Abandon()
	l, err := p.Listen()
	if err != nil {
		t.Fatalf("listen again after a start that failed: %v", err)
	}
	l.Abandon()
}

// Before Linux 5.3 there are no pidfds.
func TestDeathWithoutPidfd(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	sleep := exec.Command("sleep", "0.2")
	if err := sleep.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sleep.Wait() }() // only now: a zombie is dead
	d := &death{pid: sleep.Process.Pid, pidfd: -1}
	for start := time.Now(); ; {
		dead, err := d.pollWith(int(r.Fd()))
		if err != nil {
			t.Fatal(err)
		}
		if dead {
			break
		}
		if time.Since(start) > 5*time.Second {
			t.Fatal("the death went unnoticed for 5s")
		}
	}
}
