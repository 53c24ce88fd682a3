package guarantee

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"runcsync/tests/guarantee/rig"
)

// TestContainer ends containers of every state and kind.
func TestContainer(t *testing.T) {
	t.Parallel()
	play(t, []scene{
		{name: "created", arrange: func(_ *rig.Rig, c *rig.Container) { c.Create() }},
		{name: "running", arrange: func(_ *rig.Rig, c *rig.Container) { running(c) }},
		{name: "paused", arrange: func(_ *rig.Rig, c *rig.Container) {
			running(c)
			c.Pause()
		}},
		{name: "leftovers of a stopped one", only: rig.HostPIDs, arrange: func(r *rig.Rig, c *rig.Container) {
			running(c)
			endInit(r, c)
		}},
		{name: "leftovers of a paused one", only: rig.HostPIDs, arrange: func(r *rig.Rig, c *rig.Container) {
			running(c)
			endInit(r, c)
			for _, h := range some(r, "freezer") {
				r.Write(c.Dir(h)+"/freezer.state", "FROZEN")
			}
			for _, h := range some(r, "") {
				r.Write(c.Dir(h)+"/cgroup.freeze", "1")
			}
		}},
		{name: "init moved to another cgroup", arrange: func(r *rig.Rig, c *rig.Container) {
			running(c)
			leave(r, c.Pid())
		}},
		{name: "init alone, moved to another cgroup", spec: rig.Spec{Args: []string{"crowd", "1"}}, arrange: func(r *rig.Rig, c *rig.Container) {
			c.Run()
			leave(r, c.Pid())
		}},
		{name: "init's leader thread dead", spec: rig.Spec{Args: []string{"threads", "3", "leave"}}, arrange: func(r *rig.Rig, c *rig.Container) {
			c.Run()
			awaitState(r, c.Pid(), "Z")
		}},
		{name: "another leader thread dead", arrange: func(r *rig.Rig, c *rig.Container) {
			running(c)
			awaitState(r, c.Exec("threads", "3", "leave"), "Z")
		}},
		{name: "exec", arrange: func(_ *rig.Rig, c *rig.Container) {
			running(c)
			c.Exec("crowd", "3")
			c.Exec("crowd", "3")
			c.AwaitProcesses(12)
		}},
		{name: "exec in sub-cgroup", arrange: func(r *rig.Rig, c *rig.Container) {
			running(c)
			for _, h := range some(r, "", "pids") {
				c.Sub(h, "sub")
			}
			sub := "pids:sub"
			if r.View == rig.V2 {
				sub = "sub"
			}
			c.Exec("--cgroup", sub, "crowd", "6")
			c.AwaitProcesses(12)
		}},
		{name: "nested container", arrange: func(r *rig.Rig, c *rig.Container) { nested(r, c) }},
		{name: "nested container, paused", arrange: func(r *rig.Rig, c *rig.Container) {
			nested(r, c)
			freeze(r, c, "inner")
		}},
		{name: "nested container, both paused", arrange: func(r *rig.Rig, c *rig.Container) {
			nested(r, c)
			freeze(r, c, "inner")
			freeze(r, c, "")
		}},
		{name: "stopped by signal", arrange: func(r *rig.Rig, c *rig.Container) {
			for _, p := range running(c) {
				if err := unix.Kill(p.Pid, unix.SIGSTOP); err != nil {
					r.Fatal(err)
				}
				awaitState(r, p.Pid, "T")
			}
		}},
	})
}

// TestLeaderlessInit has an init that goes on without its first thread, outside
// of the container's cgroups: libcontainer takes it for a zombie. Without --force
// it is not deleted, or nothing would ever find it.
func TestLeaderlessInit(t *testing.T) {
	t.Parallel()
	for _, pids := range []string{rig.PrivatePIDs, rig.HostPIDs} {
		for _, flags := range [][]string{{"delete"}, {"delete", "--wait"}} {
			t.Run(pids+"/"+strings.Join(flags, " "), func(t *testing.T) {
				t.Parallel()
				r := rig.Open(t)
				c := r.New(rig.Spec{Args: []string{"threads", "3", "leave"}, PIDs: pids}).Run()
				awaitState(r, c.Pid(), "Z")
				leave(r, c.Pid())
				res := r.Run(append(flags, c.ID)...)
				if res.Status != 1 || !strings.Contains(res.Stderr, "that is not stopped: running") {
					t.Errorf("want a refusal: %s", res)
				}
				if n := len(c.Alive()); n != 1 {
					t.Errorf("%d processes alive, want init: %s", n, res)
				}
				c.Removed(r.Must("delete", "--force", "--wait", c.ID))
			})
		}
	}
}

// TestDeadLeaders has more processes whose leader thread is dead than are held
// by pidfd. cgroup.kill sends its signal to the dead thread.
func TestDeadLeaders(t *testing.T) {
	t.Parallel()
	const n = 200
	for _, pids := range []string{rig.PrivatePIDs, rig.HostPIDs} {
		for _, e := range enders {
			t.Run(pids+"/"+e.name, func(t *testing.T) {
				t.Parallel()
				r := rig.Open(t)
				script := fmt.Sprintf("for i in $(seq %d); do threads 1 leave & done; wait", n)
				c := r.New(rig.Spec{Args: []string{"sh", "-c", script}, PIDs: pids}).Run()
				r.Await("dead leaders", func() bool {
					dead := slices.DeleteFunc(c.Alive(), func(p rig.Process) bool { return p.State != "Z" })
					return len(dead) == n
				})
				args := e.args(c.ID)
				res := r.Run(append([]string{args[0], "--timeout=12s"}, args[1:]...)...) // they end by themselves, later
				if res.Status != 0 {
					t.Error(res)
				}
				e.check(c, res)
			})
		}
	}
}

// endInit ends init behind runc's back.
func endInit(r *rig.Rig, c *rig.Container) {
	r.Helper()
	if err := unix.Kill(c.Pid(), unix.SIGKILL); err != nil {
		r.Fatal(err)
	}
	r.Await("status stopped", func() bool { return c.Status() == "stopped" })
}

// awaitState waits until the process's leader is in the state.
func awaitState(r *rig.Rig, pid int, state string) {
	r.Helper()
	r.Await(fmt.Sprintf("state %s of %d", state, pid), func() bool { return rig.State(pid) == state })
}

// nested has a second PID namespace with processes in cgroups of their own
// inside the container, as a runtime in it would make them.
func nested(r *rig.Rig, c *rig.Container) {
	r.Helper()
	running(c)
	before := c.Alive()
	c.Exec("nest", "crowd", "6")
	// Not before runc's own processes have become the container's, or have ended.
	for _, p := range c.Settled(13) {
		if slices.ContainsFunc(before, func(b rig.Process) bool { return b.Pid == p.Pid }) {
			continue
		}
		for _, h := range r.Hierarchies() {
			r.Put(p.Pid, c.Sub(h, "inner"))
		}
	}
}

// freeze pauses a sub-cgroup, or the container behind runc's back.
func freeze(r *rig.Rig, c *rig.Container, sub string) {
	r.Helper()
	for _, h := range some(r, "", "freezer") {
		if h.V2 {
			r.Write(c.Dir(h)+"/"+sub+"/cgroup.freeze", "1")
		} else {
			r.Write(c.Dir(h)+"/"+sub+"/freezer.state", "FROZEN")
		}
	}
}

// TestForeignPIDNamespace ends a container that lives in another one's PID
// namespace, which has to stay unharmed.
func TestForeignPIDNamespace(t *testing.T) {
	t.Parallel()
	for _, e := range endings {
		for _, state := range []string{"running", "paused", "created", "init gone"} {
			t.Run(e.name+"/"+state, func(t *testing.T) {
				t.Parallel()
				r := rig.Open(t)
				holder := r.New(rig.Spec{Args: []string{"crowd", "3"}}).Run()
				holder.Settled(3)
				c := r.New(rig.Spec{Args: []string{"crowd", "6"}, PIDs: fmt.Sprintf("/proc/%d/ns/pid", holder.Pid())})
				switch state {
				case "created":
					c.Create()
				case "paused":
					running(c)
					c.Pause()
				case "init gone":
					running(c)
					endInit(r, c)
				default:
					running(c)
				}
				e.end(c)
				if n := len(holder.Alive()); n != 3 {
					t.Errorf("%d processes of the holder of the PID namespace are alive, want 3", n)
				}
				holder.Delete()
			})
		}
	}
}

// TestTerm sends a signal that the processes end on by themselves.
func TestTerm(t *testing.T) {
	t.Parallel()
	for _, pids := range []string{rig.PrivatePIDs, rig.HostPIDs} {
		t.Run(pids, func(t *testing.T) {
			t.Parallel()
			c := rig.Open(t).New(rig.Spec{Args: []string{"crowd", "6"}, PIDs: pids})
			running(c)
			c.Kill("TERM")
			c.Delete()
		})
	}
}

// TestTermIgnored bounds a wait for processes that won't end, and lets
// --kill-after end them.
func TestTermIgnored(t *testing.T) {
	t.Parallel()
	for _, pids := range []string{rig.PrivatePIDs, rig.HostPIDs} {
		for _, paused := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/paused=%t", pids, paused), func(t *testing.T) {
				t.Parallel()
				r := rig.Open(t)
				c := r.New(rig.Spec{Args: []string{"crowd", "6", "ignore"}, PIDs: pids})
				ps := running(c)
				if paused {
					c.Pause()
				}
				res := r.Run("kill", "--wait", "--timeout=300ms", "--format=json", c.ID, "TERM")
				if res.Status != 124 {
					t.Fatalf("want status 124: %s", res)
				}
				for _, p := range ps {
					if !strings.Contains(res.Stderr, fmt.Sprintf("pid %d (crowd)", p.Pid)) {
						t.Errorf("the error does not name %s: %s", p, res)
					}
				}
				if rep := parse(t, res); rep.Drained || len(rep.Survivors) != 6 {
					t.Errorf("want drained false and 6 survivors: %s", res)
				}
				if n := len(c.Alive()); n != 6 {
					t.Errorf("%d alive, want 6", n)
				}
				res = c.Kill("--kill-after=300ms", "TERM")
				if res.Took < 300*time.Millisecond {
					t.Errorf("killed before its time: %s", res)
				}
				c.Delete()
			})
		}
	}
}

// TestShortTimeout gives less time than it takes to look: the signal is sent,
// and who is left is named.
func TestShortTimeout(t *testing.T) {
	t.Parallel()
	for _, pids := range []string{rig.PrivatePIDs, rig.HostPIDs} {
		for _, timeout := range []string{"1ns", "1ms"} {
			t.Run(pids+"/"+timeout, func(t *testing.T) {
				t.Parallel()
				r := rig.Open(t)
				c := r.New(rig.Spec{Args: []string{"crowd", "6", "ignore"}, PIDs: pids})
				ps := running(c)
				for _, signal := range []string{"0", "TERM"} {
					res := r.Run("kill", "--wait", "--timeout="+timeout, c.ID, signal)
					if res.Status != 124 || res.Took > 5*time.Second || !strings.Contains(res.Stderr, fmt.Sprintf("6 processes still alive: pid %d (crowd)", ps[0].Pid)) {
						t.Errorf("want status 124 and %d named first of 6: %s", ps[0].Pid, res)
					}
				}
				r.Run("kill", "--wait", "--timeout="+timeout, c.ID, "KILL")
				r.Await("the end of all", func() bool { return len(c.Alive()) == 0 })
				c.Delete()
			})
		}
	}
}

// report is what --format json prints.
type report struct {
	ID        string
	Signal    int
	Mechanism string
	Signalled int
	Rounds    int
	Elapsed   float64
	Drained   bool
	Survivors []struct {
		Pid                        int
		Comm, State, Wchan, Cgroup string
	}
}

func parse(t *testing.T, res rig.Result) report {
	t.Helper()
	var rep report
	dec := json.NewDecoder(strings.NewReader(res.Stdout))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&rep); err != nil {
		t.Fatalf("%v: %s", err, res)
	}
	return rep
}

// TestReport reads what --format json says of a kill.
func TestReport(t *testing.T) {
	t.Parallel()
	for _, pids := range []string{rig.PrivatePIDs, rig.HostPIDs} {
		t.Run(pids, func(t *testing.T) {
			t.Parallel()
			r := rig.Open(t)
			c := r.New(rig.Spec{Args: []string{"crowd", "6"}, PIDs: pids})
			running(c)
			killFile := c.KillFile()
			res := c.Kill("--format=json")
			want, got := 6, parse(t, res)
			if killFile == "" && pids == rig.PrivatePIDs {
				want = got.Signalled // the kernel ends the rest, maybe before they are looked at
			}
			if got.ID != c.ID || got.Signal != 9 || got.Signalled != want || !got.Drained || len(got.Survivors) != 0 || got.Elapsed <= 0 {
				t.Errorf("id %s, signal 9, signalled %d, drained: %s", c.ID, want, res)
			}
			mechanism := "cgroup.kill"
			if killFile == "" {
				mechanism = "pidfd_send_signal"
			}
			// With its init a PID namespace goes, maybe before its cgroup is
			// looked at.
			initAlone := pids == rig.PrivatePIDs && got.Mechanism == "pidfd_send_signal"
			if got.Mechanism != mechanism && !initAlone {
				t.Errorf("mechanism %q, want %q", got.Mechanism, mechanism)
			}
		})
	}
}

// TestWaitOnly waits for processes that somebody else ends.
func TestWaitOnly(t *testing.T) {
	t.Parallel()
	for _, pids := range []string{rig.PrivatePIDs, rig.HostPIDs} {
		t.Run(pids, func(t *testing.T) {
			t.Parallel()
			r := rig.Open(t)
			c := r.New(rig.Spec{Args: []string{"crowd", "6"}, PIDs: pids})
			running(c)
			if res := r.Run("kill", "--wait", "--timeout=200ms", c.ID, "0"); res.Status != 124 || len(c.Alive()) != 6 {
				t.Fatalf("want status 124 and 6 alive: %s", res)
			}
			run := r.Start("kill", "--wait", c.ID, "0")
			r.Await("runc waiting", func() bool { return inPoll(run.Process.Pid) })
			ps := c.Alive()
			slices.Reverse(ps) // init last
			for _, p := range ps {
				select {
				case <-run.Done():
					t.Fatalf("ended with %v alive: %s", c.Alive(), run.Wait())
				default:
				}
				if err := unix.Kill(p.Pid, unix.SIGKILL); err != nil {
					t.Fatal(err)
				}
			}
			res := run.Wait()
			c.Stopped(res)
			if res.Status != 0 {
				t.Error(res)
			}
			c.Delete()
		})
	}
}

// TestNothingToKill is upstream's error, unless --all is given.
func TestNothingToKill(t *testing.T) {
	t.Parallel()
	for _, pids := range []string{rig.PrivatePIDs, rig.HostPIDs} {
		t.Run(pids, func(t *testing.T) {
			t.Parallel()
			r := rig.Open(t)
			c := r.New(rig.Spec{Args: []string{"true"}, PIDs: pids}).Run()
			r.Await("status stopped", func() bool { return c.Status() == "stopped" })
			for _, signal := range []string{"KILL", "TERM", "0"} {
				if res := r.Run("kill", "--wait", c.ID, signal); res.Status != 1 || !strings.Contains(res.Stderr, "container not running") {
					t.Errorf("want status 1, container not running: %s", res)
				}
				r.Must("kill", "--wait", "--all", c.ID, signal)
			}
			res := r.Must("delete", "--wait", c.ID)
			c.Removed(res)
			for _, args := range [][]string{{"kill", "--wait", c.ID, "KILL"}, {"delete", "--wait", c.ID}} {
				if res := r.Run(args...); res.Status != 1 || !strings.Contains(res.Stderr, "container does not exist") {
					t.Errorf("want status 1, container does not exist: %s", res)
				}
			}
			r.Must("delete", "--force", "--wait", c.ID)
		})
	}
}

// TestStraggler has a process in the container's cgroup that is not in its PID
// namespace. KILL goes to it as well; other signals don't, but are waited for.
func TestStraggler(t *testing.T) {
	t.Parallel()
	straggler := func(t *testing.T) (*rig.Rig, *rig.Container, int) {
		r := rig.Open(t)
		c := r.New(rig.Spec{Args: []string{"crowd", "6"}})
		running(c)
		pid := r.Spawn("crowd", "1").Process.Pid
		for _, h := range r.Hierarchies() {
			r.Put(pid, c.Dir(h))
		}
		return r, c, pid
	}
	for _, e := range endings {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			_, c, _ := straggler(t)
			e.end(c)
		})
	}
	for _, gone := range []bool{false, true} {
		t.Run(fmt.Sprintf("TERM, init gone=%t", gone), func(t *testing.T) {
			t.Parallel()
			r, c, pid := straggler(t)
			if gone {
				endInit(r, c)
			}
			res := r.Run("kill", "--wait", "--all", "--timeout=500ms", c.ID, "TERM")
			if res.Status != 124 || !strings.Contains(res.Stderr, fmt.Sprintf("pid %d (crowd)", pid)) {
				t.Errorf("want status 124 and %d named: %s", pid, res)
			}
			if n := len(c.Alive()); n != 1 {
				t.Errorf("%d alive, want the straggler", n)
			}
			c.Kill()
			c.Delete()
		})
	}
}

// TestDeleteUnforced waits without --force where that is allowed, and touches
// nothing where it is not.
func TestDeleteUnforced(t *testing.T) {
	t.Parallel()
	t.Run("created", func(t *testing.T) {
		t.Parallel()
		r := rig.Open(t)
		c := r.New(rig.Spec{}).Create()
		c.Removed(r.Must("delete", "--wait", c.ID))
	})
	t.Run("stopped with leftovers", func(t *testing.T) {
		t.Parallel()
		r := rig.Open(t)
		c := r.New(rig.Spec{Args: []string{"crowd", "6"}, PIDs: rig.HostPIDs})
		running(c)
		endInit(r, c)
		c.Removed(r.Must("delete", "--wait", c.ID))
	})
	t.Run("running", func(t *testing.T) {
		t.Parallel()
		r := rig.Open(t)
		c := r.New(rig.Spec{Args: []string{"crowd", "6"}})
		running(c)
		if res := r.Run("delete", "--wait", c.ID); res.Status != 1 || len(c.Alive()) != 6 {
			t.Errorf("want status 1 and 6 alive: %s", res)
		}
	})
}
