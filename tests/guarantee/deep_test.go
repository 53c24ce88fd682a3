package guarantee

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"runcsync/tests/guarantee/rig"
)

// longBuffer is how much of /proc/PID/cgroup a reader with a fixed buffer may
// have room for. The kernel shows 4,095 bytes of a path at most, in a line for each
// hierarchy.
const longBuffer = 8192

// TestDeepCaller has runc, or one of its ancestors, in the container's cgroup of
// one hierarchy, and so deep in others that nothing of that is among the first
// bytes of its /proc/PID/cgroup. Nobody may be signalled.
func TestDeepCaller(t *testing.T) {
	t.Parallel()
	for _, who := range []string{"itself", "its parent"} {
		for _, e := range enders {
			t.Run(who+"/"+e.name, func(t *testing.T) {
				t.Parallel()
				r := rig.Open(t)
				r.Only("with one hierarchy the file has less than 4,200 bytes", rig.Hybrid, rig.V1)
				c := r.New(rig.Spec{Args: []string{"crowd", "6"}, PIDs: rig.HostPIDs})
				before := running(c)
				hs := listed(r)
				last := hs[len(hs)-1]
				join := fmt.Sprintf("echo $$ >%s/cgroup.procs && ", c.Dir(last))
				back := fmt.Sprintf("echo $$ >%s/cgroup.procs && ", last.Mount)
				for _, h := range hs[:len(hs)-1] {
					if slices.Contains(h.Controllers, "memory") { // the slowest to be made
						continue
					}
					deep := r.Cgroup(h, slices.Repeat([]string{strings.Repeat("d", 200)}, 18)...)
					join += fmt.Sprintf("echo $$ >%s/cgroup.procs && ", deep)
					back += fmt.Sprintf("echo $$ >%s/cgroup.procs && ", h.Mount)
				}
				join += fmt.Sprintf("test $(head -c %d /proc/$$/cgroup | grep -c %s) = 0 || exit 99; ", longBuffer, c.Cgroup)
				if r.Via = []string{"sh", "-c", join + `exec "$@"`, "sh"}; who == "its parent" {
					r.Via = []string{"sh", "-c", join + `sh -c '` + back + `exec "$@"' sh "$@"; exit $?`, "sh"}
				}
				res := r.Run(e.args(c.ID)...)
				if res.Status != 1 || !strings.Contains(res.Stderr, "refusing to signal cgroup "+c.Dir(last)) {
					t.Errorf("want a refusal: %s", res)
				}
				if n := len(c.Alive()); n != len(before) {
					t.Errorf("%d alive, want %d: %s", n, len(before), res)
				}
				if t.Failed() {
					return
				}
				r.Via = nil
				c.Delete()
			})
		}
	}
}

// listed are the view's hierarchies in the order of /proc/self/cgroup, but those
// of which a new cgroup takes no process.
func listed(r *rig.Rig) []rig.Hierarchy {
	r.Helper()
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		r.Fatal(err)
	}
	var hs []rig.Hierarchy
	for line := range strings.Lines(string(text)) {
		name, _, _ := strings.Cut(strings.SplitN(line, ":", 3)[1], ",")
		for _, h := range r.Hierarchies() {
			if h.V2 && name == "" || slices.Contains(h.Controllers, name) && !slices.Contains(h.Controllers, "cpuset") {
				hs = append(hs, h)
			}
		}
	}
	return hs
}
