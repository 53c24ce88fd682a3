package guarantee

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"runcsync/tests/guarantee/rig"
)

// TestHierarchyNotMounted takes one of several hierarchies out of runc's sight.
// The container's processes are in the others as well, and are killed; what is in
// that one can't be known, so nothing is claimed. The plain delete removes what it
// finds, as upstream's.
func TestHierarchyNotMounted(t *testing.T) {
	t.Parallel()
	for _, pids := range []string{rig.PrivatePIDs, rig.HostPIDs} {
		r := rig.Open(t)
		r.Only("it takes several hierarchies", rig.Hybrid, rig.V1)
		for _, h := range some(r, "", "freezer", "pids") {
			name := filepath.Base(h.Mount)
			for _, e := range enders {
				t.Run(strings.Join([]string{name, pids, e.name}, "/"), func(t *testing.T) {
					t.Parallel()
					r := rig.Open(t)
					c := r.New(rig.Spec{Args: []string{"crowd", "6"}, PIDs: pids})
					running(c)
					r.Via = without(h)
					res := r.Run(e.args(c.ID)...)
					if res.Status != 1 || !strings.Contains(res.Stderr, "cannot tell whether "+c.Dir(h)) {
						t.Errorf("want status 1, and what can't be told: %s", res)
					}
					dies(r, c, res)
					r.Via = nil
					c.Delete()
				})
			}
			t.Run(strings.Join([]string{name, pids, "plain delete"}, "/"), func(t *testing.T) {
				t.Parallel()
				r := rig.Open(t)
				c := r.New(rig.Spec{Args: []string{"crowd", "6"}, PIDs: pids})
				running(c)
				r.Via = without(h)
				res := r.Must("delete", "--force", c.ID)
				dies(r, c, res)
				if _, err := os.Lstat(c.StateDir()); !os.IsNotExist(err) {
					t.Errorf("the state directory is left (%v) after %s", err, res)
				}
				for _, dir := range c.Dirs() {
					if dir != c.Dir(h) {
						t.Errorf("%s is left after %s", dir, res)
					}
				}
			})
		}
	}
}

// without is a command that runs another one where the hierarchy is not mounted.
func without(h rig.Hierarchy) []string {
	return []string{"unshare", "-m", "sh", "-c", "umount -l " + h.Mount + ` && exec "$@"`, "sh"}
}

// TestNothingNoted has a rootless container with no cgroup and no PID namespace of
// its own, of which only upstream's state file is left: a runtime made it that notes
// nothing else, or a delete was ended half way. Once init has ended nobody can tell
// who else was in it. So nothing is claimed; but the plain delete removes it, as
// upstream's.
func TestNothingNoted(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 6} {
		for _, initGone := range []bool{false, true} {
			t.Run(fmt.Sprintf("processes=%d/init gone=%t", n, initGone), func(t *testing.T) {
				t.Parallel()
				r := rig.Open(t)
				r.Rootless(false)
				c := r.New(rig.Spec{Args: []string{"crowd", fmt.Sprint(n)}, PIDs: rig.HostPIDs}).Run()
				c.Settled(n)
				bare(r, c)
				if initGone {
					endInit(r, c)
					for _, e := range enders {
						if res := r.Run(e.args(c.ID)...); res.Status == 0 || res.Status == 124 || !strings.Contains(res.Stderr, "cannot tell whether") {
							t.Errorf("want an error that says what can't be told: %s", res)
						}
					}
				}
				res := r.Must("delete", "--force", c.ID)
				if _, err := os.Lstat(c.StateDir()); !os.IsNotExist(err) {
					t.Errorf("the state directory is left (%v) after %s", err, res)
				}
				if left := c.Alive(); !initGone && len(left) > 0 && left[0].Pid == c.Pid() {
					t.Errorf("init lives on after %s", res)
				}
			})
		}
	}
}

// bare leaves nothing in a state directory that upstream's runtime does not have.
func bare(r *rig.Rig, c *rig.Container) {
	r.Helper()
	files, err := os.ReadDir(c.StateDir())
	if err != nil {
		r.Fatal(err)
	}
	for _, f := range files {
		if f.Name() == "state.json" || f.Name() == "exec.fifo" {
			continue
		}
		if err := os.Remove(filepath.Join(c.StateDir(), f.Name())); err != nil {
			r.Fatal(err)
		}
	}
}
