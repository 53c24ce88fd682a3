package drain

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// plainTree is a tree of plain directories: wide below the top, and one below
// each of these.
func plainTree(t *testing.T, wide int) *Tree {
	t.Helper()
	top := t.TempDir()
	for i := range wide {
		if err := os.MkdirAll(filepath.Join(top, fmt.Sprint(i), "x"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	fd, err := openat(unix.AT_FDCWD, top, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		t.Fatal(err)
	}
	tr := &Tree{Path: top, Version: V1, dir: fd, events: -1}
	t.Cleanup(tr.Close)
	return tr
}

// TestWalkBounds ends at as many directories as are asked for, and tells whether
// there are more.
func TestWalkBounds(t *testing.T) {
	tr := plainTree(t, 50) // 101 with the top
	for dirs, want := range map[int]int{0: 101, 1: 1, 2: 2, 100: 100, 101: 101, 102: 101} {
		n := 0
		w := walk{tree: tr, bounds: bounds{dirs: dirs}}
		err := w.all(func(int) error { n++; return nil })
		if err != nil || n != want || w.cut != (dirs > 0 && dirs < 101) {
			t.Errorf("%d directories: visited %d, cut %t, %v; want %d", dirs, n, w.cut, err, want)
		}
	}
}

// TestWalkStops asks between any two directories whether to stop.
func TestWalkStops(t *testing.T) {
	tr := plainTree(t, 300)
	for after := range 20 {
		n, asked := 0, 0
		w := walk{tree: tr, bounds: bounds{stop: func() error {
			if asked++; asked > after {
				return context.DeadlineExceeded
			}
			return nil
		}}}
		before := descriptors(t)
		err := w.all(func(int) error { n++; return nil })
		if !errors.Is(err, context.DeadlineExceeded) || n > after+1 {
			t.Errorf("stopped at question %d: %d directories, %v", after+1, n, err)
		}
		if now := descriptors(t); now != before {
			t.Errorf("%d descriptors open, %d before", now, before)
		}
	}
}

// TestDirectories takes the names of directories from what getdents64 returns,
// and refuses what can't be that.
func TestDirectories(t *testing.T) {
	tr := plainTree(t, 3)
	if err := os.WriteFile(filepath.Join(tr.Path, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 4096)
	n, err := unix.Getdents(tr.dir, buf)
	if err != nil {
		t.Fatal(err)
	}
	names, err := directories(buf[:n], nil)
	slices.Sort(names)
	if err != nil || !slices.Equal(names, []string{"0", "1", "2"}) {
		t.Errorf("got %q, %v", names, err)
	}
	for cut := 1; cut < 24; cut++ {
		if _, err := directories(buf[:n-cut], nil); !errors.Is(err, errText) {
			t.Errorf("short of %d bytes: %v", cut, err)
		}
	}
}
