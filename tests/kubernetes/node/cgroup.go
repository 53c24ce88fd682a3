package node

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Hierarchies are the mount points of the cgroup hierarchies.
func Hierarchies() ([]string, error) {
	text, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return nil, err
	}
	var found []string
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) > 2 && (f[2] == "cgroup" || f[2] == "cgroup2") && strings.HasPrefix(f[1], "/sys/fs/cgroup") {
			found = append(found, f[1])
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no cgroup hierarchy below /sys/fs/cgroup")
	}
	return found, nil
}

func (n *Node) makeCgroup() error {
	if n.Systemd {
		return nil
	}
	return makeCgroup(n.Cgroup)
}

// makeCgroup makes a cgroup in each hierarchy that takes processes: in version 1
// a cpuset has to have been given some CPU and memory.
func makeCgroup(path string) error {
	all, err := Hierarchies()
	if err != nil {
		return err
	}
	for _, root := range all {
		at := root
		for part := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
			from := at
			at = filepath.Join(at, part)
			if err := os.MkdirAll(at, 0o755); err != nil {
				return err
			}
			for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
				text, err := os.ReadFile(filepath.Join(from, file))
				if err != nil || from == root && strings.HasSuffix(root, "unified") {
					continue
				}
				if err := os.WriteFile(filepath.Join(at, file), text, 0o644); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// Move moves a process to a cgroup, in each hierarchy, and makes that first.
func Move(pid int, path string) error {
	if err := makeCgroup(path); err != nil {
		return err
	}
	all, err := Hierarchies()
	if err != nil {
		return err
	}
	for _, root := range all {
		file := filepath.Join(root, path, "cgroup.procs")
		if err := os.WriteFile(file, []byte(strconv.Itoa(pid)), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// RemoveCgroup removes an empty cgroup from each hierarchy.
func RemoveCgroup(path string) error {
	all, err := Hierarchies()
	if err != nil {
		return err
	}
	for _, root := range all {
		if err := os.Remove(filepath.Join(root, path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
