package synckill

import (
	"os"
	"path/filepath"
	"testing"
)

// v1Hierarchies are the mount points of two v1 hierarchies; without two the test is
// skipped.
func v1Hierarchies(t *testing.T) (one, other string) {
	t.Helper()
	one, other = "/sys/fs/cgroup/pids", "/sys/fs/cgroup/freezer"
	for _, dir := range []string{one, other} {
		if _, err := os.Lstat(filepath.Join(dir, "cgroup.procs")); err != nil {
			t.Skip("no cgroup v1 hierarchies of pids and freezer:", err)
		}
	}
	return one, other
}

// TestHandleOfAnotherHierarchy takes no cgroup for the container's which has the
// handle that the container's has, in another hierarchy that is mounted in the
// place of its own.
func TestHandleOfAnotherHierarchy(t *testing.T) {
	one, other := v1Hierarchies(t)
	stranger := filepath.Join(other, "handle-test")
	if err := os.Mkdir(stranger, 0o755); err != nil {
		t.Skip("cgroups can't be made:", err)
	}
	t.Cleanup(func() {
		if err := os.Remove(stranger); err != nil {
			t.Error(err)
		}
	})
	r, err := recordOf(stranger)
	if err != nil {
		t.Skip("the kernel has no handles of cgroups:", err)
	}
	if path, err := r.find(); err != nil || path != stranger {
		t.Errorf("its own: %q, %v", path, err)
	}
	// As if r had been noted of a cgroup of the one, under a name that is gone, and
	// the other were mounted there now.
	root, err := recordOf(one)
	if err != nil {
		t.Fatal(err)
	}
	r.Dev, r.Path = root.Dev, filepath.Join(other, "gone")
	m := &members{}
	defer m.close()
	m.openRenamed([]cgroupRecord{r})
	if len(m.Trees) > 0 || len(m.doubts) == 0 {
		t.Errorf("%d cgroups, doubts %v", len(m.Trees), m.doubts)
	}
}
