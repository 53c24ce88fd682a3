package guarantee

import (
	"fmt"
	"testing"

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
		{scene{name: "init gone", only: rig.HostPIDs, arrange: func(r *rig.Rig, c *rig.Container) {
			running(c)
			endInit(r, c)
		}}, false},
		{scene{name: "paused", arrange: func(r *rig.Rig, c *rig.Container) {
			running(c)
			r.Must("pause", c.ID)
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
