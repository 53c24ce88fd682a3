package guarantee

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"runcsync/tests/guarantee/rig"
)

// soon is any moment of the next: those of two commands are to coincide in every
// way. Nothing waits for it.
func soon(rnd *rand.Rand, limit time.Duration) {
	time.Sleep(time.Duration(rnd.Int64N(int64(limit))))
}

// done tells whether a command has done its work, or had none.
func done(res rig.Result) bool { return res.Status == 0 || res.Status == 1 && saysDone(res) }

// TestTwoAtOnce has two commands end one container.
func TestTwoAtOnce(t *testing.T) {
	t.Parallel()
	for i, first := range enders {
		for _, second := range enders[:i+1] {
			t.Run(first.name+" and "+second.name, func(t *testing.T) {
				t.Parallel()
				r := rig.Open(t)
				rnd := rand.New(rand.NewPCG(seedOf(t), 7))
				for range rounds(6, 300) {
					c := r.New(rig.Spec{PIDs: rig.HostPIDs, Args: []string{"crowd", "4"}}).Run()
					c.AwaitProcesses(4)
					a := r.Start(first.args(c.ID)...)
					soon(rnd, 20*time.Millisecond)
					b := r.Run(second.args(c.ID)...)
					c.Gone(b)
					if a := a.Wait(); !done(a) || !done(b) || a.Status != 0 && b.Status != 0 {
						t.Fatalf("one of them has to end it:\n%s\n%s", a, b)
					}
					c.Gone(b)
					if first.name == "delete" {
						c.Removed(b)
					} else {
						c.Delete()
					}
				}
			})
		}
	}
}

// TestDeleteOfForeground deletes what a foreground run waits for, which removes the
// container as well when that has ended: not another one that is made at once.
func TestDeleteOfForeground(t *testing.T) {
	t.Parallel()
	for _, wait := range []bool{true, false} {
		t.Run(fmt.Sprintf("wait=%t", wait), func(t *testing.T) {
			t.Parallel()
			r := rig.Open(t)
			rnd := rand.New(rand.NewPCG(seedOf(t), 8))
			for range rounds(8, 300) {
				c := r.New(rig.Spec{PIDs: rig.HostPIDs, Args: []string{"crowd", "3"}})
				run := r.Start("run", "-b", c.Bundle, c.ID)
				c.AwaitProcesses(1)
				soon(rnd, 20*time.Millisecond)
				args := []string{"delete", "--force", c.ID}
				if wait {
					args = []string{"delete", "--force", "--wait", c.ID}
				}
				// As soon as the name is free the next one has it.
				var next rig.Result
				deleted := r.Start(args...)
				r.Await("the next container", func() bool {
					next = r.Run("run", "-d", "-b", c.Bundle, "--pid-file", filepath.Join(c.Bundle, "pid"), c.ID)
					return next.Status == 0
				})
				if res := deleted.Wait(); res.Status != 0 {
					t.Fatal(res)
				}
				ended := run.Wait()
				r.Await("the next container's processes alone", func() bool { return len(c.Alive()) == 3 })
				if s := c.Status(); s != "running" {
					t.Fatalf("the next container is %s, after %s", s, ended)
				}
				c.Delete()
			}
		})
	}
}

// TestDeleteOfHeldForeground has a foreground run stand still where it is about to
// remove its container, until there is another one of the name.
func TestDeleteOfHeldForeground(t *testing.T) {
	t.Parallel()
	r := rig.Open(t)
	c := r.New(rig.Spec{PIDs: rig.HostPIDs, Args: []string{"crowd", "3"}})
	run := r.Start("run", "-b", c.Bundle, c.ID)
	c.AwaitProcesses(3)
	if err := run.Process.Signal(unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	r.Must("delete", "--force", "--wait", c.ID)
	c.Run()
	c.Settled(3)
	if err := run.Process.Signal(unix.SIGCONT); err != nil {
		t.Fatal(err)
	}
	res := run.Wait()
	if n := len(c.Alive()); n != 3 || !exists(c.StateDir()) {
		t.Fatalf("%d processes of the next container are alive, want 3, state directory there: %t, after %s", n, exists(c.StateDir()), res)
	}
	c.Delete()
}

// TestCreateAgainstDelete has one name made and deleted at once: whoever comes
// first, what is left is a container or nothing.
func TestCreateAgainstDelete(t *testing.T) {
	t.Parallel()
	for _, wait := range []bool{true, false} {
		t.Run(fmt.Sprintf("wait=%t", wait), func(t *testing.T) {
			t.Parallel()
			r := rig.Open(t)
			rnd := rand.New(rand.NewPCG(seedOf(t), 9))
			var made, failed int
			for range rounds(16, 500) {
				c := r.New(rig.Spec{PIDs: rig.HostPIDs})
				create := r.Start("create", "-b", c.Bundle, c.ID)
				soon(rnd, 120*time.Millisecond)
				args := []string{"delete", "--force", c.ID}
				if wait {
					args = []string{"delete", "--force", "--wait", c.ID}
				}
				res := r.Run(args...)
				if res.Status != 0 {
					t.Error(res)
				}
				before := exists(c.StateDir())
				created := create.Wait()
				if created.Status == 0 {
					made++
				} else {
					failed++
				}
				switch standing := exists(c.StateDir()); {
				case created.Status != 0 && standing, before && !standing:
					t.Errorf("state directory there: %t, then %t; %s\n%s", before, standing, created, res)
				case standing:
					if s := c.Status(); s != "created" {
						t.Errorf("the container is %s: %s", s, created)
					}
				default:
					removed(r, c, res)
				}
				if t.Failed() {
					return
				}
				removed(r, c, r.Must("delete", "--force", "--wait", c.ID))
			}
			t.Logf("view %s: %d were made, %d were not", r.View, made, failed)
		})
	}
}

// TestDeleteAndStart deletes a container that is being started.
func TestDeleteAndStart(t *testing.T) {
	t.Parallel()
	r := rig.Open(t)
	rnd := rand.New(rand.NewPCG(seedOf(t), 10))
	for range rounds(10, 300) {
		c := r.New(rig.Spec{PIDs: rig.HostPIDs, Args: []string{"crowd", "4"}}).Create()
		start := r.Start("start", c.ID)
		soon(rnd, 40*time.Millisecond)
		res := r.Run("delete", "--force", "--wait", c.ID)
		if res.Status != 0 {
			t.Error(res)
		}
		removed(r, c, res)
		if started := start.Wait(); started.Status != 0 && started.Stderr == "" {
			t.Errorf("it has failed and does not say why: %s", started)
		}
		removed(r, c, res)
		if t.Failed() {
			return
		}
	}
}

// TestKilledRemoval kills delete before each thing that it removes; what is left
// must be enough for the next one.
func TestKilledRemoval(t *testing.T) {
	t.Parallel()
	for _, rootless := range []bool{false, true} {
		for _, state := range []string{"created", "stopped"} {
			for _, wait := range []bool{true, false} {
				t.Run(fmt.Sprintf("rootless=%t/%s/wait=%t", rootless, state, wait), func(t *testing.T) {
					t.Parallel()
					r := rig.Open(t)
					if rootless {
						r.Rootless(false)
					}
					r.Root = onTmpfs(t, r.Root)
					killedRemoval(t, r, state, wait)
				})
			}
		}
	}
}

// onTmpfs is a directory in a file system that lists the last file that came first,
// as that of /run is: whoever removes what is listed, one after the other, begins
// with what was noted last. It belongs to whom like does.
func onTmpfs(t *testing.T, like string) string {
	dir, err := os.MkdirTemp("/dev/shm", "guarantee-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	root := filepath.Join(dir, "root")
	var st unix.Stat_t
	if err := unix.Stat(like, &st); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Mkdir(root, 0o700), os.Chown(root, int(st.Uid), int(st.Gid)), os.Chmod(dir, 0o711)); err != nil {
		t.Fatal(err)
	}
	return root
}

func killedRemoval(t *testing.T, r *rig.Rig, state string, wait bool) {
	args := func(id string) []string {
		if wait {
			return []string{"delete", "--force", "--wait", id}
		}
		return []string{"delete", "--force", id}
	}
	var cut int
	for n := 1; !t.Failed(); n++ {
		c := r.New(rig.Spec{PIDs: rig.HostPIDs, Args: []string{"crowd", "3"}})
		if c.Create(); state == "stopped" {
			r.Must("start", c.ID)
			c.AwaitProcesses(3)
			c.Kill()
		}
		tr, first := tracedBy(t, r, []string{"-k", fmt.Sprint(n), "-s", fmt.Sprint(unix.SYS_UNLINKAT)}, args(c.ID)...)
		var left []string
		for _, path := range strings.Fields("state.json namespaces.json origin.json exec.fifo") {
			if exists(filepath.Join(c.StateDir(), path)) {
				left = append(left, path)
			}
		}
		res := r.Run("delete", "--force", "--wait", c.ID)
		if res.Status != 0 {
			t.Errorf("killed before removal %d, left %v: %s\n%s", n, left, res, first)
		}
		removed(r, c, res)
		if tr.killedAt < 0 {
			break
		}
		cut++
	}
	t.Logf("view %s: killed before each of %d removals", r.View, cut)
	if cut < 2 && !t.Failed() {
		t.Error("it was not killed between two removals")
	}
}
