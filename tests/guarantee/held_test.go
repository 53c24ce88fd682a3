package guarantee

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"runcsync/tests/guarantee/rig"
)

// holding starts runc and holds it at a system call, counted from where it opens a
// file of that name if one is given. release lets it go on. held is false if it
// ended before.
func holding(r *rig.Rig, at int, after string, args ...string) (run *rig.Running, release func(), held bool) {
	r.Helper()
	dir := r.Writable()
	mark := filepath.Join(dir, "held")
	by := *r
	by.Via = append(slices.Clone(r.Via), r.Program("systrace"), "-h", fmt.Sprint(at), "-f", mark, "-o", filepath.Join(dir, "report"))
	if after != "" {
		by.Via = append(by.Via, "-a", after)
	}
	run = by.Start(args...)
	release = func() { _ = os.Remove(mark) }
	r.Cleanup(release)
	r.Await("runc at its system call, or ended", func() bool {
		select {
		case <-run.Done():
			return true
		default:
			held = exists(mark)
			return held
		}
	})
	return run, release, held
}

// points calls try with system calls of a command that makes calls of them, until
// try is false.
func points(t *testing.T, calls int, try func(at int) bool) {
	rnd := rand.New(rand.NewPCG(seedOf(t), 6))
	step := 1
	if !soaking() {
		step = max(calls/rounds(8, 0), 1)
	}
	// The first ones are looked at closely: there files are opened and locks taken.
	for n := 1; !t.Failed() && try(n+rnd.IntN(min(n, step))); n += min(n, step) {
	}
}

// TestCreateHeldUp has create stand still at each of its system calls while the
// container is deleted. A delete that says that all is gone is the last word.
func TestCreateHeldUp(t *testing.T) {
	t.Parallel()
	r := rig.Open(t)
	mark := filepath.Join(t.TempDir(), "hook ran")
	spec := rig.Spec{PIDs: rig.HostPIDs, Edit: hook("touch '" + mark + "'")}
	c := r.New(spec)
	whole, made := traced(t, r, 0, "create", "-b", c.Bundle, c.ID)
	if made.Status != 0 {
		t.Fatal(made)
	}
	c.Delete()
	var gone, refused int
	points(t, whole.calls, func(at int) bool {
		_ = os.Remove(mark)
		c := r.New(spec)
		create, release, held := holding(r, at, "", "create", "-b", c.Bundle, c.ID)
		if !held {
			create.Wait()
			c.Delete()
			return false
		}
		standing := exists(c.StateDir())
		res := r.Run("delete", "--force", "--wait", "--timeout=500ms", c.ID)
		switch {
		case res.Status == 0 && standing:
			gone++
			left, ran := c.Remains(), exists(mark)
			if len(left) > 0 || exists(c.StateDir()) {
				t.Errorf("call %d: left after %s: %v", at, res, left)
			}
			release()
			made := create.Wait()
			if left := c.Remains(); made.Status == 0 || len(left) > 0 || exists(mark) != ran || exists(c.StateDir()) {
				t.Errorf("call %d: after %s there was %s; left: %v, hook ran: %t", at, res, made, left, exists(mark))
			}
		case res.Status == 0: // it had not begun
			release()
			create.Wait()
		default:
			refused++
			if res.Status != 124 {
				t.Errorf("call %d: want status 124: %s", at, res)
			}
			release()
			create.Wait()
		}
		removed(r, c, r.Must("delete", "--force", "--wait", c.ID))
		return true
	})
	t.Logf("view %s: of %d calls, at %d the delete had the last word, at %d it gave up", r.View, whole.calls, gone, refused)
	if refused == 0 && !t.Failed() {
		t.Error("no delete has met a create")
	}
}

// TestReplaced holds a kill or a delete, at each system call after it has opened
// the state file, while the container is deleted and another one of its name is
// made, which is not to be touched.
func TestReplaced(t *testing.T) {
	t.Parallel()
	for _, e := range []ender{
		enders[0], enders[1],
		{name: "delete now", args: func(id string) []string { return []string{"delete", "--force", id} }},
	} {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			r := rig.Open(t)
			spec := rig.Spec{PIDs: rig.HostPIDs, Args: []string{"crowd", "3"}}
			c := r.New(spec).Run()
			whole, res := traced(t, r, 0, e.args(c.ID)...)
			if res.Status != 0 {
				t.Fatal(res)
			}
			r.Must("delete", "--force", "--wait", c.ID)
			var replaced int
			points(t, whole.calls, func(at int) bool {
				c := r.New(spec).Run()
				c.Settled(3)
				kill, release, held := holding(r, at, "/state.json", e.args(c.ID)...)
				if !held {
					kill.Wait()
					r.Must("delete", "--force", "--wait", c.ID)
					return false
				}
				opened := whileHeld(r, c)
				release()
				res := kill.Wait()
				if !opened {
					r.Must("delete", "--force", "--wait", c.ID)
					return true
				}
				replaced++
				if n := len(c.Alive()); n != 3 || c.Status() != "running" {
					t.Errorf("call %d: %d processes of the new container are alive, want 3, after %s", at, n, res)
				}
				c.Delete()
				return true
			})
			t.Logf("view %s: of %d calls, the container was replaced at %d", r.View, whole.calls, replaced)
			if replaced == 0 && !t.Failed() {
				t.Error("the container was never replaced")
			}
		})
	}
}

// whileHeld replaces the container, unless the command that is held has removed
// it, or keeps the delete from ending.
func whileHeld(r *rig.Rig, c *rig.Container) bool {
	if !exists(c.StateDir()) {
		return false
	}
	if res := r.Run("delete", "--force", "--wait", "--timeout=300ms", c.ID); res.Status != 0 {
		return false
	}
	c.Run()
	c.Settled(3)
	return true
}
