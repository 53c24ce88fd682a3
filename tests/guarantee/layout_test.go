package guarantee

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"runcsync/tests/guarantee/rig"
)

// TestLayout ends containers whose processes are spread over cgroups in every
// way. The systemd driver is not among them: it needs a systemd as PID 1.
func TestLayout(t *testing.T) {
	t.Parallel()
	play(t, []scene{
		{name: "plain", arrange: func(_ *rig.Rig, c *rig.Container) { running(c) }},
		{name: "nested", arrange: func(r *rig.Rig, c *rig.Container) {
			ps := running(c)
			for _, h := range r.Hierarchies() {
				for i, p := range ps[1:] {
					r.Put(p.Pid, c.Sub(h, strings.Repeat("/below", i+1)))
				}
			}
		}},
		{name: "thousand nested", arrange: func(r *rig.Rig, c *rig.Container) {
			ps := running(c)
			for _, h := range some(r, "", "pids") {
				for i := range 1000 {
					dir := c.Sub(h, fmt.Sprintf("%d/%d/%d", i/100, i/10%10, i%10))
					if i%200 == 111 {
						r.Put(ps[1+i/200].Pid, dir)
					}
				}
			}
		}},
		{name: "forty deep", arrange: func(r *rig.Rig, c *rig.Container) {
			ps := running(c)
			for _, h := range some(r, "", "freezer") {
				r.Put(ps[3].Pid, c.Sub(h, strings.Repeat("/deep", 40)))
				r.Put(ps[4].Pid, c.Sub(h, strings.Repeat("/deep", 35)))
			}
		}},
		{name: "threaded below", spec: rig.Spec{Args: []string{"threads", "4"}}, arrange: func(r *rig.Rig, c *rig.Container) {
			h := r.Hierarchy("")
			c.Run()
			pid := c.Pid()
			awaitThreads(r, pid, 5)
			dir := c.Sub(h, "threaded")
			r.Write(filepath.Join(dir, "cgroup.type"), "threaded")
			for _, tid := range threads(pid)[1:] {
				r.Write(filepath.Join(dir, "cgroup.threads"), tid)
			}
		}},
		{name: "own cgroup threaded", spec: rig.Spec{Nested: true}, arrange: func(r *rig.Rig, c *rig.Container) {
			h := r.Hierarchy("")
			running(c)
			makeThreaded(r, c, h)
		}},
		{name: "own cgroup threaded, threads spread", spec: rig.Spec{Nested: true, Args: []string{"threads", "4"}}, arrange: func(r *rig.Rig, c *rig.Container) {
			h := r.Hierarchy("")
			c.Run()
			pid := c.Pid()
			awaitThreads(r, pid, 5)
			makeThreaded(r, c, h)
			for i, tid := range threads(pid) {
				dir := c.Sub(h, fmt.Sprintf("part%d", i))
				r.Write(filepath.Join(dir, "cgroup.type"), "threaded")
				r.Write(filepath.Join(dir, "cgroup.threads"), tid)
			}
		}},
		{name: "each process in one hierarchy only", spec: rig.Spec{Args: []string{"crowd", "12"}}, arrange: func(r *rig.Rig, c *rig.Container) {
			c.Run()
			c.AwaitProcesses(12)
			hs := r.Hierarchies()
			for i, p := range others(c) {
				for j, h := range hs {
					if j != i%len(hs) {
						r.Put(p.Pid, h.Mount)
					}
				}
			}
		}},
		{name: "left unified", arrange: func(r *rig.Rig, c *rig.Container) {
			r.Only("it takes both kinds of hierarchies", rig.Hybrid)
			for _, p := range running(c) {
				r.Put(p.Pid, r.Hierarchy("").Mount)
			}
		}},
		{name: "stayed in unified only", arrange: func(r *rig.Rig, c *rig.Container) {
			r.Only("it takes both kinds of hierarchies", rig.Hybrid)
			for _, p := range running(c) {
				for _, h := range r.Hierarchies() {
					if !h.V2 {
						r.Put(p.Pid, h.Mount)
					}
				}
			}
		}},
		{name: "all left every cgroup", only: rig.PrivatePIDs, arrange: func(r *rig.Rig, c *rig.Container) {
			for _, p := range running(c) {
				leave(r, p.Pid)
			}
		}},
		{name: "all left, cgroups removed", only: rig.PrivatePIDs, arrange: func(r *rig.Rig, c *rig.Container) {
			for _, p := range running(c) {
				leave(r, p.Pid)
			}
			for _, dir := range c.Dirs() {
				r.Await("removal of "+dir, func() bool { return !errors.Is(unix.Rmdir(dir), unix.EBUSY) })
			}
		}},
		{name: "leader thread elsewhere", spec: rig.Spec{Args: []string{"threads", "4"}}, arrange: func(r *rig.Rig, c *rig.Container) {
			r.Only("cgroup v2 keeps a process's threads together", rig.Hybrid, rig.V1)
			c.Run()
			pid := c.Pid()
			awaitThreads(r, pid, 5)
			for _, h := range r.Hierarchies() {
				if h.V2 {
					r.Put(pid, h.Mount)
				} else {
					r.Write(filepath.Join(h.Mount, "tasks"), fmt.Sprint(pid))
				}
			}
		}},
		{name: "cgroups come and go", arrange: func(r *rig.Rig, c *rig.Container) {
			ps := running(c)
			for _, h := range some(r, "", "pids") {
				churn(r, c.Dir(h), ps[5].Pid, h.V2)
			}
		}},
		{name: "cgroup files of one hierarchy gone", arrange: func(r *rig.Rig, c *rig.Container) {
			r.Only("it takes several hierarchies", rig.Hybrid, rig.V1)
			h := r.Hierarchy("memory")
			for _, p := range running(c) {
				r.Put(p.Pid, h.Mount)
			}
			r.Await("removal", func() bool { return !errors.Is(unix.Rmdir(c.Dir(h)), unix.EBUSY) })
		}},
	})
}

// makeThreaded makes the container's own cgroup threaded, which the kernel
// refuses while it has a controller that can't be, or processes.
func makeThreaded(r *rig.Rig, c *rig.Container, h rig.Hierarchy) {
	r.Helper()
	if r.Driver == rig.Systemd {
		r.Skip("systemd removes a scope that has no process for a moment, as this one would have")
	}
	control := filepath.Join(c.Above(h), "cgroup.subtree_control")
	enabled, err := os.ReadFile(control)
	if err != nil {
		r.Fatal(err)
	}
	for _, controller := range strings.Fields(string(enabled)) {
		r.Write(control, "-"+controller)
	}
	ps := c.Alive()
	for _, p := range ps {
		r.Put(p.Pid, h.Mount)
	}
	r.Write(filepath.Join(c.Dir(h), "cgroup.type"), "threaded")
	for _, p := range ps {
		r.Put(p.Pid, c.Dir(h))
	}
}

// some picks those of the view's hierarchies that have one of the controllers.
func some(r *rig.Rig, controllers ...string) []rig.Hierarchy {
	var hs []rig.Hierarchy
	for _, h := range r.Hierarchies() {
		for _, c := range controllers {
			if h.V2 && c == "" || !h.V2 && slices.Contains(h.Controllers, c) {
				hs = append(hs, h)
			}
		}
	}
	return hs
}

// leave moves a process to the root of every hierarchy.
func leave(r *rig.Rig, pid int) {
	r.Helper()
	for _, h := range r.Hierarchies() {
		r.Put(pid, h.Mount)
	}
}

// awaitThreads waits until the process runs testdata/threads and has n threads.
func awaitThreads(r *rig.Rig, pid, n int) {
	r.Helper()
	r.Await(fmt.Sprintf("%d threads", n), func() bool {
		comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
		return string(comm) == "threads\n" && len(threads(pid)) == n
	})
}

func threads(pid int) []string {
	dirs, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	for i, d := range dirs {
		dirs[i] = filepath.Base(d)
	}
	return dirs
}

// churn makes and removes cgroups below dir until the process is gone, and on
// v2 has it hop between them.
func churn(r *rig.Rig, dir string, pid int, hop bool) {
	rounds, done := 0, make(chan struct{})
	began := make(chan struct{})
	go func() {
		defer close(done)
		for unix.Kill(pid, 0) == nil {
			sub := filepath.Join(dir, fmt.Sprintf("churn%d", rounds%7))
			if err := os.Mkdir(sub, 0o755); errors.Is(err, os.ErrNotExist) {
				return // the container's cgroup has been removed
			}
			if hop {
				_ = os.WriteFile(filepath.Join(sub, "cgroup.procs"), []byte(fmt.Sprint(pid)), 0)
				_ = os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(fmt.Sprint(pid)), 0)
			}
			_ = unix.Rmdir(sub)
			if rounds++; rounds == 50 {
				close(began)
			}
		}
	}()
	<-began
	r.Cleanup(func() { <-done })
}

// TestLeft moves a process out of a container without a PID namespace of its
// own: it no longer is one of the container's and must not be signalled.
func TestLeft(t *testing.T) {
	t.Parallel()
	for _, e := range []string{"kill", "delete"} {
		t.Run(e, func(t *testing.T) {
			t.Parallel()
			r := rig.Open(t)
			c := r.New(rig.Spec{Args: []string{"crowd", "6"}, PIDs: rig.HostPIDs})
			running(c)
			gone := others(c)[2]
			leave(r, gone.Pid)
			args := map[string][]string{"kill": {"kill", "--wait", c.ID, "KILL"}, "delete": {"delete", "--force", "--wait", c.ID}}[e]
			res := r.Must(args...)
			if left := c.Alive(); len(left) != 1 || left[0].Pid != gone.Pid {
				t.Errorf("alive: %v, want only %v, which had left\n%s", left, gone, res)
			}
		})
	}
}

// TestRemovedBySomebodyElse has another process empty and remove the cgroups
// before, and while, the container is ended.
func TestRemovedBySomebodyElse(t *testing.T) {
	t.Parallel()
	remove := func(r *rig.Rig, c *rig.Container) {
		for _, p := range c.Alive() {
			_ = unix.Kill(p.Pid, unix.SIGKILL)
		}
		r.Await("removal by somebody else", func() bool {
			dirs := c.Dirs()
			for _, d := range dirs {
				_ = unix.Rmdir(d)
			}
			// The init of a PID namespace leaves its cgroup before it has
			// seen the rest off.
			return len(dirs) == 0 && len(c.Alive()) == 0
		})
	}
	for _, pids := range []string{rig.PrivatePIDs, rig.HostPIDs} {
		t.Run("before/"+pids, func(t *testing.T) {
			t.Parallel()
			r := rig.Open(t)
			c := r.New(rig.Spec{Args: []string{"crowd", "6"}, PIDs: pids})
			running(c)
			remove(r, c)
			if res := r.Run("kill", "--wait", c.ID, "KILL"); res.Status != 1 || !strings.Contains(res.Stderr, "container not running") {
				t.Errorf("want status 1, container not running: %s", res)
			}
			if res := r.Must("kill", "--wait", "--all", c.ID, "KILL"); res.Stderr != "" {
				t.Errorf("want silence: %s", res)
			}
			c.Delete()
		})
		t.Run("meanwhile/"+pids, func(t *testing.T) {
			t.Parallel()
			r := rig.Open(t)
			for range 5 {
				c := r.New(rig.Spec{Args: []string{"crowd", "6"}, PIDs: pids})
				running(c)
				run := r.Start("kill", "--wait", "--all", c.ID, "KILL")
				remove(r, c)
				if res := run.Wait(); res.Status != 0 {
					t.Errorf("want status 0: %s", res)
				} else {
					c.Stopped(res)
				}
				c.Delete()
			}
		})
	}
}
