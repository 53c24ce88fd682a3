package guarantee

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"runcsync/tests/guarantee/rig"
)

// TestManyCgroups bounds what is done with a container that has 30,000 cgroups,
// none of which need be looked at to kill, or to learn that all are empty; and with
// one that makes more as fast as it can.
func TestManyCgroups(t *testing.T) {
	r := rig.Open(t)
	h := r.Hierarchy("")
	few := r.New(rig.Spec{PIDs: rig.HostPIDs}).Run()
	few.Settled(1)
	// The hierarchy is at /mnt.
	c := r.New(rig.Spec{PIDs: rig.HostPIDs, Edit: func(s *specs.Spec) {
		s.Mounts = append(s.Mounts, specs.Mount{Destination: "/mnt", Source: h.Mount, Type: "bind", Options: []string{"bind"}})
	}}).Run()
	c.Settled(1)
	for i := range 150 {
		top := c.Sub(h, fmt.Sprint("many.", i))
		for j := range 200 {
			if err := os.Mkdir(filepath.Join(top, fmt.Sprint(j)), 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}

	// The best of some, in turn: other work on the machine takes its time.
	const short = 50 * time.Millisecond
	floor, best := rig.Bound, rig.Bound
	for range 5 {
		floor = min(floor, outlasted(r, few, short).Took)
		best = min(best, outlasted(r, c, short).Took)
	}
	t.Logf("--timeout=%s: %s, and %s with all cgroups", short, floor, best)
	if best > 3*floor+short {
		t.Errorf("a wait of %s took %s, and %s with all cgroups", short, floor, best)
	}

	if c.KillFile() == "" {
		t.Skip("no cgroup.kill, which is of Linux 5.14: without it all have to be looked at to kill who is in them")
	}
	c.Exec("sprawl", "/mnt"+c.Cgroup, "2", "60000")
	awaitCgroups(r, c.Dir(h), 150+10)
	const long = 2 * time.Second
	floor, res := timedKill(r, few, long)
	if res.Status != 0 {
		t.Fatal(res)
	}
	dead, res := timedKill(r, c, long)
	t.Logf("dead after %s, and after %s with ever more cgroups: %s", floor, dead, res)
	if dead > 4*floor+long/4 {
		t.Errorf("it took %s to kill some processes, and %s with ever more cgroups: %s", floor, dead, res)
	}
	if res.Status != 0 && res.Status != 124 || res.Took > 2*long {
		t.Errorf("want status 0 or 124 after %s: %s", long, res)
	}
	if left := c.Alive(); len(left) > 0 {
		t.Errorf("%v live on after %s", left, res)
	}
}

// timedKill kills a container and tells when all its processes were dead.
func timedKill(r *rig.Rig, c *rig.Container, timeout time.Duration) (dead time.Duration, res rig.Result) {
	r.Helper()
	var held []int
	for _, p := range c.Alive() {
		held = append(held, hold(r, p.Pid))
	}
	began := time.Now()
	run := r.Start("kill", "--wait", "--timeout="+timeout.String(), c.ID, "KILL")
	r.Await("the end of all processes", func() bool {
		return !slices.ContainsFunc(held, func(fd int) bool { return !ended(r, fd) })
	})
	return time.Since(began), run.Wait()
}

// awaitCgroups waits until a cgroup has n children.
func awaitCgroups(r *rig.Rig, dir string, n int) {
	r.Helper()
	r.Await(fmt.Sprintf("%d cgroups in %s", n, dir), func() bool {
		var st unix.Stat_t
		if err := unix.Stat(dir, &st); err != nil {
			r.Fatalf("stat %s: %v", dir, err)
		}
		return int(st.Nlink) >= n+2
	})
}

// outlasted waits for a container that does not end.
func outlasted(r *rig.Rig, c *rig.Container, timeout time.Duration) rig.Result {
	r.Helper()
	res := r.Run("kill", "--wait", "--timeout="+timeout.String(), c.ID, "0")
	if res.Status != 124 || !strings.Contains(res.Stderr, "timed out") {
		r.Errorf("want status 124: %s", res)
	}
	return res
}
