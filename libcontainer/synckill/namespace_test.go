package synckill

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// procDir makes a directory as /proc has one for a process, of which the
// namespaces can be named but not opened any more: it ended in between.
func procDir(t *testing.T, user, mount uint64) string {
	t.Helper()
	dir := t.TempDir()
	ns := filepath.Join(dir, "ns")
	if err := errors.Join(
		os.Mkdir(ns, 0o755),
		os.Symlink(fmt.Sprintf("user:[%d]", user), filepath.Join(ns, "user")),
		os.Symlink(fmt.Sprintf("mnt:[%d]", mount), filepath.Join(ns, "mnt")),
	); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestEndedBetweenSteps looks at a process that ends after its namespaces were
// named: it is no stranger, since its child may be the container's only process.
func TestEndedBetweenSteps(t *testing.T) {
	const user, mount = 11, 22
	s := &namespaceSource{identity: identity{User: user, Mount: mount, MountID: 33, OwnUser: true}}
	for name, dir := range map[string]string{
		"the container's mount namespace":  procDir(t, user, mount),
		"a user namespace that may be its": procDir(t, user+1, mount),
	} {
		if r, err := s.of(dir); !gone(err) {
			t.Errorf("%s: relation %d, error %v; want an error that says it is gone", name, r, err)
		}
		if r, err := s.relation(dir); r != ended || err != nil {
			t.Errorf("%s: relation %d, error %v; want %d", name, r, err, ended)
		}
	}
}

// TestNoDescriptors has what can't be looked at for want of a descriptor be an
// error, and nobody taken for a stranger.
func TestNoDescriptors(t *testing.T) {
	var was unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	self, p, err := pinNamespaces("/proc/self")
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	if self.MountID == 0 {
		self.MountID = 1 // as if it had one: that is not got to
	}
	sources := map[string]*namespaceSource{
		"the same mount namespace": {identity: self, pin: p},
		"a user namespace below":   {identity: identity{User: self.User + 1, OwnUser: true}, pin: p},
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 0, Max: was.Max}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
			t.Error(err)
		}
	}()
	for name, s := range sources {
		if r, err := s.relation("/proc/self"); !errors.Is(err, unix.EMFILE) {
			t.Errorf("%s: relation %d, error %v; want EMFILE", name, r, err)
		}
		if s.Has(os.Getpid()) {
			t.Errorf("%s: it is claimed", name)
		}
		if pids, err := s.Pids(always); !errors.Is(err, unix.EMFILE) {
			t.Errorf("%s: processes %v, error %v; want EMFILE", name, pids, err)
		}
	}
}
