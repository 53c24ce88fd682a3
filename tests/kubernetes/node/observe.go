package node

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Living lists the living processes that have the entry in their environment or
// are in the cgroup of that pod or container, as tests/cmd/alive sees them: pid,
// start time, state, name.
func (n *Node) Living(env, id string) ([]string, error) {
	args := []string{"-env", env}
	if id != "" {
		// systemd's names have more, and no dashes.
		args = append(args, "-cgroup", "*"+strings.ReplaceAll(id, "-", "?")+"*")
	}
	text, err := exec.Command(n.Alive, args...).Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == 1 {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("%s: %w", n.Alive, err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n"), nil
}

// Things lists what pods have on a node besides their own processes: the
// processes of engine and runtime that belong to one, cgroups, mounts, and state
// directories.
func (n *Node) Things() ([]string, error) {
	var all []string
	for _, look := range []func() ([]string, error){n.helpers, n.cgroups, n.mounts, n.states} {
		found, err := look()
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// helpers are shims and runtimes, by the names of their programs. What becomes
// of a runtime on its way to be a container's process runs from a copy, and
// names itself after the stage.
func (n *Node) helpers() ([]string, error) {
	pids, err := Processes()
	if err != nil {
		return nil, err
	}
	programs := slices.Collect(maps.Values(n.Programs))
	var found []string
	for _, pid := range pids {
		exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
		if err != nil {
			continue // it is gone, or the kernel's
		}
		name := filepath.Base(exe)
		if comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); strings.HasPrefix(string(comm), "runc:[") {
			name = strings.TrimSpace(string(comm))
		} else if !strings.HasPrefix(name, "containerd-shim") && !slices.Contains(programs, exe) {
			continue
		}
		found = append(found, fmt.Sprintf("process %d %s", pid, name))
	}
	return found, nil
}

// Processes lists all process IDs.
func Processes() ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

var ofPod = regexp.MustCompile(`pod[0-9a-f_-]{36}`)

func (n *Node) cgroups() ([]string, error) {
	roots, err := Hierarchies()
	if err != nil {
		return nil, err
	}
	var found []string
	for _, root := range roots {
		err := filepath.WalkDir(filepath.Join(root, n.Cgroup), func(path string, d fs.DirEntry, err error) error {
			switch {
			case errors.Is(err, fs.ErrNotExist): // removed meanwhile
				return nil
			case err != nil:
				return err
			case d.IsDir() && ofPod.MatchString(path):
				found = append(found, "cgroup "+strings.TrimPrefix(path, root))
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	// In version 1 each is in several hierarchies.
	slices.Sort(found)
	return slices.Compact(found), nil
}

func (n *Node) mounts() ([]string, error) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	var found []string
	for line := range strings.Lines(string(text)) {
		at := strings.Fields(line)[4]
		for _, dir := range []string{n.path("containerd"), n.path("kubelet"), n.StateDir()} {
			if strings.HasPrefix(at, dir+"/") {
				found = append(found, "mount "+at)
			}
		}
	}
	return found, nil
}

func (n *Node) states() ([]string, error) {
	var found []string
	for _, dir := range []string{"runc/k8s.io", "io.containerd.runtime.v2.task/k8s.io"} {
		entries, err := os.ReadDir(filepath.Join(n.StateDir(), dir))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for _, e := range entries {
			if e.IsDir() {
				found = append(found, "state "+filepath.Join(dir, e.Name()))
			}
		}
	}
	return found, nil
}

// Lives tells whether a process lives that was listed by [Node.Living].
func Lives(line string) bool {
	was := strings.Fields(line)
	text, err := os.ReadFile("/proc/" + was[0] + "/stat")
	if err != nil {
		return false
	}
	is := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	return len(is) > 19 && is[19] == was[1] && is[0] != "Z" && is[0] != "X"
}
