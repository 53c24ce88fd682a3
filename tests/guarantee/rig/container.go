package rig

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// PID namespaces of a [Spec]; a path stands for another container's.
const (
	PrivatePIDs = "private"
	HostPIDs    = "host"
)

// Spec describes a container. The zero value is busybox sleep in a PID
// namespace of its own.
type Spec struct {
	Args        []string
	PIDs        string // PrivatePIDs, HostPIDs or the path of a namespace
	Limit       int64  // of processes; 0 is none. The v2 view has no pids controller
	UID         uint32
	Env         []string
	Annotations map[string]string
	Nested      bool                   // in a cgroup of the test's own, see Container.Above, not in the root
	Edit        func(spec *specs.Spec) // last changes to config.json
}

// Container is a container of a rig. Its ID, its cgroup and the token in its
// environment are unique.
type Container struct {
	ID     string
	Bundle string
	Cgroup string // path in each hierarchy
	Token  string

	rig         *Rig
	cgroupsPath string // Cgroup, as config.json has it
	mu          sync.Mutex
	seen        map[proc]bool // by the observer; guarded by mu
}

// capabilities are enough for the adversaries, and all there are without
// CAP_SYS_RESOURCE.
var capabilities = []string{
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_KILL", "CAP_SETGID", "CAP_SETUID",
	"CAP_SYS_ADMIN", "CAP_SYS_NICE", "CAP_SYS_PTRACE", "CAP_MKNOD", "CAP_SYS_CHROOT",
}

// New writes a container's bundle. Whatever becomes of the container, it is
// ended and its cgroups are removed when the test ends.
func (r *Rig) New(s Spec) *Container {
	r.Helper()
	// The process ID alone may be another run's, in a PID namespace of its own.
	id := fmt.Sprintf("%s-%s-%d-%d", filepath.Base(r.Stage), r.View, os.Getpid(), serial.Add(1))
	c := &Container{ID: id, Bundle: r.TempDir(), Token: "GUARANTEE_TOKEN=" + id + ";", rig: r, seen: map[proc]bool{}}
	c.Cgroup, c.cgroupsPath = r.place(id, s)
	text, err := json.MarshalIndent(c.config(s), "", " ")
	if err == nil {
		err = os.WriteFile(filepath.Join(c.Bundle, "config.json"), text, 0o644)
	}
	if err == nil && r.user != 0 {
		err = os.Chown(c.Bundle, r.user, r.user) // for pid files
	}
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(c.cleanUp)
	return c
}

func (c *Container) config(s Spec) *specs.Spec {
	if len(s.Args) == 0 {
		s.Args = []string{"sleep", "60"}
	}
	caps := capabilities
	spec := &specs.Spec{
		Version: specs.Version,
		Root:    &specs.Root{Path: filepath.Join(c.rig.Stage, "rootfs"), Readonly: true},
		Process: &specs.Process{
			Args: s.Args, Cwd: "/", User: specs.User{UID: s.UID, GID: s.UID},
			Env:          append([]string{"PATH=/bin", c.Token}, s.Env...),
			Capabilities: &specs.LinuxCapabilities{Bounding: caps, Effective: caps, Permitted: caps},
		},
		Annotations: s.Annotations,
		Mounts: []specs.Mount{
			{Destination: "/proc", Type: "proc", Source: "proc"},
			{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "mode=755"}},
			{Destination: "/tmp", Type: "tmpfs", Source: "tmpfs"},
		},
		Linux: &specs.Linux{
			CgroupsPath: c.cgroupsPath,
			Namespaces:  []specs.LinuxNamespace{{Type: specs.MountNamespace}, {Type: specs.UTSNamespace}, {Type: specs.IPCNamespace}},
		},
	}
	switch s.PIDs {
	case "", PrivatePIDs:
		spec.Linux.Namespaces = append(spec.Linux.Namespaces, specs.LinuxNamespace{Type: specs.PIDNamespace})
	case HostPIDs:
	default:
		spec.Linux.Namespaces = append(spec.Linux.Namespaces, specs.LinuxNamespace{Type: specs.PIDNamespace, Path: s.PIDs})
	}
	if c.rig.user != 0 {
		c.rig.adapt(spec)
	} else if s.Limit > 0 && c.rig.View != V2 {
		spec.Linux.Resources = &specs.LinuxResources{Pids: &specs.LinuxPids{Limit: &s.Limit}}
	}
	if s.Edit != nil {
		s.Edit(spec)
	}
	return spec
}

// Create creates the container.
func (c *Container) Create() *Container {
	c.rig.Helper()
	c.rig.Must("create", "-b", c.Bundle, "--pid-file", c.pidFile(), c.ID)
	return c
}

// Run runs the container, detached.
func (c *Container) Run() *Container {
	c.rig.Helper()
	args := []string{"run", "-d", "-b", c.Bundle, "--pid-file", c.pidFile(), c.ID}
	res := c.rig.Run(args...)
	for range 5 {
		// libcontainer freezes a container while systemd sets its properties, and
		// gives up after a thousand tries. Those are soon over on a busy machine,
		// where v1's freezer takes its time.
		if res.Status == 0 || !strings.Contains(res.Stderr, "unable to freeze") {
			break
		}
		res = c.rig.Run(args...)
	}
	if res.Status != 0 {
		c.rig.Fatal(res)
	}
	return c
}

// RunUnder is Run with a parent of the test's own for all that is orphaned:
// one that reaps at once, "reap", or never, "hoard". PID 1 of a host may take
// seconds.
func (c *Container) RunUnder(parent string) *Container {
	c.rig.Helper()
	run := c.rig.command("run", "-d", "-b", c.Bundle, "--pid-file", c.pidFile(), c.ID)
	c.rig.Spawn("parent", slices.Concat([]string{parent}, c.rig.Via, run)...).Says("done")
	return c
}

// Exec runs a detached process in the container and returns its ID.
func (c *Container) Exec(args ...string) int {
	c.rig.Helper()
	file := filepath.Join(c.Bundle, fmt.Sprintf("exec.%d", serial.Add(1)))
	flags := []string{"exec", "-d", "--pid-file", file}
	if len(args) > 0 && args[0] == "--cgroup" {
		flags, args = append(flags, args[:2]...), args[2:]
	}
	c.rig.Must(append(append(flags, c.ID), args...)...)
	return c.rig.readPid(file)
}

func (c *Container) pidFile() string { return filepath.Join(c.Bundle, "pid") }

// Pid is init's process ID on the host.
func (c *Container) Pid() int { return c.rig.readPid(c.pidFile()) }

func (r *Rig) readPid(file string) int {
	r.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		r.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		r.Fatal(err)
	}
	return pid
}

// StateDir is where runc keeps the container's state.
func (c *Container) StateDir() string { return filepath.Join(c.rig.Root, c.ID) }

// Status is what "runc state" says.
func (c *Container) Status() string {
	c.rig.Helper()
	var state specs.State
	if err := json.Unmarshal([]byte(c.rig.Must("state", c.ID).Stdout), &state); err != nil {
		c.rig.Fatal(err)
	}
	return string(state.Status)
}

// AwaitProcesses waits until the container has n live processes at least.
func (c *Container) AwaitProcesses(n int) {
	c.rig.Helper()
	c.rig.Await(fmt.Sprintf("%d processes in %s", n, c.ID), func() bool { return len(c.Alive()) >= n })
}

// Settled waits until the container has n processes and all of them sleep: none
// is about to fork or to end. It returns them.
func (c *Container) Settled(n int) []Process {
	c.rig.Helper()
	var ps []Process
	c.rig.Await(fmt.Sprintf("%d sleeping processes in %s", n, c.ID), func() bool {
		ps = c.Alive()
		return len(ps) == n && !slices.ContainsFunc(ps, func(p Process) bool { return p.State != "S" || strings.HasPrefix(p.Comm, "runc") })
	})
	return ps
}

// cleanUp ends what is left of the container, whatever state it is in. It
// uses nothing of runc.
func (c *Container) cleanUp() {
	var err error
	for end := time.Now().Add(Bound); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		dirs := c.Dirs()
		for _, h := range c.rig.Hierarchies() {
			_ = write(filepath.Join(c.Above(h), "freezer.state"), "THAWED")
		}
		for _, top := range dirs {
			_ = write(filepath.Join(top, "cgroup.kill"), "1")
			for _, d := range below(top) {
				_ = write(filepath.Join(d, "freezer.state"), "THAWED")
			}
		}
		alive := c.Alive()
		for _, p := range alive {
			_ = unix.Kill(p.Pid, unix.SIGKILL)
		}
		err = nil
		if len(alive) > 0 {
			err = fmt.Errorf("still alive: %v", alive)
			continue
		}
		for _, d := range dirs {
			if rerr := removeCgroup(d); rerr != nil {
				err = rerr
			}
		}
		for _, h := range c.rig.Hierarchies() {
			if above := c.Above(h); above != h.Mount {
				_ = unix.Rmdir(above)
			}
		}
		if err == nil {
			return
		}
	}
	c.rig.Errorf("clean up %s: %v", c.ID, err)
}
