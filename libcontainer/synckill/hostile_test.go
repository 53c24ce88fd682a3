package synckill

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/opencontainers/runc/libcontainer"
	"golang.org/x/sys/unix"

	"runcsync/libcontainer/drain"
)

// placeOf is find, which must succeed.
func placeOf(t *testing.T, dir string) place {
	t.Helper()
	p, err := find(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	return p
}

// victim makes a directory with something in it that nobody may remove.
func victim(t *testing.T) (dir string, check func()) {
	t.Helper()
	dir = t.TempDir()
	file := filepath.Join(dir, "precious")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, func() {
		t.Helper()
		if _, err := os.Lstat(file); err != nil {
			t.Error(err)
		}
	}
}

// TestLinkedDirectory has what a link leads to be no state directory: neither of
// an unfinished container nor of one whose state file is damaged.
func TestLinkedDirectory(t *testing.T) {
	there, check := victim(t)
	link := filepath.Join(t.TempDir(), "c")
	if err := os.Symlink(there, link); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenUnfinished("c", link); !errors.Is(err, unix.ENOTDIR) {
		t.Errorf("unfinished: %v, want %v", err, unix.ENOTDIR)
	}
	_, err := OpenRemains(link, func() (Remains, error) { return Remains{ID: "c", Complete: true}, nil })
	if !errors.Is(err, unix.ENOTDIR) {
		t.Errorf("remains: %v, want %v", err, unix.ENOTDIR)
	}
	check()
}

// TestSwappedDirectory has a directory that is swapped for a link, between being
// looked at and being removed, lead nobody elsewhere.
func TestSwappedDirectory(t *testing.T) {
	there, check := victim(t)
	dir := filepath.Join(t.TempDir(), "c")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	p := placeOf(t, dir)
	if err := os.Rename(dir, dir+"-away"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(there, dir); err != nil {
		t.Fatal(err)
	}
	if standing, replaced, err := p.standing(); standing || !replaced || err != nil {
		t.Errorf("standing %t, replaced %t, %v", standing, replaced, err)
	}
	if err := p.removeFiles(); err != nil {
		t.Error(err)
	}
	check()
}

// TestRemainsReplaced leaves a container alone that has got the name of the one
// whose state file was damaged.
func TestRemainsReplaced(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "c")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	r, err := OpenRemains(dir, func() (Remains, error) { return Remains{ID: "c", Complete: true}, nil })
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(dir, dir+"-away"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, wait := range []bool{false, true} {
		if _, err := r.Delete(t.Context(), wait, Request{Timeout: time.Second}); !errors.Is(err, errReplaced) {
			t.Errorf("wait %t: %v, want %v", wait, err, errReplaced)
		}
	}
	if _, err := os.Lstat(dir); err != nil {
		t.Error(err)
	}
}

// TestRootGone claims nothing when the directory of all containers goes while an
// exec is in the room of the fence.
func TestRootGone(t *testing.T) {
	root := filepath.Join(t.TempDir(), "root")
	dir := filepath.Join(root, "c")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	state := &libcontainer.State{BaseState: libcontainer.BaseState{ID: "c"}}
	c := &Container{state: state, stateDir: dir, place: placeOf(t, dir)}
	defer enter(t, dir)()
	if err := os.RemoveAll(root); err != nil {
		t.Fatal(err)
	}
	rep, err := c.Kill(t.Context(), Request{Signal: unix.SIGKILL, Idle: true})
	if _, unknown := errors.AsType[*drain.UnverifiableError](err); !unknown || rep.Drained {
		t.Errorf("%+v, %v", rep, err)
	}
}

// TestUnfinishedUnfenced removes without a claim what nobody can be kept out of,
// as upstream does.
func TestUnfinishedUnfenced(t *testing.T) {
	u, dir := unfinished(t)
	if err := os.Mkdir(filepath.Join(filepath.Dir(dir), fenceFile), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := u.Delete(t.Context(), Request{}, true, true)
	if _, unknown := errors.AsType[*drain.UnverifiableError](err); !unknown {
		t.Errorf("to wait: %v", err)
	}
	if _, err := u.Delete(t.Context(), Request{}, true, false); err != nil {
		t.Errorf("not to wait: %v", err)
	}
	gonePath(t, dir)
}

// TestFencedWhileRemoved keeps the fence closed while a removal goes on that
// nobody waits for any more.
func TestFencedWhileRemoved(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "c")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	release, failed := make(chan struct{}), errors.New("failed")
	state := &libcontainer.State{BaseState: libcontainer.BaseState{ID: "c"}}
	c := &Container{state: state, stateDir: dir, place: placeOf(t, dir), load: func() (*libcontainer.Container, error) {
		<-release
		return nil, failed
	}}
	_, err := c.Delete(t.Context(), Request{Timeout: 300 * time.Millisecond}, true)
	if _, late := errors.AsType[*drain.TimeoutError](err); !late {
		t.Errorf("%v, want a time-out", err)
	}
	if leave, err := enterExec(dir, 100*time.Millisecond); err == nil {
		leave()
		t.Error("the fence is open while the container is being removed")
	}
	close(release)
	leave, err := enterExec(dir, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	leave()
}

// TestHostileRecords reads no record that is a FIFO, a link, a directory or
// endless, and does not hang.
func TestHostileRecords(t *testing.T) {
	for name, put := range map[string]func(path string) error{
		"fifo": func(path string) error { return unix.Mkfifo(path, 0o600) },
		"link": func(path string) error { return os.Symlink("/dev/zero", path) },
		"dir":  func(path string) error { return os.Mkdir(path, 0o700) },
		"large": func(path string) error {
			return errors.Join(os.WriteFile(path, nil, 0o600), os.Truncate(path, recordLimit))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := put(filepath.Join(dir, originFile)); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			err := within(ctx, "reading", func() error {
				_, err := readRecord(dir, originFile)
				return err
			})
			if err == nil || ctx.Err() != nil {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestBootIDSpoofed takes no boot ID from a file that has another one at each
// read, and so no container for one of an earlier boot.
func TestBootIDSpoofed(t *testing.T) {
	const random = "/proc/sys/kernel/random/"
	if id := bootIDOf(random + "uuid"); id != "" {
		t.Errorf("boot ID %s of a file of random ones", id)
	}
	if id := bootIDOf(random + "boot_id"); !wellFormedBoot(id) || id != bootID() {
		t.Errorf("boot ID %q", id)
	}
}

// TestEarlierBootPlain has a signal to a container of an earlier boot reach
// nobody: libcontainer, which would send it to what has the paths of its cgroups
// now, is not asked.
func TestEarlierBootPlain(t *testing.T) {
	dir := t.TempDir()
	here, err := observe(nil)
	if err != nil {
		t.Fatal(err)
	}
	o := origin{Vantage: here, CgroupPaths: map[string]string{"": "/sys/fs/cgroup/none"}, Creator: 1}
	o.Vantage.Boot = "00000000-0000-4000-8000-000000000000"
	if err := writeRecord(dir, originFile, o); err != nil {
		t.Fatal(err)
	}
	c := &Container{
		state:    &libcontainer.State{BaseState: libcontainer.BaseState{ID: "c", InitProcessPid: 1}},
		stateDir: dir,
		load:     func() (*libcontainer.Container, error) { return nil, errors.New("libcontainer was asked") },
	}
	if err := c.Signal(unix.SIGTERM); !errors.Is(err, libcontainer.ErrNotRunning) {
		t.Errorf("TERM: %v", err)
	}
	if err := c.KillNow(); !errors.Is(err, libcontainer.ErrNotRunning) {
		t.Errorf("KILL: %v", err)
	}
}
