package guarantee

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"runcsync/tests/guarantee/rig"
)

// TestRootless ends containers of an ordinary user, whose processes are in
// cgroups of their own, or only in namespaces of their own.
func TestRootless(t *testing.T) {
	t.Parallel()
	scenes := []struct {
		scene
		delegated bool // takes a cgroup
	}{
		{scene{name: "created", arrange: func(_ *rig.Rig, c *rig.Container) { c.Create() }}, false},
		{scene{name: "running", arrange: func(_ *rig.Rig, c *rig.Container) {
			running(c)
			c.Exec("crowd", "3")
			c.AwaitProcesses(9)
		}}, false},
		{scene{name: "a leader thread dead", arrange: func(r *rig.Rig, c *rig.Container) {
			running(c)
			awaitState(r, c.Exec("threads", "3", "leave"), "Z")
		}}, false},
		{scene{name: "user namespace below", arrange: func(_ *rig.Rig, c *rig.Container) {
			running(c)
			c.Exec("busybox", "unshare", "-U", "-m", "crowd", "3")
			c.Settled(9)
		}}, false},
		{scene{name: "init gone", only: rig.HostPIDs, arrange: func(r *rig.Rig, c *rig.Container) {
			running(c)
			endInit(r, c)
		}}, false},
		{scene{name: "paused", arrange: func(_ *rig.Rig, c *rig.Container) {
			running(c)
			c.Pause()
		}}, true},
	}
	for _, s := range scenes {
		for _, delegated := range []bool{false, true} {
			for _, pids := range []string{rig.PrivatePIDs, rig.HostPIDs} {
				for _, e := range enders {
					if s.delegated && !delegated || s.only != "" && s.only != pids {
						continue
					}
					t.Run(fmt.Sprintf("%s/delegated=%t/%s/%s", s.name, delegated, pids, e.name), func(t *testing.T) {
						t.Parallel()
						r := rig.Open(t)
						r.Rootless(delegated)
						neighbour := r.New(rig.Spec{Args: []string{"crowd", "3"}, PIDs: rig.HostPIDs})
						neighbour.Run().Settled(3)
						c := r.New(rig.Spec{Args: []string{"crowd", "6"}, PIDs: pids})
						s.arrange(r, c)
						if has := len(c.Dirs()); delegated && has != len(r.Hierarchies()) || !delegated && has != 0 {
							t.Fatalf("the container has cgroups in %d hierarchies of %d", has, len(r.Hierarchies()))
						}
						c.Alive()
						res := r.Run(e.args(c.ID)...)
						if res.Status != 0 {
							t.Error(res)
						}
						e.check(c, res)
						if n := len(neighbour.Alive()); n != 3 {
							t.Errorf("%d processes of another container of the user's are alive, want 3", n)
						}
					})
				}
			}
		}
	}
}

// TestRootlessForkChain ends a container that nothing but its namespaces hold
// together, and of which a process lives only until its child does: each that a
// scan lists has ended when it is looked at.
func TestRootlessForkChain(t *testing.T) {
	for _, e := range enders {
		t.Run(e.name, func(t *testing.T) {
			r := rig.Open(t)
			r.Rootless(false)
			c := r.New(rig.Spec{Args: []string{"chain", "1"}, PIDs: rig.HostPIDs}).RunUnder("reap")
			c.AwaitProcesses(2)
			endInit(r, c)
			for range 6 {
				if res := r.Run("kill", "--wait", "--timeout=300ms", c.ID, "0"); res.Status != 124 {
					t.Errorf("want status 124: %s", res)
				}
			}
			res := r.Run(e.args(c.ID)...)
			if res.Status != 0 {
				t.Error(res)
			}
			e.check(c, res)
		})
	}
}

// TestRootlessHidden has a process of the container run a program that its user
// may not read: the kernel then shows nobody but root what namespaces it is in.
func TestRootlessHidden(t *testing.T) {
	for _, e := range enders {
		t.Run(e.name, func(t *testing.T) {
			r := rig.Open(t)
			r.Rootless(false)
			c := r.New(rig.Spec{Args: []string{"crowd", "6"}, PIDs: rig.HostPIDs})
			running(c)
			hidden := c.Exec("unreadable", "1")
			r.Await("the program to run", func() bool { return rig.Comm(hidden) == "unreadable" })
			args := e.args(c.ID)
			res := r.Run(append([]string{args[0], "--timeout=700ms"}, args[1:]...)...)
			if res.Status != 124 || !strings.Contains(res.Stderr, fmt.Sprintf("pid %d (unreadable)", hidden)) {
				t.Errorf("want status 124 and %d named: %s", hidden, res)
			}
			if left := c.Alive(); len(left) != 1 || left[0].Pid != hidden {
				t.Errorf("alive: %v, want %d alone", left, hidden)
			}
			if err := unix.Kill(hidden, unix.SIGKILL); err != nil {
				t.Fatal(err)
			}
			res = r.Run("delete", "--force", "--wait", c.ID)
			if res.Status != 0 {
				t.Error(res)
			}
			c.Removed(res)
		})
	}
}
