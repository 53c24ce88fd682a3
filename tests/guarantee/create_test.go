package guarantee

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

	"runcsync/tests/guarantee/rig"
)

// hook has init run a shell script while the container is being made: libcontainer
// writes the state file when it is through.
func hook(script string) func(*specs.Spec) {
	return func(s *specs.Spec) {
		s.Hooks = &specs.Hooks{CreateContainer: []specs.Hook{{Path: "/bin/sh", Args: []string{"sh", "-c", script}}}}
	}
}

// passed lists the processes that have the container's exec.fifo open, by the
// name of the file: libcontainer passes it to every "runc init". A create has it
// open as well.
func passed(c *rig.Container) (ps []string) {
	fds, _ := filepath.Glob("/proc/[0-9]*/fd/[0-9]*")
	for _, fd := range fds {
		if name, err := os.Readlink(fd); err == nil && strings.Contains(name, "/"+c.ID+"/exec.fifo") {
			pid, _ := strconv.Atoi(strings.Split(fd, "/")[2])
			ps = append(ps, fmt.Sprintf("%d (%s)", pid, rig.Comm(pid)))
		}
	}
	return ps
}

// removed is that neither processes nor cgroups nor a state directory are left,
// of processes none that is on its way into the container either.
func removed(r *rig.Rig, c *rig.Container, res rig.Result) {
	r.Helper()
	ps := passed(c)
	c.Removed(res)
	if len(ps) > 0 {
		r.Errorf("init lives after %s: %s", res, strings.Join(ps, ", "))
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// creating starts a create, or run, that gets no further than its hook.
func creating(r *rig.Rig, pids, command string) (*rig.Container, *rig.Running) {
	r.Helper()
	mark := filepath.Join(r.TempDir(), "hook runs")
	c := r.New(rig.Spec{PIDs: pids, Edit: hook("touch '" + mark + "'; sleep 20")})
	create := r.Start(command, "-b", c.Bundle, c.ID)
	r.Await("the hook", func() bool { return exists(mark) })
	if exists(filepath.Join(c.StateDir(), "state.json")) {
		r.Fatal("the state file is there while a createContainer hook runs")
	}
	c.Alive()
	return c, create
}

// TestDeleteWhileCreating ends a container that is being made, or whose making was
// cut off: there is no state file yet.
func TestDeleteWhileCreating(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"create", "run"} {
		for _, pids := range []string{rig.PrivatePIDs, rig.HostPIDs} {
			for _, killed := range []bool{false, true} {
				for _, wait := range []bool{true, false} {
					t.Run(fmt.Sprintf("%s/%s/killed=%t/wait=%t", command, pids, killed, wait), func(t *testing.T) {
						t.Parallel()
						r := rig.Open(t)
						c, create := creating(r, pids, command)
						if killed {
							if err := create.Process.Kill(); err != nil {
								t.Fatal(err)
							}
							create.Wait()
						}
						args := []string{"delete", "--force", c.ID}
						if wait {
							args = []string{"delete", "--force", "--wait", c.ID}
						}
						res := r.Run(args...)
						if res.Status != 0 {
							t.Error(res)
						}
						removed(r, c, res)
						if made := create.Wait(); !killed && (made.Status == 0 || made.Stderr == "") {
							t.Errorf("want an error: %s", made)
						}
						removed(r, c, res) // nothing came later
						r.Must("create", "-b", r.New(rig.Spec{}).Bundle, c.ID)
						r.Must("delete", "--force", "--wait", c.ID)
					})
				}
			}
		}
	}
}

// TestUnforcedWhileCreating leaves a container alone that is being made, and
// removes what a create left that was killed.
func TestUnforcedWhileCreating(t *testing.T) {
	t.Parallel()
	r := rig.Open(t)
	c, create := creating(r, rig.HostPIDs, "create")
	for _, args := range [][]string{{"delete", c.ID}, {"delete", "--wait", c.ID}} {
		if res := r.Run(args...); res.Status != 1 || !strings.Contains(res.Stderr, "container does not exist") {
			t.Errorf("want status 1, container does not exist: %s", res)
		}
	}
	if len(passed(c)) == 0 || len(c.Alive()) == 0 || !exists(c.StateDir()) {
		t.Errorf("the container was touched: %v", c.Remains())
	}
	if err := create.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	create.Wait()
	res := r.Run("delete", c.ID)
	if res.Status != 1 || !strings.Contains(res.Stderr, "container does not exist") {
		t.Errorf("want status 1, container does not exist: %s", res)
	}
	removed(r, c, res)
}

// TestKillWhileCreating kills what is there of a container that is being made, and
// claims nothing of one of which nothing is.
func TestKillWhileCreating(t *testing.T) {
	t.Parallel()
	for _, killed := range []bool{false, true} {
		t.Run(fmt.Sprintf("killed=%t", killed), func(t *testing.T) {
			t.Parallel()
			r := rig.Open(t)
			c, create := creating(r, rig.HostPIDs, "create")
			if killed {
				if err := create.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				create.Wait()
			}
			for _, sig := range []string{"TERM", "0"} {
				if res := r.Run("kill", "--wait", c.ID, sig); res.Status != 1 || !strings.Contains(res.Stderr, "container does not exist") {
					t.Errorf("want status 1, container does not exist: %s", res)
				}
			}
			res := r.Run("kill", "--wait", c.ID, "KILL")
			if res.Status != 0 {
				t.Error(res)
			}
			c.Gone(res)
			if ps := passed(c); len(ps) > 0 {
				t.Errorf("init lives after %s: %v", res, ps)
			}
			if made := create.Wait(); made.Status == 0 {
				t.Errorf("want an error: %s", made)
			}
			if res := r.Run("kill", "--wait", c.ID, "KILL"); res.Status != 1 || !strings.Contains(res.Stderr, "container does not exist") {
				t.Errorf("want status 1, container does not exist: %s", res)
			}
			removed(r, c, r.Must("delete", "--force", "--wait", c.ID))
		})
	}
}

// TestKilledCreate kills create at each system call that it makes, or in the
// default suite at one of each stretch, and deletes what that left.
func TestKilledCreate(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		spec rig.Spec
	}{
		{"host pids", rig.Spec{PIDs: rig.HostPIDs}},
		{"private pids", rig.Spec{}},
		{"hook", rig.Spec{PIDs: rig.HostPIDs, Edit: hook("sleep 0.1")}},
		{"hook fails", rig.Spec{PIDs: rig.HostPIDs, Edit: hook("exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; sleep 3 >/dev/null 2>&1 & exit 1")}},
		{"no such program", rig.Spec{Args: []string{"/none"}}},
	}
	for _, rootless := range []bool{false, true} {
		for _, tc := range cases {
			t.Run(fmt.Sprintf("%s/rootless=%t", tc.name, rootless), func(t *testing.T) {
				t.Parallel()
				r := rig.Open(t)
				if rootless {
					r.Rootless(false)
				}
				killedCreate(t, r, tc.spec, rootless && strings.HasPrefix(tc.name, "hook"))
			})
		}
	}
}

// killedCreate has a create killed. With unknown it can't be told what a hook has
// left behind, once init is gone.
func killedCreate(t *testing.T, r *rig.Rig, spec rig.Spec, unknown bool) {
	rnd := rand.New(rand.NewPCG(seedOf(t), 5))
	c := r.New(spec)
	whole, made := traced(t, r, 0, "create", "-b", c.Bundle, c.ID)
	t.Logf("not killed: %d calls, status %d, %s", whole.calls, made.Status, made.Stderr)
	removed(r, c, r.Must("delete", "--force", "--wait", c.ID))
	step := 1
	if !soaking() {
		step = max(whole.calls/rounds(8, 0), 1)
	}
	var unfinished, complete int
	for n := 1; !t.Failed(); n += step {
		point := n + rnd.IntN(step)
		c := r.New(spec)
		tr, cut := traced(t, r, point, "create", "-b", c.Bundle, c.ID)
		switch {
		case exists(filepath.Join(c.StateDir(), "state.json")):
			complete++
		case exists(c.StateDir()):
			unfinished++
		}
		c.Alive()
		res := r.Run("delete", "--force", "--wait", c.ID)
		if unknown && strings.Contains(res.Stderr, "cannot tell whether container "+c.ID+" has drained") {
			c.Gone(res)
			res = r.Run("delete", "--force", c.ID) // claims nothing
		}
		if res.Status != 0 {
			t.Error(res)
		}
		removed(r, c, res)
		if t.Failed() {
			t.Logf("create was killed at call %d (%d): %s", point, tr.killedAt, cut)
		}
		if tr.killedAt < 0 && point > whole.calls {
			break
		}
	}
	t.Logf("view %s: %d left no state file, %d left one", r.View, unfinished, complete)
	if unfinished == 0 {
		t.Error("create was never killed while it had left no state file")
	}
}
