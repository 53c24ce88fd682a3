// Package stage prepares what the measurements need: the benchmark's C
// programs, a root file system for containers, the runtimes, and a view of
// each cgroup layout.
package stage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"runcsync/bench/internal/sample"
)

// Runtime is a runtime to be measured.
type Runtime struct {
	Name string
	Path string
	Env  []string // besides PATH
}

// Version is the first line of what "--version" prints.
func (r Runtime) Version() string {
	cmd := exec.Command(r.Path, "--version")
	cmd.Env = append(os.Environ(), r.Env...)
	out, err := cmd.Output()
	if err != nil {
		return err.Error()
	}
	first, _, _ := strings.Cut(string(out), "\n")
	return first
}

// Stage is a directory with all of it.
type Stage struct {
	Dir  string
	Repo string // the runtime's sources
}

// Program is the path of one of the benchmark's C programs.
func (s Stage) Program(name string) string { return filepath.Join(s.Dir, name) }

// Rootfs is the containers' root file system, with crowd as /bin/crowd.
func (s Stage) Rootfs() string { return filepath.Join(s.Dir, "rootfs") }

// Runtimes are those that are there: ours and upstream's always, an earlier
// build of ours if one is named, and the distribution's as bench/peers fetched
// them. Each is a copy: how a file was written decides how it lies in the page
// cache, and a binary as the linker leaves it starts a tenth slower.
func (s Stage) Runtimes(ours, upstream, before, peers string) (rs []Runtime, err error) {
	candidates := []Runtime{
		{Name: "ours", Path: ours},
		{Name: "upstream", Path: upstream},
		{Name: "before", Path: before},
	}
	if peers != "" {
		if peers, err = filepath.Abs(peers); err != nil {
			return nil, err
		}
		libraries, err := filepath.Glob(filepath.Join(peers, "usr/lib/*-linux-gnu"))
		if err != nil {
			return nil, err
		}
		env := []string{"LD_LIBRARY_PATH=" + strings.Join(libraries, ":")}
		candidates = append(candidates,
			Runtime{Name: "debian", Path: filepath.Join(peers, "usr/sbin/runc"), Env: env},
			Runtime{Name: "crun", Path: filepath.Join(peers, "usr/bin/crun"), Env: env})
	}
	for _, r := range candidates {
		if r.Path == "" {
			continue
		}
		text, err := os.ReadFile(r.Path)
		if len(r.Env) > 0 && errors.Is(err, fs.ErrNotExist) {
			continue // a peer that apt does not have
		}
		if err != nil {
			return nil, err
		}
		r.Path = filepath.Join(s.Dir, "runtimes", r.Name)
		if err := os.MkdirAll(filepath.Dir(r.Path), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(r.Path, text, 0o755); err != nil {
			return nil, err
		}
		rs = append(rs, r)
	}
	return rs, nil
}

// Build compiles the programs and lays out the root file system.
func (s Stage) Build() error {
	sources, err := filepath.Glob(filepath.Join(s.Repo, "bench/c/*.c"))
	if err != nil {
		return err
	}
	sources = append(sources, filepath.Join(s.Repo, "tests/guarantee/testdata/systrace.c"))
	for _, dir := range []string{"bin", "dev", "proc", "sys", "tmp"} {
		if err := os.MkdirAll(filepath.Join(s.Rootfs(), dir), 0o755); err != nil {
			return err
		}
	}
	for _, c := range sources {
		out := s.Program(strings.TrimSuffix(filepath.Base(c), ".c"))
		if filepath.Base(c) == "crowd.c" {
			out = filepath.Join(s.Rootfs(), "bin/crowd")
		}
		text, err := exec.Command("gcc", "-O2", "-Wall", "-Werror", "-static", "-o", out, c).CombinedOutput()
		if err != nil {
			return fmt.Errorf("compile %s: %w\n%s", c, err, text)
		}
	}
	return nil
}

// Describe tells what the machine is.
func (s Stage) Describe(date string, runtimes []Runtime, missing map[string]string) sample.Machine {
	m := sample.Machine{Date: date, Cores: cores(), Versions: map[string]string{}, Missing: missing}
	m.Kernel = line("/proc/sys/kernel/osrelease", "")
	m.Load = strings.Join(strings.Fields(line("/proc/loadavg", ""))[:1], "")
	if was, err := unix.Getpriority(unix.PRIO_PROCESS, 0); err == nil {
		m.Nice = 20 - was // the system call returns it turned round
	}
	m.CPU = strings.TrimSpace(strings.TrimLeft(line("/proc/cpuinfo", "model name"), "\t :"))
	var kb int
	_, _ = fmt.Sscanf(line("/proc/meminfo", "MemTotal:"), "%d", &kb)
	m.MemoryGB = (kb + 1<<19) >> 20
	if out, err := exec.Command("git", "-C", s.Repo, "describe", "--always", "--dirty", "--abbrev=12").Output(); err == nil {
		m.Commit = strings.TrimSpace(string(out))
	}
	for _, r := range runtimes { // those that can't be started say why
		m.Versions[r.Name] = r.Version()
	}
	return m
}

// Running is how many threads run now, or could.
func Running() int {
	n := 0
	_, _ = fmt.Sscan(line("/proc/stat", "procs_running"), &n)
	return n
}

func cores() int {
	out, err := exec.Command("nproc").Output()
	n := 0
	if err == nil {
		_, _ = fmt.Sscanf(string(out), "%d", &n)
	}
	return n
}

// line is the rest of a file's first line that begins with prefix.
func line(file, prefix string) string {
	text, _ := os.ReadFile(file)
	for l := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(l, prefix); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}
