// Command alive lists the living processes that carry a mark: an entry in their
// environment, or a cgroup of a given name. It is the tests' and the demo's
// independent observer: it reads /proc itself, asks no runtime, and signals
// nobody.
//
//	alive [-env KEY=VALUE] [-cgroup GLOB]
//
// Each line is a process: pid, start time in clock ticks since boot, state, name.
// The exit status is 0 if there is any, 1 if there is none, 2 if it cannot tell.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

func main() {
	var m mark
	flag.StringVar(&m.env, "env", "", "an `ENTRY` of the environment")
	flag.StringVar(&m.cgroup, "cgroup", "", "a `PATTERN` for one component of a cgroup's path")
	flag.Parse()
	if _, err := path.Match(m.cgroup, ""); err != nil || m == (mark{}) || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}

	found, err := scan("/proc", m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "alive:", err)
		os.Exit(2)
	}
	for _, p := range found {
		fmt.Println(p.pid, p.start, string(p.state), p.comm)
	}
	if len(found) == 0 {
		os.Exit(1)
	}
}

// A mark tells the processes that are looked for from all others. Either part
// is enough.
type mark struct {
	env    string
	cgroup string
}

type process struct {
	pid   int
	start uint64
	state byte
	comm  string

	kernel bool // a kernel thread
}

// scan looks at every process once. One that vanishes meanwhile is not alive;
// one that cannot be read for any other reason makes the answer unknown.
func scan(proc string, m mark) ([]process, error) {
	dirs, err := os.ReadDir(proc)
	if err != nil {
		return nil, err
	}
	var found []process
	for _, d := range dirs {
		pid, err := strconv.Atoi(d.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		dir := filepath.Join(proc, d.Name())
		p, err := living(dir, m)
		switch {
		case gone(err) || p == nil:
		case err != nil:
			return nil, err
		default:
			p.pid = pid
			found = append(found, *p)
		}
	}
	return found, nil
}

// living is nil if the process does not carry the mark, has terminated, or is a
// kernel thread, as most of a machine's are. A zombie leader whose threads go on
// has not terminated; but it has lost its environment, and on v1 its cgroups, so
// that its threads are asked for the mark.
func living(dir string, m mark) (*process, error) {
	leader, err := stat(filepath.Join(dir, "stat"))
	if err != nil {
		return nil, err
	}
	if leader.kernel {
		return nil, nil
	}
	if !leader.dead() {
		marked, err := m.on(dir)
		if err != nil || !marked {
			return nil, err
		}
		return leader, nil
	}
	threads, err := filepath.Glob(filepath.Join(dir, "task", "*"))
	if err != nil {
		return nil, err
	}
	for _, t := range threads {
		p, err := stat(filepath.Join(t, "stat"))
		marked := false
		if err == nil && !p.dead() {
			marked, err = m.on(t)
		}
		if err != nil && !gone(err) {
			return nil, err
		}
		if marked {
			return leader, nil
		}
	}
	return nil, nil
}

func gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH)
}

func (m mark) on(dir string) (bool, error) {
	if m.cgroup != "" {
		paths, err := read(filepath.Join(dir, "cgroup"))
		if err != nil {
			return false, err
		}
		if m.inCgroup(string(paths)) {
			return true, nil
		}
	}
	if m.env == "" {
		return false, nil
	}
	env, err := read(filepath.Join(dir, "environ"))
	if errors.Is(err, fs.ErrPermission) {
		return false, nil // somebody else's process
	}
	if err != nil {
		return false, err
	}
	for entry := range bytes.SplitSeq(env, []byte{0}) {
		if string(entry) == m.env {
			return true, nil
		}
	}
	return false, nil
}

// inCgroup reads the lines of /proc/PID/cgroup: hierarchy:controllers:path.
func (m mark) inCgroup(lines string) bool {
	if at := strings.IndexAny(m.cgroup+"*", `*?[\`); !strings.Contains(lines, m.cgroup[:at]) {
		return false // as with nearly all processes of the machine
	}
	for line := range strings.Lines(lines) {
		parts := strings.SplitN(strings.TrimSuffix(strings.TrimSpace(line), " (deleted)"), ":", 3)
		if len(parts) != 3 {
			continue
		}
		for name := range strings.SplitSeq(parts[2], "/") {
			if ok, _ := path.Match(m.cgroup, name); ok && name != "" {
				return true
			}
		}
	}
	return false
}

// read reads a file of procfs, in four system calls as a rule: os.ReadFile takes
// ten, and a suite looks at every process of the machine some thousand times.
func read(file string) ([]byte, error) {
	fd, err := ignoringEINTR(func() (int, error) { return syscall.Open(file, syscall.O_RDONLY|syscall.O_CLOEXEC, 0) })
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: file, Err: err}
	}
	defer syscall.Close(fd)
	data := buffer[:0]
	for {
		if len(data) == cap(data) {
			data = slices.Grow(data, cap(data))
		}
		n, err := ignoringEINTR(func() (int, error) { return syscall.Read(fd, data[len(data):cap(data)]) })
		if err != nil {
			return nil, &fs.PathError{Op: "read", Path: file, Err: err}
		}
		if n == 0 {
			buffer = data
			return data, nil
		}
		data = data[:len(data)+n]
	}
}

// buffer is what read reads into; what it returns holds until it is called again.
var buffer = make([]byte, 0, 1<<16)

func ignoringEINTR(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, syscall.EINTR) {
			return n, err
		}
	}
}

func (p *process) dead() bool { return p.state == 'Z' || p.state == 'X' }

// stat reads the name, the state, the flags and the start time (fields 2, 3, 9
// and 22). The name stands in parentheses and may hold any character.
func stat(file string) (*process, error) {
	data, err := read(file)
	if err != nil {
		return nil, err
	}
	opened, closed := bytes.IndexByte(data, '('), bytes.LastIndexByte(data, ')')
	if opened < 0 || closed < opened {
		return nil, fmt.Errorf("%s: no process name in %q", file, data)
	}
	fields := strings.Fields(string(data[closed+1:]))
	if len(fields) < 20 {
		return nil, fmt.Errorf("%s: %d fields after the name", file, len(fields))
	}
	start, err := strconv.ParseUint(fields[19], 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%s: start time: %w", file, err)
	}
	flags, err := strconv.ParseUint(fields[6], 10, 32)
	if err != nil {
		return nil, fmt.Errorf("%s: flags: %w", file, err)
	}
	const kthread = 0x00200000 // PF_KTHREAD of linux/sched.h
	return &process{
		start: start, state: fields[0][0], comm: string(data[opened+1 : closed]),
		kernel: flags&kthread != 0,
	}, nil
}
