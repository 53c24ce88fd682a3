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

	"runcsync/tests/guarantee/rig"
)

// oldKernel lacks what the current one has.
type oldKernel struct {
	name  string
	flags []string
	// uses is the mechanism that has to serve instead, in the v2 and hybrid
	// views, where cgroup.kill would, and in the v1 view, where pidfds do.
	uses, v1 string
}

var oldKernels = []oldKernel{
	{"without cgroup.kill", []string{"-k"}, "pidfd_send_signal", "pidfd_send_signal"},
	{"without pidfd", []string{"-p"}, "cgroup.kill", "kill"},
	{"with neither", []string{"-k", "-p"}, "kill", "kill"},
}

// relic is a container that is ended as on an older kernel.
type relic struct {
	name  string
	args  []string
	pids  string
	limit int64
	alone bool // as a user of its own, who may have no more than limit processes
	ready func(*rig.Rig, *rig.Container)
}

func crowded(n int) func(*rig.Rig, *rig.Container) {
	return func(_ *rig.Rig, c *rig.Container) { c.AwaitProcesses(n) }
}

// forking waits for processes that live for so short a time that a scan of
// /proc would miss most of them.
func forking(r *rig.Rig, c *rig.Container) {
	r.Helper()
	r.Await("forks", func() bool {
		ids, _ := os.ReadFile(filepath.Join(c.Dirs()[0], "cgroup.procs"))
		return len(strings.Fields(string(ids))) > 10
	})
}

var relics = []relic{
	{name: "few", args: []string{"crowd", "6"}, pids: rig.HostPIDs, ready: crowded(6)},
	{name: "private pids", args: []string{"crowd", "6"}, pids: rig.PrivatePIDs, ready: crowded(6)},
	{name: "many", args: []string{"crowd", "300"}, pids: rig.HostPIDs, ready: crowded(300)},
	{name: "paused", args: []string{"crowd", "20"}, pids: rig.HostPIDs, ready: func(_ *rig.Rig, c *rig.Container) {
		c.AwaitProcesses(20)
		c.Pause()
	}},
	{name: "chains of forks", args: []string{"churn", "20"}, pids: rig.HostPIDs, limit: 200, ready: forking},
	{name: "fork bomb", args: []string{"bomb"}, pids: rig.HostPIDs, limit: 200, alone: true, ready: forking},
}

func (x relic) spec(r *rig.Rig) rig.Spec {
	s := rig.Spec{Args: x.args, PIDs: x.pids, Limit: x.limit}
	if x.alone {
		s.UID = uint32(600000 + r.Serial())
		s.Edit = func(spec *specs.Spec) {
			spec.Process.Rlimits = []specs.POSIXRlimit{{Type: "RLIMIT_NPROC", Soft: uint64(x.limit), Hard: uint64(x.limit)}}
		}
	}
	return s
}

// TestOldKernel ends containers as on kernels before 5.14 and before 5.3.
func TestOldKernel(t *testing.T) {
	t.Parallel()
	for _, k := range oldKernels {
		for i, x := range relics {
			for _, e := range enders {
				if e.name == "delete" && i > 0 {
					continue // it drains as kill does
				}
				t.Run(strings.Join([]string{k.name, x.name, e.name}, "/"), func(t *testing.T) {
					t.Parallel()
					r := rig.Open(t)
					c := r.New(x.spec(r)).Run()
					x.ready(r, c)
					args := e.args(c.ID)
					res := k.rig(r).Run(append([]string{args[0], "--format=json"}, args[1:]...)...)
					if res.Status != 0 {
						t.Fatal(res)
					}
					e.check(c, res)
					k.check(t, r, x, parse(t, res))
					t.Log(res.Took.Round(time.Millisecond), res.Stdout)
				})
			}
		}
	}
}

// rig runs runc on the old kernel.
func (k oldKernel) rig(r *rig.Rig) *rig.Rig {
	old := *r
	old.Via = append([]string{r.Program("oldkernel")}, k.flags...)
	return &old
}

// check is that the report names what the old kernel has to do with.
func (k oldKernel) check(t *testing.T, r *rig.Rig, x relic, rep report) {
	used := strings.Split(rep.Mechanism, "+")
	want := k.uses
	if r.View == rig.V1 {
		want = k.v1
	}
	// A PID namespace may be gone with its init, before the rest is looked at.
	if !slices.Contains(used, want) && x.pids == rig.HostPIDs {
		t.Errorf("mechanism %q, want %q", rep.Mechanism, want)
	}
	if k.uses != "cgroup.kill" && slices.Contains(used, "cgroup.kill") {
		t.Errorf("mechanism %q, which this kernel is not to have", rep.Mechanism)
	}
}

// TestOldKernelSurvivors waits for a container that does not end, and finds
// everyone who is left.
func TestOldKernelSurvivors(t *testing.T) {
	t.Parallel()
	for _, k := range oldKernels {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			r := rig.Open(t)
			c := r.New(rig.Spec{Args: []string{"crowd", "20", "ignore"}, PIDs: rig.HostPIDs}).Run()
			c.AwaitProcesses(20)
			old := k.rig(r)
			res := old.Run("kill", "--wait", "--timeout=1s", "--format=json", c.ID, "TERM")
			rep := parse(t, res)
			if res.Status != 124 || rep.Drained || len(rep.Survivors) != 16 || !strings.Contains(res.Stderr, "20 processes still alive") {
				t.Errorf("want status 124 and 20 survivors of which 16 are named, got %s", res)
			}
			if alive := c.Alive(); len(alive) != 20 {
				t.Errorf("%d alive, want 20: %v", len(alive), alive)
			}
			res = old.Run("kill", "--wait", "--kill-after=100ms", "--format=json", c.ID, "TERM")
			if res.Status != 0 {
				t.Fatal(res)
			}
			c.Stopped(res)
			t.Log(fmt.Sprint(parse(t, res)))
		})
	}
}

// TestOldKernelFrozenAbove waits for processes that are held in state D, until
// they are let go.
func TestOldKernelFrozenAbove(t *testing.T) {
	t.Parallel()
	for _, k := range oldKernels {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			r := rig.Open(t)
			freezer := r.Hierarchy("freezer")
			c := r.New(rig.Spec{Args: []string{"crowd", "6"}, PIDs: rig.HostPIDs, Nested: true}).Run()
			c.AwaitProcesses(6)
			state := filepath.Join(c.Above(freezer), "freezer.state")
			r.Write(state, "FROZEN")
			r.Await("frozen", func() bool {
				text, _ := os.ReadFile(state)
				return string(text) == "FROZEN\n"
			})
			res := k.rig(r).Run("kill", "--wait", "--timeout=500ms", "--format=json", c.ID, "KILL")
			rep := parse(t, res)
			if res.Status != 124 || len(rep.Survivors) != 6 || rep.Survivors[0].State != "D" {
				t.Errorf("want status 124 and 6 survivors in state D, got %s", res)
			}
			again := k.rig(r).Start("kill", "--wait", c.ID, "KILL")
			r.Await("runc to wait", func() bool { return inPoll(childOf(again.Process.Pid)) })
			r.Write(state, "THAWED")
			if res = again.Wait(); res.Status != 0 {
				t.Error(res)
			}
			c.Stopped(res)
		})
	}
}

// childOf is the child of a process, which oldkernel runs runc as.
func childOf(pid int) (child int) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	_, _ = fmt.Sscan(string(text), &child)
	return child
}
