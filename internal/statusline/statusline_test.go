package statusline

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/containerd/console"
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
	l.Clear() // nothing has been shown yet
	l.Show("%d left", 6)
	l.Show("%d left", 5)
	l.Clear()
	const want = eraseLine + "6 left" + eraseLine + "5 left" + eraseLine
	got := make([]byte, len(want))
	for n := 0; n < len(got); {
		more, err := master.Read(got[n:])
		if err != nil {
			t.Fatal(err)
		}
		n += more
	}
	if string(got) != want {
		t.Errorf("shown %q, want %q", got, want)
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
