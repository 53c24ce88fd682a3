// Package container starts the containers that are measured, watches them, and
// removes what is left of them, without any help of the runtimes.
package container

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"runcsync/bench/internal/stage"
)

// bound is how long setting a container up or removing it may take.
const bound = 60 * time.Second

// Spec says what a container is.
type Spec struct {
	Processes  int
	IgnoreTerm bool
	HostPIDs   bool
}

// Container is a container with a cgroup, a bundle and a state directory of
// its own.
type Container struct {
	ID      string
	Runtime stage.Runtime
	Dir     string // with bundle, state and what else belongs to it
	Spec    Spec
	Shared  string // a state directory for several containers, if not one of its own

	stage  stage.Stage
	cradle *exec.Cmd
	input  io.Closer
}

// New writes a container's bundle below dir.
func New(st stage.Stage, rt stage.Runtime, dir, id string, s Spec) (*Container, error) {
	c := &Container{ID: id, Runtime: rt, Dir: filepath.Join(dir, id), Spec: s, stage: st}
	if err := os.MkdirAll(c.Bundle(), 0o700); err != nil {
		return nil, err
	}
	text, err := json.Marshal(c.config())
	if err != nil {
		return nil, err
	}
	return c, os.WriteFile(filepath.Join(c.Bundle(), "config.json"), text, 0o600)
}

// Bundle is the directory of config.json.
func (c *Container) Bundle() string { return filepath.Join(c.Dir, "bundle") }

// Root is the runtime's --root.
func (c *Container) Root() string { return cmp.Or(c.Shared, filepath.Join(c.Dir, "state")) }

// Cgroup is the container's cgroup in each hierarchy.
func (c *Container) Cgroup() string { return "/" + c.ID }

func (c *Container) config() *specs.Spec {
	args := []string{"/bin/crowd", fmt.Sprint(c.Spec.Processes)}
	if c.Spec.IgnoreTerm {
		args = append(args, "ignore")
	}
	spec := &specs.Spec{
		Version: "1.0.2", // crun 1.8.1 knows no later one
		Root:    &specs.Root{Path: c.stage.Rootfs(), Readonly: true},
		Process: &specs.Process{Args: args, Cwd: "/", Env: []string{"PATH=/bin"}},
		Mounts: []specs.Mount{
			{Destination: "/proc", Type: "proc", Source: "proc"},
			{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "mode=755"}},
		},
		Linux: &specs.Linux{
			CgroupsPath: c.Cgroup(),
			Namespaces:  []specs.LinuxNamespace{{Type: specs.MountNamespace}, {Type: specs.UTSNamespace}, {Type: specs.IPCNamespace}},
		},
	}
	if !c.Spec.HostPIDs {
		spec.Linux.Namespaces = append(spec.Linux.Namespaces, specs.LinuxNamespace{Type: specs.PIDNamespace})
	}
	return spec
}

// Command is the runtime's command line for this container's state directory.
func (c *Container) Command(args ...string) []string {
	return append([]string{c.Runtime.Path, "--root", c.Root()}, args...)
}

// Run runs the container, and waits until all its processes are there. The
// kernel reaps them as they die.
func (c *Container) Run() error {
	if err := c.under("run", "-d", "-b", c.Bundle(), "--pid-file", c.pidFile(), c.ID); err != nil {
		return err
	}
	return c.await(c.Spec.Processes)
}

// Create is Run without the start.
func (c *Container) Create() error { return c.under("create", "-b", c.Bundle(), c.ID) }

func (c *Container) pidFile() string { return filepath.Join(c.Dir, "pid") }

// Init is the ID of the container's first process; empty if it was not run.
func (c *Container) Init() string {
	pid, _ := os.ReadFile(c.pidFile())
	return string(pid)
}

// under runs the runtime under cradle.
func (c *Container) under(args ...string) error {
	argv := c.Command(args...)
	c.cradle = exec.Command(c.stage.Program("cradle"), argv...)
	c.cradle.Env = append(os.Environ(), c.Runtime.Env...)
	c.cradle.SysProcAttr = &unix.SysProcAttr{Pdeathsig: unix.SIGKILL}
	log, err := os.Create(filepath.Join(c.Dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	c.cradle.Stderr = log
	if c.input, err = c.cradle.StdinPipe(); err != nil {
		return err
	}
	output, err := c.cradle.StdoutPipe()
	if err != nil {
		return err
	}
	if err := c.cradle.Start(); err != nil {
		return err
	}
	if said, err := bufio.NewReader(output).ReadString('\n'); err != nil || said != "ready 0\n" {
		return fmt.Errorf("%s: %q: %s", strings.Join(argv, " "), said, c.lastWords())
	}
	return nil
}

// Kill ends the container's processes and waits for that; its cgroups and its
// state stay.
func (c *Container) Kill() error {
	var err error
	for end := time.Now().Add(bound); time.Now().Before(end); time.Sleep(time.Millisecond) {
		for _, dir := range c.Dirs() {
			signalAll(dir)
		}
		if len(c.Pids()) == 0 {
			return nil
		}
		err = fmt.Errorf("processes %v are still there", c.Pids())
	}
	return err
}

// lastWords is the last line that the runtime wrote.
func (c *Container) lastWords() string {
	text, _ := os.ReadFile(filepath.Join(c.Dir, "log"))
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return lines[len(lines)-1]
}

// await waits until the container has n processes and has not changed for a
// moment: the kernel sends one notification of a cgroup's change in 10 ms.
func (c *Container) await(n int) error {
	for end := time.Now().Add(bound); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if len(c.Pids()) >= n {
			time.Sleep(15 * time.Millisecond)
			return nil
		}
	}
	return fmt.Errorf("%d of %d processes after %s", len(c.Pids()), n, bound)
}

// Hierarchies are the mount points of all cgroup hierarchies, v2 first.
func Hierarchies() []string {
	text, _ := os.ReadFile("/proc/self/mountinfo")
	var points []string
	for l := range strings.Lines(string(text)) {
		pre, post, _ := strings.Cut(l, " - ")
		switch at := strings.Fields(pre)[4]; strings.Fields(post)[0] {
		case "cgroup2":
			points = slices.Insert(points, 0, at)
		case "cgroup":
			points = append(points, at)
		}
	}
	return points
}

// Dirs are the container's cgroups, v2's first.
func (c *Container) Dirs() []string {
	var dirs []string
	for _, h := range Hierarchies() {
		dir := filepath.Join(h, c.Cgroup())
		if _, err := os.Stat(dir); err == nil {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// Pids lists the container's processes as its first cgroup has them, cgroups
// below it included.
func (c *Container) Pids() []string {
	var pids []string
	for _, dir := range c.Dirs()[:min(1, len(c.Dirs()))] {
		for _, d := range below(dir) {
			text, _ := os.ReadFile(filepath.Join(d, "cgroup.procs"))
			pids = append(pids, strings.Fields(string(text))...)
		}
	}
	return pids
}

// Watch appends the container's processes, each with its start time, to a file
// for stopwatch.
func (c *Container) Watch(file string) error {
	var text strings.Builder
	for _, pid := range c.Pids() {
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil {
			continue
		}
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		fmt.Fprintln(&text, pid, fields[19])
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text.String())
	return errors.Join(err, f.Close())
}

// below lists dir and the cgroups below it, children first.
func below(dir string) []string {
	var dirs []string
	_ = filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			dirs = append(dirs, p)
		}
		return nil
	})
	slices.Reverse(dirs)
	return dirs
}

// Remove ends what is left of the container and removes it.
func (c *Container) Remove() error {
	err := c.settle()
	if c.input != nil {
		c.input.Close()
		_ = c.cradle.Wait()
	}
	return errors.Join(err, os.RemoveAll(c.Dir))
}

// Sweep ends and removes what runs left behind that were killed.
func Sweep() error {
	var failed error
	for _, h := range Hierarchies() {
		dirs, err := filepath.Glob(filepath.Join(h, "bench-*-*"))
		failed = errors.Join(failed, err)
		for _, dir := range dirs {
			var owner, n int
			id := filepath.Base(dir)
			if _, err := fmt.Sscanf(id, "bench-%d-%d", &owner, &n); err != nil || unix.Kill(owner, 0) == nil {
				continue
			}
			failed = errors.Join(failed, (&Container{ID: id}).settle())
		}
	}
	return failed
}

// settle ends the container's processes and removes its cgroups.
func (c *Container) settle() error {
	var err error
	for end := time.Now().Add(bound); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if err = c.clear(); err == nil {
			break
		}
	}
	return err
}

// clear kills once and removes what can be removed.
func (c *Container) clear() (failed error) {
	for _, top := range c.Dirs() {
		write(filepath.Join(top, "cgroup.kill"), "1")
		for _, d := range below(top) {
			write(filepath.Join(d, "freezer.state"), "THAWED")
			signalAll(d)
			if err := unix.Rmdir(d); err != nil && !errors.Is(err, unix.ENOENT) {
				failed = fmt.Errorf("remove %s: %w", d, err)
			}
		}
	}
	return failed
}

// signalAll sends SIGKILL to the processes of one cgroup.
func signalAll(dir string) {
	text, _ := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	for _, pid := range strings.Fields(string(text)) {
		if n, err := strconv.Atoi(pid); err == nil && n > 1 {
			_ = unix.Kill(n, unix.SIGKILL)
		}
	}
}

// write writes to a control file that may not be there.
func write(file, text string) {
	if f, err := os.OpenFile(file, os.O_WRONLY, 0); err == nil {
		_, _ = f.WriteString(text)
		f.Close()
	}
}

// Nest makes n cgroups below the container's in each hierarchy, and spreads its
// processes over them.
func (c *Container) Nest(n int) error {
	pids := c.Pids()
	for _, top := range c.Dirs() {
		for i := range n {
			dir := filepath.Join(top, fmt.Sprintf("nested-%d", i))
			if err := os.Mkdir(dir, 0o755); err != nil {
				return err
			}
			if i >= len(pids) {
				continue
			}
			for _, f := range []string{"cpuset.cpus", "cpuset.mems"} { // an empty cpuset takes no process
				if text, err := os.ReadFile(filepath.Join(top, f)); err == nil {
					write(filepath.Join(dir, f), string(text))
				}
			}
			if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(pids[i]), 0); err != nil {
				return err
			}
		}
	}
	return nil
}
