package rig

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// proc names a process for good.
type proc struct {
	Pid   int
	start string
}

// Process is a live process as the observer sees it.
type Process struct {
	Pid   int
	Comm  string
	State string // letter of /proc/PID/stat
	start string
}

func (p Process) String() string { return fmt.Sprintf("%d (%s) %s", p.Pid, p.Comm, p.State) }

// Alive scans /proc for the container's live processes: those with its token
// in their environment or with a cgroup of its in any hierarchy, and those
// seen by earlier calls.
func (c *Container) Alive() []Process {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		c.rig.Fatal(err)
	}
	var alive []Process
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		p, live := look(pid)
		if !live {
			continue
		}
		id := proc{pid, p.start}
		c.mu.Lock()
		if c.seen[id] || c.owns(pid) {
			c.seen[id] = true
			alive = append(alive, p)
		}
		c.mu.Unlock()
	}
	slices.SortFunc(alive, func(a, b Process) int { return cmp.Compare(a.Pid, b.Pid) })
	return alive
}

// owns tells whether a process bears a mark of the container.
func (c *Container) owns(pid int) bool {
	dir := "/proc/" + strconv.Itoa(pid)
	groups, _ := os.ReadFile(dir + "/cgroup")
	for line := range strings.Lines(string(groups)) {
		if f := strings.SplitN(strings.TrimSpace(line), ":", 3); len(f) == 3 && (f[2] == c.Cgroup || strings.HasPrefix(f[2], c.Cgroup+"/")) {
			return true
		}
	}
	env, _ := os.ReadFile(dir + "/environ")
	if len(env) == 0 { // a leader that has died before its threads has none
		files, _ := filepath.Glob(dir + "/task/*/environ")
		for i := 0; i < len(files) && len(env) == 0; i++ {
			env, _ = os.ReadFile(files[i])
		}
	}
	return bytes.Contains(env, []byte(c.Token))
}

// look reads a process's state; it lives as long as any of its threads does.
func look(pid int) (Process, bool) {
	dir := "/proc/" + strconv.Itoa(pid)
	p, ok := readStat(dir + "/stat")
	if !ok {
		return p, false
	}
	if p.Pid = pid; !dead(p.State) {
		return p, true
	}
	tasks, _ := filepath.Glob(dir + "/task/*/stat")
	for _, t := range tasks {
		if th, ok := readStat(t); ok && !dead(th.State) {
			return p, true
		}
	}
	return p, false
}

func dead(state string) bool { return state == "Z" || state == "X" || state == "x" }

func readStat(file string) (Process, bool) {
	text, err := os.ReadFile(file)
	if err != nil {
		return Process{}, false
	}
	open, shut := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	if open < 0 || shut < open {
		return Process{}, false
	}
	f := strings.Fields(string(text[shut+1:]))
	return Process{Comm: string(text[open+1 : shut]), State: f[0], start: f[19]}, true
}

// Remains lists what is not gone of the container at this moment: live
// processes, and cgroups that hold any. It waits for nothing.
func (c *Container) Remains() []string {
	var left []string
	for _, p := range c.Alive() {
		left = append(left, "process "+p.String())
	}
	return append(left, c.Populated()...)
}

// Populated lists the container's cgroups that hold processes at this moment.
func (c *Container) Populated() []string {
	var left []string
	for _, top := range c.Dirs() {
		events, _ := os.ReadFile(filepath.Join(top, "cgroup.events"))
		if bytes.Contains(events, []byte("populated 1")) {
			left = append(left, top+" is populated")
		}
		for _, d := range below(top) {
			for _, f := range []string{"cgroup.procs", "cgroup.threads", "tasks"} {
				if ids, _ := os.ReadFile(filepath.Join(d, f)); len(ids) > 0 {
					left = append(left, fmt.Sprintf("%s/%s: %s", d, f, strings.Join(strings.Fields(string(ids)), " ")))
					break
				}
			}
		}
	}
	return left
}

// Gone fails the test if anything of the container is alive at this moment.
func (c *Container) Gone(after Result) {
	c.rig.Helper()
	if left := c.Remains(); len(left) > 0 {
		c.rig.Errorf("not gone at the end of %s\n%s", after, strings.Join(left, "\n"))
	}
}

// Stopped is Gone, and has runc say so too.
func (c *Container) Stopped(after Result) {
	c.rig.Helper()
	c.Gone(after)
	if s := c.Status(); s != "stopped" {
		c.rig.Errorf("status %s, want stopped, after %s", s, after)
	}
}

// Removed is Gone, and neither cgroups nor a state directory may be left.
func (c *Container) Removed(after Result) {
	c.rig.Helper()
	c.Gone(after)
	left := c.Dirs()
	if _, err := os.Lstat(c.StateDir()); err == nil {
		left = append(left, c.StateDir())
	}
	if len(left) > 0 {
		c.rig.Errorf("still there after %s\n%s", after, strings.Join(left, "\n"))
	}
}

// Pause is "runc pause"; it has to succeed. libcontainer reads a cgroup v1
// freezer a thousand times before it gives up, and the processes of a busy
// machine may not have been scheduled by then: that is tried again.
func (c *Container) Pause() {
	c.rig.Helper()
	var res Result
	for range 20 {
		res = c.rig.Run("pause", c.ID)
		if res.Status == 0 {
			return
		}
		if !strings.Contains(res.Stderr, "unable to freeze") {
			break
		}
	}
	c.rig.Fatal(res)
}

// Kill is "runc kill --wait"; it has to succeed and to leave nothing alive.
func (c *Container) Kill(flagsAndSignal ...string) Result {
	c.rig.Helper()
	args := []string{"kill", "--wait"}
	signal := "KILL"
	for _, a := range flagsAndSignal {
		if strings.HasPrefix(a, "-") {
			args = append(args, a)
		} else {
			signal = a
		}
	}
	c.Alive() // note who is there
	res := c.rig.Run(append(args, c.ID, signal)...)
	if res.Status != 0 {
		c.rig.Fatal(res)
	}
	c.Stopped(res)
	return res
}

// Delete is "runc delete --force --wait"; it has to succeed and to leave
// nothing.
func (c *Container) Delete(flags ...string) Result {
	c.rig.Helper()
	c.Alive()
	res := c.rig.Run(append(append([]string{"delete", "--force", "--wait"}, flags...), c.ID)...)
	if res.Status != 0 {
		c.rig.Fatal(res)
	}
	c.Removed(res)
	return res
}

// Comm is the name of a process's program; "" if there is no such process.
func Comm(pid int) string {
	p, _ := readStat("/proc/" + strconv.Itoa(pid) + "/stat")
	return p.Comm
}

// State is the letter of a process's state; "" if there is no such process.
func State(pid int) string {
	p, _ := readStat("/proc/" + strconv.Itoa(pid) + "/stat")
	return p.State
}
