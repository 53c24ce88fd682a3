package guarantee

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"runcsync/libcontainer/synckill"
	"runcsync/tests/guarantee/rig"
)

// TestForkBomb ends a container of which every process goes on forking, by
// cgroup.kill where there is one and one by one where there is none.
func TestForkBomb(t *testing.T) {
	for _, pids := range []string{rig.PrivatePIDs, rig.HostPIDs} {
		for _, e := range endings {
			for _, oneByOne := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/oneByOne=%t", pids, e.name, oneByOne), func(t *testing.T) {
					r := rig.Open(t)
					c := r.New(rig.Spec{Args: []string{"bomb"}, PIDs: pids, Limit: 200, UID: uint32(700000 + r.Serial()), Edit: atMost(200)}).RunUnder("reap")
					c.AwaitProcesses(150)
					if oneByOne {
						file := c.KillFile()
						if file == "" {
							t.Skip("there is no cgroup.kill anyway")
						}
						cover(r, file, "/dev/zero")
					}
					e.end(c)
				})
			}
		}
	}
}

// atMost limits the processes of the container's user, since the v2 view has no
// pids controller.
func atMost(n uint64) func(*specs.Spec) {
	return func(s *specs.Spec) {
		s.Process.Rlimits = []specs.POSIXRlimit{{Type: "RLIMIT_NPROC", Soft: n, Hard: n}}
	}
}

// TestForkChain waits for, then ends, what a container without its init left
// behind: a process that lives only until its child does. Never mind how it is
// looked at, each single process is gone by then.
func TestForkChain(t *testing.T) {
	for _, e := range endings {
		t.Run(e.name, func(t *testing.T) {
			r := rig.Open(t)
			c := r.New(rig.Spec{Args: []string{"chain", "1"}, PIDs: rig.HostPIDs, Limit: 20, UID: uint32(700000 + r.Serial()), Edit: atMost(20)}).RunUnder("reap")
			c.AwaitProcesses(2)
			endInit(r, c)
			for _, signal := range []string{"0", "CONT", "0", "CONT", "0", "CONT"} {
				if res := r.Run("kill", "--wait", "--timeout=300ms", c.ID, signal); res.Status != 124 {
					t.Errorf("want status 124: %s", res)
				}
			}
			e.end(c)
		})
	}
}

// cover hides a file of the container's cgroup under another one, read-only,
// in this view's mount namespace.
func cover(r *rig.Rig, file, by string) (uncover func()) {
	r.Helper()
	if err := unix.Mount(by, file, "", unix.MS_BIND, ""); err != nil {
		r.Fatalf("cover %s: %v", file, err)
	}
	uncover = func() { _ = unix.Unmount(file, unix.MNT_DETACH) }
	r.Cleanup(uncover)
	if err := unix.Mount("", file, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY|unix.MS_NODEV, ""); err != nil {
		r.Fatalf("make %s read-only: %v", file, err)
	}
	return uncover
}

// TestTraced ends processes that somebody outside traces and does not reap.
func TestTraced(t *testing.T) {
	t.Parallel()
	for _, e := range endings {
		t.Run("init/"+e.name, func(t *testing.T) {
			t.Parallel()
			r := rig.Open(t)
			c := r.New(rig.Spec{Args: []string{"crowd", "6"}})
			running(c)
			r.Spawn("tracer", fmt.Sprint(c.Pid())).Says("attached")
			e.end(c)
		})
		t.Run("process/"+e.name, func(t *testing.T) {
			t.Parallel()
			r := rig.Open(t)
			c := r.New(rig.Spec{Args: []string{"crowd", "6"}, PIDs: rig.HostPIDs})
			running(c)
			r.Spawn("tracer", fmt.Sprint(others(c)[1].Pid)).Says("attached")
			e.end(c)
		})
		t.Run("thread/"+e.name, func(t *testing.T) {
			t.Parallel()
			r := rig.Open(t)
			c := r.New(rig.Spec{Args: []string{"threads", "4"}, PIDs: rig.HostPIDs}).Run()
			awaitThreads(r, c.Pid(), 5)
			r.Spawn("tracer", threads(c.Pid())[2]).Says("attached")
			e.end(c)
		})
	}
}

// TestTracedInNamespace has a process, or a thread of init, traced whose PID
// namespace can't end before its tracer has reaped it: the wait ends in time
// and says who is left.
func TestTracedInNamespace(t *testing.T) {
	t.Parallel()
	traced := map[string]func(r *rig.Rig, c *rig.Container) string{
		"crowd": func(_ *rig.Rig, c *rig.Container) string {
			c.Settled(6)
			return fmt.Sprint(others(c)[1].Pid)
		},
		"threads": func(r *rig.Rig, c *rig.Container) string {
			awaitThreads(r, c.Pid(), 7)
			return threads(c.Pid())[2]
		},
	}
	for program, pick := range traced {
		t.Run(program, func(t *testing.T) {
			t.Parallel()
			r := rig.Open(t)
			c := r.New(rig.Spec{Args: []string{program, "6"}}).Run()
			tracer := r.Spawn("tracer", pick(r, c))
			tracer.Says("attached")
			switch res := r.Run("kill", "--wait", "--timeout=700ms", c.ID, "KILL"); {
			case res.Status == 0 && program == "threads": // the last thread to end was the traced one
				c.Gone(res)
			case res.Status != 124 || !strings.Contains(res.Stderr, fmt.Sprintf("pid %d (", c.Pid())):
				t.Errorf("want status 124 and init named: %s", res)
			}
			tracer.End()
			c.Delete()
		})
	}
}

// TestTracedToExit has a process stopped by its tracer on its way out.
func TestTracedToExit(t *testing.T) {
	t.Parallel()
	for _, pids := range []string{rig.PrivatePIDs, rig.HostPIDs} {
		t.Run(pids, func(t *testing.T) {
			t.Parallel()
			r := rig.Open(t)
			c := r.New(rig.Spec{Args: []string{"crowd", "6"}, PIDs: pids})
			running(c)
			stopped := others(c)[1].Pid
			tracer := r.Spawn("tracer", fmt.Sprint(stopped), "exit")
			tracer.Says("attached")
			timesOut(r, c, fmt.Sprintf("pid %d (crowd) state t", stopped))
			tracer.End()
			c.Delete()
		})
	}
}

// timesOut kills the container, which must not succeed, and reads the report.
func timesOut(r *rig.Rig, c *rig.Container, want ...string) rig.Result {
	r.Helper()
	res := r.Run("kill", "--wait", "--timeout=700ms", "--format=json", c.ID, "KILL")
	if res.Status != 124 || res.Took < 700*time.Millisecond || res.Took > 5*time.Second {
		r.Errorf("want status 124 after 700ms: %s", res)
	}
	for _, w := range append(want, "timed out after") {
		if !strings.Contains(res.Stderr, w) {
			r.Errorf("want %q in the error: %s", w, res)
		}
	}
	return res
}

// TestFrozenAbove has a cgroup above the container's frozen. On v1 that holds
// SIGKILL back and is not ours to thaw.
func TestFrozenAbove(t *testing.T) {
	t.Parallel()
	for _, pids := range []string{rig.PrivatePIDs, rig.HostPIDs} {
		t.Run("v1 freezer/"+pids, func(t *testing.T) {
			t.Parallel()
			r := rig.Open(t)
			c := r.New(rig.Spec{Args: []string{"crowd", "6"}, PIDs: pids, Nested: true})
			running(c)
			state := filepath.Join(c.Above(r.Hierarchy("freezer")), "freezer.state")
			r.Write(state, "FROZEN")
			r.Await("frozen", func() bool {
				text, _ := os.ReadFile(state)
				return string(text) == "FROZEN\n"
			})
			timesOut(r, c, "a freezer cgroup above", "is frozen", fmt.Sprintf("pid %d (crowd)", c.Pid()))
			if res := r.Run("delete", "--force", "--wait", "--timeout=300ms", c.ID); res.Status != 124 {
				t.Errorf("want status 124: %s", res)
			}
			r.Write(state, "THAWED")
			// The signal of the first try acts now, maybe before the second.
			c.Kill("--all")
			c.Delete()
		})
		for _, e := range endings {
			t.Run("v2/"+pids+"/"+e.name, func(t *testing.T) {
				t.Parallel()
				r := rig.Open(t)
				c := r.New(rig.Spec{Args: []string{"crowd", "6"}, PIDs: pids, Nested: true})
				running(c)
				r.Write(filepath.Join(c.Above(r.Hierarchy("")), "cgroup.freeze"), "1")
				e.end(c)
			})
		}
	}
}

// hanging runs a container of six processes, and a seventh that hangs in a file
// system whose server does not answer: it can't end before the server does.
func hanging(r *rig.Rig, s rig.Spec) (c *rig.Container, pid int, server *rig.Program) {
	r.Helper()
	if _, err := os.Stat("/dev/fuse"); err != nil {
		r.Skip("no /dev/fuse:", err)
	}
	dir := r.TempDir()
	server = r.Spawn("hung", dir)
	r.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	server.Says("mounted")
	s.Args = []string{"crowd", "6"}
	s.Edit = func(s *specs.Spec) {
		s.Mounts = append(s.Mounts, specs.Mount{Destination: "/mnt", Source: dir, Type: "bind", Options: []string{"bind"}})
	}
	c = r.New(s)
	running(c)
	pid = c.Exec("cat", "/mnt/file")
	server.Says("lookup")
	return c, pid, server
}

// TestLimitPutBack has processes survive a kill one by one, for whose time they
// may not fork, by a time-out and by a signal to runc.
func TestLimitPutBack(t *testing.T) {
	t.Parallel()
	r := rig.Open(t)
	c := r.New(rig.Spec{Args: []string{"crowd", "6"}, PIDs: rig.HostPIDs, Nested: true, Limit: 77})
	limit := filepath.Join(c.Dir(r.Hierarchy("pids")), "pids.max")
	read := func() string {
		text, _ := os.ReadFile(limit)
		return strings.TrimSpace(string(text))
	}
	running(c)
	state := filepath.Join(c.Above(r.Hierarchy("freezer")), "freezer.state")
	r.Write(state, "FROZEN")
	run := r.Start("kill", "--wait", c.ID, "KILL")
	r.Await("pids.max 0", func() bool { return read() == "0" })
	if err := run.Process.Signal(unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if res := run.Wait(); res.Status != 1 || read() != "77" {
		t.Errorf("pids.max %s, want 77, after %s", read(), res)
	}
	timesOut(r, c)
	if read() != "77" {
		t.Errorf("pids.max %s after a time-out, want 77", read())
	}
	r.Write(state, "THAWED")
	c.Kill("--all")
}

// TestUninterruptible has a process in an uninterruptible sleep.
func TestUninterruptible(t *testing.T) {
	t.Parallel()
	for _, pids := range []string{rig.PrivatePIDs, rig.HostPIDs} {
		t.Run(pids, func(t *testing.T) {
			t.Parallel()
			r := rig.Open(t)
			c, pid, server := hanging(r, rig.Spec{PIDs: pids})
			res := timesOut(r, c, fmt.Sprintf("pid %d (cat) state D in ", pid), " cgroup "+c.Cgroup)
			named := false
			for _, s := range parse(t, res).Survivors {
				named = named || s.Pid == pid && s.Comm == "cat" && s.State == "D" && s.Wchan != "" && s.Cgroup == c.Cgroup
			}
			if !named {
				t.Errorf("want %d, cat, D, where it sleeps and its cgroup in the report: %s", pid, res)
			}
			if res := r.Run("delete", "--force", "--wait", "--timeout=300ms", c.ID); res.Status != 124 {
				t.Errorf("want status 124: %s", res)
			}
			server.End()
			c.Kill("--all")
			c.Delete()
		})
	}
}

// TestFreezing freezes a container of which one process can't be frozen, itself
// or a cgroup above it. Its v1 freezer then never settles, and libcontainer waits
// for just that when it loads a container.
func TestFreezing(t *testing.T) {
	t.Parallel()
	for _, pids := range []string{rig.PrivatePIDs, rig.HostPIDs} {
		for _, above := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/above=%t", pids, above), func(t *testing.T) {
				t.Parallel()
				r := rig.Open(t)
				freezer := r.Hierarchy("freezer")
				c, pid, server := hanging(r, rig.Spec{PIDs: pids, Nested: true, Annotations: map[string]string{synckill.WaitAnnotation: "300ms"}})
				at := c.Dir(freezer)
				if above {
					at = c.Above(freezer)
				}
				keepFreezing(r, c, pid, at)
				for _, args := range [][]string{
					{"delete", "--wait", "--timeout=300ms", c.ID},
					{"kill", "--wait", "--timeout=300ms", c.ID, "TERM"},
				} {
					if res := r.Run(args...); res.Status != 124 || res.Took > 5*time.Second {
						t.Errorf("want status 124 after 300ms: %s", res)
					}
				}
				if !above {
					timesOut(r, c, fmt.Sprintf("pid %d (cat) state D", pid))
					if left := others(c); pids == rig.HostPIDs && (len(left) != 1 || left[0].Pid != pid) {
						t.Errorf("alive: %v, want %d alone", left, pid)
					}
				} else {
					timesOut(r, c, fmt.Sprintf("pid %d (cat) state D", pid), "a freezer cgroup above", "is frozen")
				}
				for _, args := range [][]string{
					{"kill", c.ID, "KILL"}, // annotated
					{"--kill-wait=300ms", "kill", c.ID, "KILL"},
					{"delete", "--force", "--wait", "--timeout=300ms", c.ID},
				} {
					if res := r.Run(args...); res.Status != 124 || res.Took > 5*time.Second {
						t.Errorf("want status 124 after 300ms: %s", res)
					}
				}
				r.Write(filepath.Join(at, "freezer.state"), "THAWED")
				server.End()
				c.Kill("--all")
				c.Delete()
			})
		}
	}
}

// keepFreezing freezes a cgroup at or above the container's, which does not come
// to an end, since the process hangs.
func keepFreezing(r *rig.Rig, c *rig.Container, pid int, at string) {
	r.Helper()
	if err := unix.Kill(pid, unix.SIGKILL); err != nil { // it waits for its answer from now on, come what may
		r.Fatal(err)
	}
	awaitState(r, pid, "D")
	r.Write(filepath.Join(at, "freezer.state"), "FROZEN")
	if text, _ := os.ReadFile(filepath.Join(c.Dir(r.Hierarchy("freezer")), "freezer.state")); string(text) != "FREEZING\n" {
		r.Fatalf("freezer.state %q: the test shows nothing", text)
	}
}

// TestFreezingPlainDelete has upstream's "delete --force" not wait for a freezer
// either that never settles.
func TestFreezingPlainDelete(t *testing.T) {
	t.Parallel()
	r := rig.Open(t)
	freezer := r.Hierarchy("freezer")
	c, pid, server := hanging(r, rig.Spec{PIDs: rig.HostPIDs})
	keepFreezing(r, c, pid, c.Dir(freezer))
	run := r.Start("delete", "--force", c.ID)
	r.Await("the end of all but one", func() bool {
		left := c.Alive()
		return len(left) == 1 && left[0].Pid == pid
	})
	server.End()
	res := run.Wait()
	if res.Status != 0 {
		t.Error(res)
	}
	c.Removed(res)
}

// TestSlowHook has a poststop hook outlast the time that the delete was given.
func TestSlowHook(t *testing.T) {
	t.Parallel()
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	for _, sig := range []unix.Signal{0, unix.SIGTERM} {
		t.Run(fmt.Sprintf("signal=%d", sig), func(t *testing.T) {
			t.Parallel()
			r := rig.Open(t)
			c := r.New(rig.Spec{Args: []string{"crowd", "6"}, Edit: func(s *specs.Spec) {
				s.Hooks = &specs.Hooks{Poststop: []specs.Hook{{Path: sleep, Args: []string{"sleep", "20"}}}}
			}})
			running(c)
			timeout, want := "--timeout=700ms", "removing the container, whose processes have ended, has not finished"
			if sig != 0 {
				timeout, want = "--timeout=30s", "stopped waiting"
			}
			run := r.Start("delete", "--force", "--wait", timeout, "--format=json", c.ID)
			if sig != 0 {
				r.Await("removal of the state", func() bool { _, err := os.Stat(c.StateDir()); return err != nil })
				if err := run.Process.Signal(sig); err != nil {
					t.Fatal(err)
				}
			}
			res := run.Wait()
			if status := map[bool]int{true: 124, false: 1}[sig == 0]; res.Status != status || res.Took > 10*time.Second || !strings.Contains(res.Stderr, want) {
				t.Errorf("want status %d and %q, before the hook has ended: %s", status, want, res)
			}
			if rep := parse(t, res); !rep.Drained {
				t.Errorf("want drained: %s", res)
			}
			c.Removed(res)
			r.Must("delete", "--force", "--wait", c.ID)
		})
	}
}

// TestCoveredFiles hides single files of the container's cgroup. What can't be
// read can't be claimed; what can't be written is done without.
func TestCoveredFiles(t *testing.T) {
	t.Parallel()
	unreadable := fmt.Sprintf("/proc/%d/mem", os.Getpid()) // EIO at offset 0
	cases := []struct {
		file, by   string
		controller string // "" is v2
		works      bool
	}{
		{file: "cgroup.kill", by: "/dev/zero", works: true},
		{file: "cgroup.events", by: unreadable},
		{file: "cgroup.events", by: "/etc/passwd"},
		{file: "cgroup.procs", by: unreadable},
		{file: "cgroup.procs", by: unreadable, controller: "pids"},
		{file: "cgroup.procs", by: unreadable, controller: "freezer"},
		{file: "pids.max", by: unreadable, controller: "pids", works: true},
		{file: "freezer.state", by: unreadable, controller: "freezer"},
		{file: "freezer.self_freezing", by: unreadable, controller: "freezer"},
	}
	for _, tt := range cases {
		for _, pids := range []string{rig.PrivatePIDs, rig.HostPIDs} {
			t.Run(strings.Join([]string{tt.controller, tt.file, filepath.Base(tt.by), pids}, "/"), func(t *testing.T) {
				t.Parallel()
				r := rig.Open(t)
				c := r.New(rig.Spec{Args: []string{"crowd", "6"}, PIDs: pids})
				running(c)
				uncover := cover(r, filepath.Join(c.Dir(r.Hierarchy(tt.controller)), tt.file), tt.by)
				if tt.works {
					c.Kill()
				} else {
					for _, args := range [][]string{{"kill", "--wait", "--timeout=1s", c.ID, "KILL"}, {"delete", "--force", "--wait", "--timeout=1s", c.ID}} {
						// With its init a PID namespace ends, so there the second may
						// succeed. What is of the freezer's matters to the paused alone.
						// Once all are dead the v2 list has no say: cgroup.events has.
						must := pids == rig.HostPIDs && tt.controller != "freezer" && (tt.file != "cgroup.procs" || tt.controller != "") || tt.file == "cgroup.procs" && args[0] == "kill"
						switch res := r.Run(args...); {
						case res.Status == 0 && must:
							t.Errorf("want an error, emptiness can't be read: %s", res)
						case res.Status == 0:
							c.Gone(res)
						case res.Stderr == "":
							t.Errorf("want an error: %s", res)
						}
					}
				}
				uncover()
				c.Delete()
			})
		}
	}
}

// TestReadOnlyCgroups gives runc a read-only view of all cgroups.
func TestReadOnlyCgroups(t *testing.T) {
	t.Parallel()
	for _, pids := range []string{rig.PrivatePIDs, rig.HostPIDs} {
		for _, paused := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/paused=%t", pids, paused), func(t *testing.T) {
				t.Parallel()
				r := rig.Open(t)
				c := r.New(rig.Spec{Args: []string{"crowd", "6"}, PIDs: pids})
				running(c)
				if paused {
					c.Pause()
				}
				script := ""
				for _, h := range r.Hierarchies() {
					script += "mount -o remount,bind,ro " + h.Mount + " && "
				}
				r.Via = []string{"unshare", "-m", "sh", "-c", script + `exec "$@"`, "sh"}
				c.Alive()
				res := r.Run("kill", "--wait", "--timeout=1s", c.ID, "KILL")
				switch {
				case res.Status == 0:
					c.Gone(res)
				case !paused || res.Stderr == "":
					t.Errorf("want status 0, or an error if paused: %s", res)
				}
				if res := r.Run("delete", "--force", "--wait", "--timeout=1s", c.ID); res.Status == 0 {
					t.Errorf("the cgroups can't be removed, want an error: %s", res)
				}
				r.Via = nil
				c.Delete()
			})
		}
	}
}

// TestHiddenProc hides the container's processes in /proc from runc.
func TestHiddenProc(t *testing.T) {
	t.Parallel()
	for _, pids := range []string{rig.PrivatePIDs, rig.HostPIDs} {
		for _, e := range endings {
			t.Run(pids+"/"+e.name, func(t *testing.T) {
				t.Parallel()
				r := rig.Open(t)
				c := r.New(rig.Spec{Args: []string{"crowd", "6"}, PIDs: pids})
				running(c)
				c.Alive()
				// Without CAP_SYS_PTRACE, which the container's processes have.
				r.Via = []string{
					"unshare", "-m", "setpriv", "--bounding-set=-sys_ptrace", "sh", "-c",
					fmt.Sprintf(`mount -t proc -o hidepid=2,gid=54321 proc /proc && test ! -e /proc/%d || exit 99; exec "$@"`, c.Pid()), "sh",
				}
				args := map[string][]string{"kill": {"kill", "--wait", c.ID, "KILL"}, "delete": {"delete", "--force", "--wait", c.ID}}[e.name]
				switch res := r.Run(args...); {
				case res.Status == 0:
					c.Gone(res)
				case res.Status == 99 || res.Stderr == "":
					t.Error(res)
				default:
					t.Log(res)
				}
				r.Via = nil
				r.Run("delete", "--force", "--wait", c.ID)
			})
		}
	}
}

// TestNeverReaped has the parent of all zombies never wait for any.
func TestNeverReaped(t *testing.T) {
	t.Parallel()
	for _, pids := range []string{rig.PrivatePIDs, rig.HostPIDs} {
		for _, e := range endings {
			t.Run(pids+"/"+e.name, func(t *testing.T) {
				t.Parallel()
				r := rig.Open(t)
				c := r.New(rig.Spec{Args: []string{"crowd", "6"}, PIDs: pids})
				c.RunUnder("hoard")
				c.AwaitProcesses(6)
				init := c.Pid()
				e.end(c)
				if s := rig.State(init); s != "Z" {
					t.Errorf("init is in state %q, not an unreaped zombie: the test shows nothing", s)
				}
			})
		}
	}
}

// TestRuncInside has runc itself, or one of its ancestors, in the container's
// cgroup: nobody may be signalled.
func TestRuncInside(t *testing.T) {
	t.Parallel()
	for _, who := range []string{"itself", "its parent"} {
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			r := rig.Open(t)
			c := r.New(rig.Spec{Args: []string{"crowd", "6"}, PIDs: rig.HostPIDs})
			before := running(c)
			for _, h := range r.Hierarchies() {
				if h.Controllers != nil && h.Controllers[len(h.Controllers)-1] == "cpuset" {
					continue // an empty one takes no process
				}
				join := "echo $$ >" + c.Dir(h) + "/cgroup.procs && "
				r.Via = []string{"sh", "-c", join + `exec "$@"`, "sh"}
				if who == "its parent" {
					r.Via = []string{"sh", "-c", join + `sh -c 'echo $$ >` + h.Mount + `/cgroup.procs && exec "$@"' sh "$@"; exit $?`, "sh"}
				}
				for _, args := range [][]string{{"kill", "--wait", c.ID, "KILL"}, {"kill", "--wait", c.ID, "TERM"}, {"delete", "--force", "--wait", c.ID}} {
					res := r.Run(args...)
					if res.Status != 1 || !strings.Contains(res.Stderr, "refusing to signal cgroup "+c.Dir(h)) {
						t.Errorf("want a refusal: %s", res)
					}
					if n := len(c.Alive()); n != len(before) {
						t.Errorf("%d alive, want %d: %s", n, len(before), res)
					}
				}
			}
			r.Via = nil
			c.Delete()
		})
	}
}

// TestRootCgroup has a state file that names the root of the hierarchy as the
// container's cgroup.
func TestRootCgroup(t *testing.T) {
	t.Parallel()
	r := rig.Open(t)
	r.Only("the namespace is made with cgroup v2 alone", rig.V2)
	h := r.Hierarchy("")
	outer := r.New(rig.Spec{Args: []string{"crowd", "3"}, PIDs: rig.HostPIDs}).Run()
	outer.Settled(3)
	c := r.New(rig.Spec{Args: []string{"crowd", "6"}, PIDs: rig.HostPIDs})
	running(c)
	file := filepath.Join(c.StateDir(), "state.json")
	state, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(file, []byte(strings.ReplaceAll(string(state), `"`+c.Dir(h)+`"`, `"`+h.Mount+`"`)), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	// The root is that of a cgroup namespace: should the refusal fail, no more
	// than the outer container is killed.
	r.Via = []string{"sh", "-c", "echo $$ >" + outer.Dir(h) + `/cgroup.procs && exec unshare -mC sh -c 'umount -l /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && exec "$@"' sh "$@"`, "sh"}
	for _, args := range [][]string{{"kill", "--wait", c.ID, "KILL"}, {"delete", "--force", "--wait", c.ID}, {"delete", "--force", c.ID}} {
		if res := r.Run(args...); res.Status != 1 || !strings.Contains(res.Stderr, "root of its hierarchy") {
			t.Errorf("want a refusal: %s", res)
		}
		if inner, outer := len(c.Alive()), len(outer.Alive()); inner != 6 || outer != 3 {
			t.Fatalf("%d alive, want 6; %d alive of another container, want 3", inner, outer)
		}
	}
}

// TestInterrupted ends the wait by a signal to runc.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	for _, sig := range []unix.Signal{unix.SIGINT, unix.SIGTERM} {
		for _, pids := range []string{rig.PrivatePIDs, rig.HostPIDs} {
			t.Run(fmt.Sprintf("%d/%s", sig, pids), func(t *testing.T) {
				t.Parallel()
				r := rig.Open(t)
				c := r.New(rig.Spec{Args: []string{"crowd", "6", "ignore"}, PIDs: pids})
				running(c)
				for range 5 {
					run := r.Start("kill", "--wait", c.ID, "TERM")
					r.Await("runc waiting", func() bool { return inPoll(run.Process.Pid) })
					began := time.Now()
					if err := run.Process.Signal(sig); err != nil {
						t.Fatal(err)
					}
					// And again, as timeout(1) does: it is to say what it did.
					go func() {
						for run.Process.Signal(sig) == nil && time.Since(began) < 2*time.Second {
						}
					}()
					res := run.Wait()
					if took := time.Since(began); took > 2*time.Second {
						t.Errorf("went on for %s: %s", took, res)
					}
					if res.Status != 1 || !strings.Contains(res.Stderr, "stopped waiting") {
						t.Errorf("want status 1, stopped waiting: %s", res)
					}
				}
				if n := len(c.Alive()); n != 6 {
					t.Errorf("%d alive, want 6", n)
				}
				c.Delete()
			})
		}
	}
}

// TestStoppedExec stops a runc exec between the fence and the cgroup.
func TestStoppedExec(t *testing.T) {
	t.Parallel()
	for _, e := range endings {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			r := rig.Open(t)
			c := r.New(rig.Spec{Args: []string{"crowd", "6"}, PIDs: rig.HostPIDs})
			running(c)
			exec := stoppedExec(r, c)
			res := r.Run("kill", "--wait", "--timeout=1s", c.ID, "KILL")
			if res.Status != 124 || !strings.Contains(res.Stderr, "an exec that began before the kill") {
				t.Errorf("want status 124 and the exec named: %s", res)
			}
			again := r.Start(map[string][]string{"kill": {"kill", "--all", "--wait", c.ID, "KILL"}, "delete": {"delete", "--force", "--wait", c.ID}}[e.name]...)
			if err := exec.Process.Signal(unix.SIGCONT); err != nil {
				t.Fatal(err)
			}
			res = again.Wait()
			c.Gone(res)
			if res.Status != 0 {
				t.Error(res)
			}
			exec.Wait()
			if left := c.Remains(); len(left) > 0 {
				t.Errorf("the exec put %v into the container after it was gone", left)
			}
		})
	}
}

// stoppedExec starts execs until one could be stopped inside the fence.
func stoppedExec(r *rig.Rig, c *rig.Container) *rig.Running {
	r.Helper()
	for range 100 {
		exec := r.Start("exec", "-d", c.ID, "crowd", "3")
		for ended := false; !ended; {
			select {
			case <-exec.Done():
				ended = true
			default:
				if !inFence(exec.Process.Pid) {
					continue
				}
				_ = exec.Process.Signal(unix.SIGSTOP)
				r.Await("exec stopped", func() bool { s := rig.State(exec.Process.Pid); return s == "T" || s == "Z" || s == "" })
				if inFence(exec.Process.Pid) {
					return exec
				}
				_ = exec.Process.Signal(unix.SIGCONT)
			}
		}
	}
	r.Fatal("no exec could be stopped inside the fence")
	return nil
}

// inFence tells whether a process holds a lock on the room of the exec fence.
func inFence(pid int) bool {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fdinfo/*", pid))
	for _, f := range files {
		text, _ := os.ReadFile(f)
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "lock:") && strings.Contains(line, "OFDLCK") && strings.Contains(line, "READ") {
				return true
			}
		}
	}
	return false
}
