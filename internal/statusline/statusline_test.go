package statusline

import (
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/containerd/console"
	"golang.org/x/sys/unix"
)

func TestLineOnTerminal(t *testing.T) {
	master, path, err := console.NewPty()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	slave, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer slave.Close()
	l := On(slave)
	if l == nil {
		t.Fatal("a terminal is not taken for one")
	}
	shows := func(want string) {
		t.Helper()
		got := make([]byte, len(want))
		if _, err := io.ReadFull(master, got); err != nil || string(got) != want {
			t.Errorf("shown %q, %v; want %q", got, err, want)
		}
	}
	l.Clear() // nothing has been shown yet
	for range 2 {
		l.Show("%d left", 6)
		shows(eraseLine + "6 left")
		l.Show("%d left: %s", 5, "a\x1b[2Jb\r")
		shows(eraseLine + `5 left: a\x1b[2Jb\x0d`)
		l.Clear()
		shows(eraseLine)
	}
}

// A terminal that takes nothing more holds up nobody.
func TestLineOnStoppedTerminal(t *testing.T) {
	master, path, err := console.NewPty()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	slave, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer slave.Close()
	if err := unix.IoctlSetInt(int(slave.Fd()), unix.TCXONC, 0); err != nil { // TCOOFF, as Ctrl-S
		t.Fatal(err)
	}
	done := make(chan struct{})
	l := On(slave)
	go func() {
		defer close(done)
		for n := range 1000 {
			l.Show("%d left", n)
		}
		l.Clear()
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Error("held up by the terminal")
	}
	if err := unix.IoctlSetInt(int(slave.Fd()), unix.TCXONC, 1); err != nil { // TCOON
		t.Fatal(err)
	}
}

func TestLineElsewhere(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	l := On(f)
	if l != nil {
		t.Fatal("a file is taken for a terminal")
	}
	l.Show("%d left", 6)
	l.Clear()
	if st, err := f.Stat(); err != nil || st.Size() != 0 {
		t.Errorf("something was shown where there is no terminal: %v, %v", st, err)
	}
}
