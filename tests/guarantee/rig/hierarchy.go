package rig

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Hierarchy is a mounted cgroup hierarchy.
type Hierarchy struct {
	Mount       string
	V2          bool
	Controllers []string // v1: names of controllers, or "name=..."
}

func (h Hierarchy) String() string { return h.Mount }

// Hierarchies are those of the view, v2 first.
func (r *Rig) Hierarchies() []Hierarchy {
	r.Helper()
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		r.Fatal(err)
	}
	defer f.Close()
	var hs []Hierarchy
	for sc := bufio.NewScanner(f); sc.Scan(); {
		pre, post, _ := strings.Cut(sc.Text(), " - ")
		at, kind := strings.Fields(pre)[4], strings.Fields(post)
		switch {
		case !strings.HasPrefix(at, cgroupRoot):
		case kind[0] == "cgroup2":
			hs = slices.Insert(hs, 0, Hierarchy{Mount: at, V2: true})
		case kind[0] == "cgroup":
			hs = append(hs, Hierarchy{Mount: at, Controllers: strings.Split(kind[2], ",")})
		}
	}
	return hs
}

// Hierarchy finds the v1 hierarchy of a controller; "" is v2. The test is
// skipped where there is none.
func (r *Rig) Hierarchy(controller string) Hierarchy {
	r.Helper()
	for _, h := range r.Hierarchies() {
		if controller == "" && h.V2 || controller != "" && slices.Contains(h.Controllers, controller) {
			return h
		}
	}
	r.Skipf("view %s has no hierarchy %q", r.View, controller)
	return Hierarchy{}
}

// Dir is the container's cgroup in a hierarchy.
func (c *Container) Dir(h Hierarchy) string { return filepath.Join(h.Mount, c.Cgroup) }

// KillFile is the cgroup.kill of the container's cgroup; "" where there is none:
// on v1, and before Linux 5.14.
func (c *Container) KillFile() string {
	c.rig.Helper()
	for _, dir := range c.Dirs() {
		file := filepath.Join(dir, "cgroup.kill")
		if _, err := os.Stat(file); err == nil {
			return file
		}
	}
	return ""
}

// Above is the cgroup that the container's is in.
func (c *Container) Above(h Hierarchy) string { return filepath.Dir(c.Dir(h)) }

// Dirs are the container's cgroups in all hierarchies that have one.
func (c *Container) Dirs() []string {
	c.rig.Helper()
	var dirs []string
	for _, h := range c.rig.Hierarchies() {
		if _, err := os.Stat(c.Dir(h)); err == nil {
			dirs = append(dirs, c.Dir(h))
		}
	}
	return dirs
}

// Sub makes a cgroup below the container's in a hierarchy and returns its path.
func (c *Container) Sub(h Hierarchy, name string) string {
	c.rig.Helper()
	dir := filepath.Join(c.Dir(h), name)
	c.rig.mkcgroup(h, dir)
	return dir
}

// Cgroup makes a cgroup that belongs to no container, beside all others, with
// one below it for each further name. It returns the path of the last. They
// are removed when the test ends.
func (r *Rig) Cgroup(h Hierarchy, names ...string) string {
	r.Helper()
	dir := filepath.Join(h.Mount, fmt.Sprintf("beside-%s-%d-%d", r.View, os.Getpid(), serial.Add(1)))
	r.removeLater(dir)
	for _, name := range append([]string{""}, names...) {
		dir = filepath.Join(dir, name)
		r.mkcgroup(h, dir)
	}
	return dir
}

// removeLater removes a cgroup and those below it when the test ends, as soon as
// their processes have.
func (r *Rig) removeLater(dir string) {
	r.Cleanup(func() {
		end := time.Now().Add(Bound)
		for removeCgroup(dir) != nil && time.Now().Before(end) {
			time.Sleep(5 * time.Millisecond)
		}
	})
}

// mkcgroup makes a cgroup that takes processes.
func (r *Rig) mkcgroup(h Hierarchy, dir string) {
	r.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		r.Fatal(err)
	}
	if slices.Contains(h.Controllers, "cpuset") { // an empty cpuset takes no process
		for _, f := range []string{"cpuset.cpus", "cpuset.mems"} {
			for d := filepath.Dir(dir); ; d = filepath.Dir(d) {
				if text, err := os.ReadFile(filepath.Join(d, f)); err != nil || strings.TrimSpace(string(text)) != "" {
					_ = os.WriteFile(filepath.Join(dir, f), text, 0)
					break
				}
			}
		}
	}
}

// Put moves a process into a cgroup directory.
func (r *Rig) Put(pid int, dir string) {
	r.Helper()
	r.Write(filepath.Join(dir, "cgroup.procs"), fmt.Sprint(pid))
}

// Write writes to a file that exists.
func (r *Rig) Write(file, text string) {
	r.Helper()
	if err := write(file, text); err != nil {
		r.Fatalf("write %q to %s: %v", text, file, err)
	}
}

func write(file, text string) error {
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
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

// removeCgroup removes dir and what is below it.
func removeCgroup(dir string) error {
	var failed error
	for _, d := range below(dir) {
		if err := unix.Rmdir(d); err != nil && !errors.Is(err, unix.ENOENT) {
			failed = fmt.Errorf("rmdir %s: %w", d, err)
		}
	}
	return failed
}
