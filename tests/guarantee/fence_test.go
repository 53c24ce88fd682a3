package guarantee

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"runcsync/tests/guarantee/rig"
)

// fenceLock is a lock of the exec fence, held or waited for, as the kernel shows
// it. A container's gate has an even place, its room the odd one that follows.
type fenceLock struct {
	waits bool
	kind  string
	place int64
}

func (l fenceLock) gate() bool { return l.place%2 == 0 }

// fenceFileOf is the fence's file in the rig's state directory.
func fenceFileOf(r *rig.Rig) string {
	files, err := filepath.Glob(filepath.Join(r.Root, ".exec-fence*"))
	if err != nil {
		r.Fatal(err)
	}
	files = slices.DeleteFunc(files, func(f string) bool {
		info, err := os.Lstat(f)
		return err != nil || !info.Mode().IsRegular()
	})
	if len(files) == 0 {
		return ""
	}
	return files[0]
}

// fenceLocks reads the fence's locks from /proc/locks.
func fenceLocks(r *rig.Rig) (locks []fenceLock) {
	r.Helper()
	var st unix.Stat_t
	if file := fenceFileOf(r); file == "" || unix.Stat(file, &st) != nil {
		return nil
	}
	f, err := os.Open("/proc/locks")
	if err != nil {
		r.Fatal(err)
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		fields := strings.Fields(sc.Text())
		waits := slices.Contains(fields, "->")
		fields = slices.DeleteFunc(fields, func(s string) bool { return s == "->" })
		if len(fields) != 8 || fields[1] != "OFDLCK" || !strings.HasSuffix(fields[5], fmt.Sprintf(":%d", st.Ino)) {
			continue
		}
		l := fenceLock{waits: waits, kind: fields[3]}
		if _, err := fmt.Sscan(fields[6], &l.place); err != nil {
			r.Fatalf("%v: %s", err, sc.Text())
		}
		locks = append(locks, l)
	}
	return locks
}

// inRoom tells whether an exec is in the room.
func inRoom(r *rig.Rig) bool {
	return slices.ContainsFunc(fenceLocks(r), func(l fenceLock) bool { return !l.waits && !l.gate() && l.kind == "READ" })
}

// shut tells whether a kill has closed the gate.
func shut(r *rig.Rig) bool {
	return slices.ContainsFunc(fenceLocks(r), func(l fenceLock) bool { return !l.waits && l.gate() && l.kind == "WRITE" })
}

// atGate counts the execs that wait for the gate.
func atGate(r *rig.Rig) (n int) {
	for _, l := range fenceLocks(r) {
		if l.waits && l.gate() {
			n++
		}
	}
	return n
}

// returned tells whether a command has ended.
func returned(x *rig.Running) bool {
	select {
	case <-x.Done():
		return true
	default:
		return false
	}
}

// hungExec starts an exec that stays in the fence's room, since it is stopped
// there; SIGCONT has it go on. The container must be the only one in the rig.
func hungExec(r *rig.Rig, c *rig.Container) *rig.Running {
	r.Helper()
	const tries = 30 // it is in the room for some milliseconds
	for range tries {
		x := r.Start("exec", "-d", c.ID, "crowd", "2")
		for !inRoom(r) && !returned(x) {
			time.Sleep(200 * time.Microsecond)
		}
		_ = x.Process.Signal(unix.SIGSTOP)
		r.Await("exec stopped, or ended", func() bool { return returned(x) || stopped(x.Process.Pid) })
		if !returned(x) && inRoom(r) {
			return x
		}
		_ = x.Process.Signal(unix.SIGCONT)
		x.Wait()
	}
	r.Fatalf("of %d execs none was seen in the room of the fence", tries)
	return nil
}

// stopped tells whether all threads of a process are.
func stopped(pid int) bool {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	for _, t := range tasks {
		text, err := os.ReadFile(t)
		if _, state, ok := strings.Cut(string(text), ") "); err != nil || !ok || state[0] != 'T' {
			return false
		}
	}
	return len(tasks) > 0
}

// twoUsers is a state directory of an ordinary user's, in which root runs runc as
// well.
func twoUsers(t *testing.T) (user, root *rig.Rig) {
	user = rig.Open(t)
	user.Rootless(false)
	super := *user
	super.Via = nil
	return user, &super
}

// TestFenceOfTwoUsers has root and the user whose state directory it is kill the
// user's containers by turns, and each wait for an exec of the other's.
func TestFenceOfTwoUsers(t *testing.T) {
	t.Parallel()
	for first := range 2 {
		t.Run([]string{"user", "root"}[first]+" first", func(t *testing.T) {
			t.Parallel()
			user, root := twoUsers(t)
			rigs := []*rig.Rig{user, root}
			before := user.New(rig.Spec{}).Run()
			rigs[first].Must("kill", "--wait", before.ID, "KILL") // makes the file
			before.Delete()
			for i := range 4 {
				killer, execer := rigs[(first+i)%2], rigs[(first+i/2)%2]
				c := user.New(rig.Spec{PIDs: rig.HostPIDs, Args: []string{"crowd", "4"}}).Run()
				c.Settled(4)
				user.Must("exec", c.ID, "true")
				root.Must("exec", c.ID, "true")
				x := hungExec(execer, c)
				res := killer.Run("kill", "--wait", "--timeout=700ms", c.ID, "KILL")
				// What the exec has started by then is not yet readable to the user.
				if res.Status != 124 || !strings.Contains(res.Stderr, "an exec that began before the kill") && !strings.Contains(res.Stderr, "(runc:[") {
					t.Errorf("round %d: want status 124 and the reason: %s", i, res)
				}
				if err := x.Process.Signal(unix.SIGCONT); err != nil {
					t.Error(err)
				}
				res = killer.Must("kill", "--wait", "--all", c.ID, "KILL")
				c.Stopped(res)
				t.Logf("round %d: the exec: %s", i, x.Wait())
				c.Gone(res)
				res = killer.Must("delete", "--force", "--wait", c.ID)
				c.Removed(res)
			}
		})
	}
}

// TestFenceLocksOut has a fence file that the user can't open: the user's execs
// fail, since no kill would wait for them, and the user's kill ends the container
// but claims nothing. Once root has come by, all is well.
func TestFenceLocksOut(t *testing.T) {
	t.Parallel()
	for _, signal := range []string{"KILL", "TERM"} {
		t.Run(signal, func(t *testing.T) {
			t.Parallel()
			user, root := twoUsers(t)
			c := user.New(rig.Spec{PIDs: rig.HostPIDs, Args: []string{"crowd", "4"}}).Run()
			c.Settled(4)
			user.Must("exec", c.ID, "true")
			file := fenceFileOf(user)
			if file == "" {
				t.Fatal("no fence file")
			}
			if err := os.Chown(file, 0, 0); err != nil {
				t.Fatal(err)
			}
			res := user.Run("exec", "-d", c.ID, "crowd", "2")
			if res.Status != 255 || !strings.Contains(res.Stderr, "exec fence") || !strings.Contains(res.Stderr, "permission denied") {
				t.Errorf("want status 255 and the reason: %s", res)
			}
			if n := len(c.Alive()); n != 4 {
				t.Errorf("%d processes, want 4: %s", n, res)
			}
			res = user.Run("kill", "--wait", c.ID, signal)
			if res.Status != 1 || !strings.Contains(res.Stderr, "cannot tell whether container "+c.ID+" has drained") || !strings.Contains(res.Stderr, "permission denied") {
				t.Errorf("want status 1, and what can't be told: %s", res)
			}
			user.Await("the container's end", func() bool { return len(c.Alive()) == 0 })
			root.Must("kill", "--wait", "--all", c.ID, "KILL")
			user.Must("kill", "--wait", "--all", c.ID, "KILL")
			c.Removed(user.Must("delete", "--force", "--wait", c.ID))
		})
	}
}

// TestWaitingExec has execs wait for the description of their process, from a
// FIFO or from standard input, that nobody writes: they are in no kill's way. What
// they then start finds the container's end.
func TestWaitingExec(t *testing.T) {
	t.Parallel()
	for _, source := range []string{"FIFO", "/dev/stdin"} {
		for _, e := range enders {
			t.Run(filepath.Base(source)+"/"+e.name, func(t *testing.T) {
				t.Parallel()
				r := rig.Open(t)
				c := r.New(rig.Spec{PIDs: rig.HostPIDs, Args: []string{"crowd", "4"}}).Run()
				c.Settled(4)
				x, goOn := waitingExec(r, c, source)
				args := append([]string{e.name, "--timeout=5s"}, e.args(c.ID)[1:]...)
				res := r.Run(args...)
				if res.Status != 0 {
					t.Errorf("the kill waited for an exec that has not begun: %s", res)
				}
				if returned(x) {
					t.Errorf("the exec did not wait: %s", x.Wait())
				}
				e.check(c, res)
				goOn()
				if late := x.Wait(); late.Status != 255 || !strings.Contains(late.Stderr, "cannot exec in a stopped container") && !strings.Contains(late.Stderr, "container does not exist") {
					t.Errorf("want status 255 and the reason: %s", late)
				}
				c.Gone(res)
			})
		}
	}
}

// waitingExec starts an exec that reads its process from source, in which there
// is nothing before goOn is called.
func waitingExec(r *rig.Rig, c *rig.Container, source string) (exec *rig.Running, goOn func()) {
	r.Helper()
	process, err := json.Marshal(map[string]any{
		"args": []string{"crowd", "2"}, "cwd": "/", "env": []string{"PATH=/bin", c.Token},
	})
	if err != nil {
		r.Fatal(err)
	}
	fifo := filepath.Join(r.TempDir(), "process.json")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		r.Fatal(err)
	}
	by, file := *r, fifo
	if source != "FIFO" {
		// Whoever opens a FIFO for both waits for nobody; the shell's end is
		// closed once there is another.
		keep, err := os.OpenFile(fifo, os.O_RDWR, 0)
		if err != nil {
			r.Fatal(err)
		}
		r.Cleanup(func() { keep.Close() })
		by.Via = []string{"sh", "-c", `exec "$@" <` + fifo, "sh"}
		file = source
		x := by.Start("exec", "-d", "-p", file, c.ID)
		r.Await("exec at its standard input", func() bool { return opened(r, x, fifo) > 1 })
		return x, func() {
			if _, err := keep.Write(process); err != nil {
				r.Error(err)
			}
			keep.Close()
		}
	}
	x := by.Start("exec", "-d", "-p", file, c.ID)
	// Where the compiler has put the one into the other it is fifo_open, as in 5.10.
	r.Await("exec at its FIFO", func() bool { return waitsIn(r, x, "wait_for_partner", "fifo_open") })
	return x, func() {
		if err := os.WriteFile(fifo, process, 0); err != nil {
			r.Error(err)
		}
	}
}

// waitsIn tells whether a thread of the command sleeps in one of the kernel's
// functions, or one with such a name as part of its own.
func waitsIn(r *rig.Rig, x *rig.Running, functions ...string) bool {
	r.Helper()
	if returned(x) {
		r.Fatalf("did not wait: %s", x.Wait())
	}
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/wchan", x.Process.Pid))
	for _, f := range files {
		wchan, _ := os.ReadFile(f)
		for _, function := range functions {
			if strings.Contains(string(wchan), function) && rig.Comm(x.Process.Pid) == "runc" {
				return true
			}
		}
	}
	return false
}

// opened counts the command's descriptors of a file.
func opened(r *rig.Rig, x *rig.Running, file string) (n int) {
	r.Helper()
	if returned(x) {
		r.Fatalf("did not wait: %s", x.Wait())
	}
	fds, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", x.Process.Pid))
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil && to == file {
			n++
		}
	}
	return n
}

// TestExecPatience has a kill wait for a process that does not end. Execs give up
// in time, each by itself; those into other containers are not held up.
func TestExecPatience(t *testing.T) {
	t.Parallel()
	for _, pids := range []string{rig.PrivatePIDs, rig.HostPIDs} {
		t.Run(pids, func(t *testing.T) {
			t.Parallel()
			r := rig.Open(t)
			c := r.New(rig.Spec{Args: []string{"crowd", "2"}, PIDs: pids})
			c.Run().Settled(2)
			other := r.New(rig.Spec{}).Run()
			tracer := r.Spawn("tracer", fmt.Sprint(c.Pid()), "exit") // for 25 s
			tracer.Says("attached")
			kill := r.Start("kill", "--wait", "--timeout=24s", c.ID, "KILL")
			r.Await("init stopped on its way out", func() bool { return rig.State(c.Pid()) == "t" })
			r.Await("the fence closed", func() bool { return shut(r) })
			x := r.Start("exec", c.ID, "true")
			r.Await("exec at the gate", func() bool { return atGate(r) == 1 || returned(x) })
			interrupted := r.Start("exec", c.ID, "true")
			r.Await("two execs at the gate", func() bool { return atGate(r) == 2 || returned(interrupted) })
			r.Must("exec", other.ID, "true")
			if err := interrupted.Process.Signal(unix.SIGTERM); err != nil {
				t.Error(err)
			}
			if res := interrupted.Wait(); res.Status == 0 || returned(x) {
				t.Errorf("want an end by SIGTERM before the other's: %s", res)
			}
			res := x.Wait()
			if returned(kill) {
				t.Errorf("the exec waited for as long as the kill: %s\nthe exec: %s", kill.Wait(), res)
			}
			if res.Status != 255 || res.Took < 9*time.Second || !strings.Contains(res.Stderr, "is ending the container, and has not finished within 10s") {
				t.Errorf("want status 255 after 10s, and the reason: %s", res)
			}
			tracer.End()
			if res := kill.Wait(); res.Status != 0 {
				t.Error(res)
			}
			other.Delete()
			c.Delete()
		})
	}
}

// TestNamesOfFiles has containers named like the files beside their state
// directories: the fence's is no name of a container.
func TestNamesOfFiles(t *testing.T) {
	t.Parallel()
	for _, id := range []string{".exec-fence", ".exec-fence.", "+exec-fence"} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			r := rig.Open(t)
			c := r.New(rig.Spec{Args: []string{"crowd", "6"}, PIDs: rig.HostPIDs})
			c.ID = id
			running(c)
			r.Must("exec", "-d", id, "crowd", "2")
			c.Kill("--all")
			c.Delete()
			other := r.New(rig.Spec{}).Run() // with the file there
			running(c)
			c.Delete()
			other.Delete()
		})
	}
	for _, id := range []string{".exec-fence@", "@", "exec-fence@"} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			r := rig.Open(t)
			c := r.New(rig.Spec{Args: []string{"crowd", "6"}})
			running(c)
			r.Must("exec", c.ID, "true")
			for _, args := range [][]string{
				{"create", "-b", c.Bundle, id},
				{"run", "-b", c.Bundle, id},
				{"state", id},
				{"exec", id, "true"},
				{"kill", "--wait", id, "KILL"},
				{"delete", "--wait", id},
				{"delete", "--force", id},
				{"delete", "--force", "--wait", id},
			} {
				if res := r.Run(args...); res.Status == 0 || !strings.Contains(res.Stderr, "invalid container ID format") {
					t.Errorf("want an invalid ID: %s", res)
				}
			}
			if fenceFileOf(r) == "" {
				t.Error("the fence's file is gone")
			}
			c.Kill()
			c.Delete()
		})
	}
}
