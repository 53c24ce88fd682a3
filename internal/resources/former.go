package resources

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// files are the control files that an update writes and that read back in a
// form that can be written again, by the v1 controller or, under "", those of
// cgroup v2. The lists of throttled devices don't.
var files = map[string][]string{
	"blkio":  {"blkio.weight", "blkio.leaf_weight", "blkio.bfq.weight"},
	"cpu":    {"cpu.idle", "cpu.shares", "cpu.cfs_period_us", "cpu.cfs_quota_us", "cpu.cfs_burst_us", "cpu.rt_period_us", "cpu.rt_runtime_us"},
	"cpuset": {"cpuset.cpus", "cpuset.mems"},
	"memory": {"memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.soft_limit_in_bytes"},
	"pids":   {"pids.max"},
	"": {
		"cpu.idle", "cpu.weight", "cpu.max", "cpu.max.burst", "cpuset.cpus", "cpuset.mems", "io.weight", "io.bfq.weight",
		"memory.low", "memory.max", "memory.swap.max", "pids.max",
	},
}

// former holds the contents of control files, as they were before an update.
// The container's configuration does not tell them: it has no value for a limit
// that was never set.
type former []setting

type setting struct{ path, value string }

// remember reads the control files of the cgroups paths (by controller), and
// those that unified names.
func remember(paths, unified map[string]string) former {
	var f former
	for controller, dir := range paths {
		names := slices.Clone(files[controller])
		if controller == "" {
			for name := range unified {
				if !slices.Contains(names, name) && !strings.Contains(name, "/") {
					names = append(names, name)
				}
			}
		}
		for _, name := range names {
			path := filepath.Join(dir, name)
			if value, err := content(path); err == nil {
				f = append(f, setting{path, value})
			}
		}
	}
	return f
}

// content reads a control file in three system calls. [os.ReadFile] takes eleven
// of a file of cgroupfs, to have the Go runtime wait for it, and an update reads
// all that there are.
func content(path string) (string, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	text := make([]byte, os.Getpagesize()) // none of these files is longer
	n, err := unix.Read(fd, text)
	if err != nil {
		return "", &fs.PathError{Op: "read", Path: path, Err: err}
	}
	return string(text[:n]), nil
}

// restore writes back what differs. Some limits bound each other (memory and
// memory with swap, quota and period), so those that are refused are tried
// again as long as others succeed.
func (f former) restore() error {
	todo := slices.Clone(f)
	for {
		var failed former
		var first error
		for _, s := range todo {
			if err := s.restore(); err != nil {
				failed, first = append(failed, s), cmp.Or(first, err)
			}
		}
		if len(failed) == 0 || len(failed) == len(todo) {
			return first
		}
		todo = failed
	}
}

func (s setting) restore() error {
	now, err := content(s.path)
	if errors.Is(err, os.ErrNotExist) || err == nil && now == s.value {
		return nil // gone with the container, or unchanged
	}
	f, err := os.OpenFile(s.path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if _, err := f.WriteString(s.value); err != nil {
		return errors.Join(fmt.Errorf("set back to %q: %w", strings.TrimSpace(s.value), err), f.Close())
	}
	return f.Close()
}
