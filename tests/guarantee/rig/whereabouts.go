package rig

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Key names a process for good: its ID and start time.
func (p Process) Key() string { return fmt.Sprintf("%d since %s", p.Pid, p.start) }

// Inside tells whether any thread of a process is in one of the container's
// cgroups. In each layout that is what /proc says, whatever is mounted.
func (c *Container) Inside(pid int) bool {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/cgroup", pid))
	for _, f := range files {
		text, _ := os.ReadFile(f)
		for line := range strings.Lines(string(text)) {
			if f := strings.SplitN(strings.TrimSpace(line), ":", 3); len(f) == 3 && (f[2] == c.Cgroup || strings.HasPrefix(f[2], c.Cgroup+"/")) {
				return true
			}
		}
	}
	return false
}

// Exiting tells whether all threads of a process are in the kernel's do_exit, from
// which none returns. The first
// process of a PID namespace stays there until the rest of that has ended, and by
// then has left its cgroup already.
func Exiting(pid int) bool {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		const exiting = 0x4 // PF_EXITING of linux/sched.h
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		if flags, err := strconv.ParseUint(fields[6], 10, 64); err != nil || flags&exiting == 0 {
			return false
		}
	}
	return true
}

// InitKey is the [Process.Key] of the init that the container's state file
// names; "" if there is none.
func (c *Container) InitKey() string {
	text, err := os.ReadFile(filepath.Join(c.StateDir(), "state.json"))
	if err != nil {
		return ""
	}
	var s struct {
		Pid   int    `json:"init_process_pid"`
		Start uint64 `json:"init_process_start"`
	}
	if json.Unmarshal(text, &s) != nil {
		return ""
	}
	return fmt.Sprintf("%d since %d", s.Pid, s.Start)
}

// Starting lists the stages of "runc init" on their way into the container: they
// have the FIFO of its state directory open, and need not be in a cgroup yet.
func (c *Container) Starting() []Process {
	fifo := filepath.Join(c.StateDir(), "exec.fifo")
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	var found []Process
	for _, dir := range dirs {
		cmdline, _ := os.ReadFile(dir + "/cmdline")
		if !bytes.HasSuffix(cmdline, []byte("\x00init\x00")) {
			continue
		}
		fds, _ := filepath.Glob(dir + "/fd/*")
		for _, fd := range fds {
			if at, err := os.Readlink(fd); err == nil && strings.HasPrefix(at, fifo) {
				pid, _ := strconv.Atoi(filepath.Base(dir))
				if p, live := look(pid); live {
					found = append(found, p)
				}
				break
			}
		}
	}
	return found
}

// Scratch makes cgroups outside of the container, one a hierarchy, for processes
// that leave it, or that have nothing to do with it. They are removed when the
// test ends, with whatever is in them.
func (r *Rig) Scratch(name string) (dirs []string) {
	r.Helper()
	for _, h := range r.Hierarchies() {
		dir := filepath.Join(h.Mount, fmt.Sprintf("%s-%s-%d-%d", name, r.View, os.Getpid(), r.Serial()))
		r.mkcgroup(h, dir)
		dirs = append(dirs, dir)
	}
	r.Cleanup(func() {
		r.Await("the end of what is in "+name, func() bool {
			var left error
			for _, d := range dirs {
				_ = write(filepath.Join(d, "cgroup.kill"), "1")
				left = errors.Join(left, removeCgroup(d))
			}
			return left == nil
		})
	})
	return dirs
}
