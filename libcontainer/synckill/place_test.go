package synckill

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/opencontainers/runc/libcontainer"
	"golang.org/x/sys/unix"
)

// TestPlace tells a container's directory from another one of its name, which is
// made as soon as the first is gone: on most file systems its inode number would
// be the same, if the place did not keep that.
func TestPlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "id")
	if err := os.Mkdir(path, 0o711); err != nil {
		t.Fatal(err)
	}
	p, err := find(path)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	if standing, replaced, err := p.standing(); !standing || replaced || err != nil {
		t.Errorf("as it was: standing %t, replaced %t, %v", standing, replaced, err)
	}
	if err := p.notReplaced(); err != nil {
		t.Error("as it was:", err)
	}
	for range 20 {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if standing, replaced, err := p.standing(); standing || replaced || err != nil {
			t.Errorf("removed: standing %t, replaced %t, %v", standing, replaced, err)
		}
		if err := p.notReplaced(); err != nil {
			t.Error("removed:", err)
		}
		if err := os.Mkdir(path, 0o711); err != nil {
			t.Fatal(err)
		}
		if standing, replaced, err := p.standing(); standing || !replaced || err != nil {
			t.Errorf("made again: standing %t, replaced %t, %v", standing, replaced, err)
		}
		if err := p.notReplaced(); !errors.Is(err, errReplaced) || !errors.Is(err, libcontainer.ErrNotExist) {
			t.Errorf("made again: %v, want %v", err, errReplaced)
		}
		if err := anew(path); err != nil {
			t.Error("made again, and looked up:", err)
		}
	}
}

// anew looks a place up, and fails if it is not that which is there.
func anew(path string) error {
	p, err := find(path)
	if err != nil {
		return err
	}
	defer p.close()
	return p.notReplaced()
}

// TestFind finds no container where there is no directory, nor by way of a link.
func TestFind(t *testing.T) {
	top := t.TempDir()
	path := filepath.Join(top, "id")
	for name, c := range map[string]struct {
		put  func() error
		want error
	}{
		"nothing":         {func() error { return nil }, fs.ErrNotExist},
		"a file":          {func() error { return os.WriteFile(path, nil, 0o600) }, unix.ENOTDIR},
		"a link":          {func() error { return os.Symlink(top, path) }, unix.ENOTDIR},
		"a FIFO":          {func() error { return unix.Mkfifo(path, 0o600) }, unix.ENOTDIR},
		"a dangling link": {func() error { return os.Symlink(path+".none", path) }, unix.ENOTDIR},
	} {
		if err := c.put(); err != nil {
			t.Fatal(err)
		}
		if p, err := find(path); !errors.Is(err, c.want) {
			p.close()
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
	}
}
