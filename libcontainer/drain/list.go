package drain

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// members is a listing of a tree.
type members struct {
	pids []int // thread-group IDs, ascending, each once
	// more tells that the listing stopped at a bound.
	more bool
	// foreign tells that there are processes of a PID namespace that has no
	// ID for them here.
	foreign bool
}

func (m members) empty() bool { return len(m.pids) == 0 && !m.foreign && !m.more }

// bounds say which of the IDs that a tree has are of interest, and how long to
// look for them. The zero value has all of them, however long it takes.
type bounds struct {
	limit       int // some of them are enough if they are as many
	dirs        int // so many cgroups are enough
	first, last int // the lowest and the highest; 0 is no bound
	// ascending has a file read no further than the highest.
	ascending bool
	// stop is asked between any two calls of which a tree can have any number.
	// Its error ends the reading, and is returned.
	stop func() error
}

// enough tells whether no more IDs are asked for.
func (b bounds) enough(ids []int) bool { return b.limit > 0 && len(ids) >= b.limit }

func (b bounds) stopped() error {
	if b.stop == nil {
		return nil
	}
	return b.stop()
}

// list reads cgroup.procs of the whole subtree, within the bounds.
func (t *Tree) list(b bounds) (members, error) {
	m, err := t.read(b, make([]int, 0, t.listed))
	t.listed = max(t.listed, len(m.pids))
	return m, err
}

// read lists the processes into the place that is given as far as that reaches.
// Cgroups that vanish meanwhile are skipped.
func (t *Tree) read(b bounds, into []int) (members, error) {
	m := members{pids: into}
	if t.dir < 0 {
		return m, t.lost
	}
	w := walk{tree: t, bounds: b}
	err := w.all(func(dir int) error {
		pids, err := readIDs(dir, "cgroup.procs", b, m.pids)
		if errors.Is(err, unix.EOPNOTSUPP) {
			pids, err = readThreadGroups(dir, b, m.pids) // a threaded cgroup
		}
		if vanished(err) {
			return nil
		}
		m.pids = pids // as far as they could be read
		if err != nil {
			return t.error("read cgroup.procs", err)
		}
		if b.enough(pids) {
			m.more = true
			return fs.SkipAll
		}
		return nil
	})
	m.more = m.more || w.cut
	if !slices.IsSorted(m.pids) { // v1's files are
		slices.Sort(m.pids)
	}
	m.pids = slices.Compact(m.pids)
	if len(m.pids) > 0 && m.pids[0] == 0 {
		m.foreign = true
		m.pids = m.pids[1:]
	}
	return m, err
}

// among tells which of the processes that have the IDs pids, ascending, are in
// the subtree.
func (t *Tree) among(pids []int, b bounds) (func(pid int) bool, error) {
	b.limit = 0
	b.first, b.last, b.ascending = pids[0], pids[len(pids)-1], t.Version == V1
	m, err := t.read(b, make([]int, 0, len(pids)))
	in := func(pid int) bool {
		_, found := slices.BinarySearch(m.pids, pid)
		return found
	}
	// That v1's lists are sorted is how the kernel makes them; its documentation
	// promises nothing. Whoever was not found is looked for in all of it.
	if err == nil && t.Version == V1 && !allOf(pids, in) {
		m, err = t.list(bounds{dirs: b.dirs, stop: b.stop})
	}
	return in, err
}

func allOf(pids []int, is func(pid int) bool) bool {
	return !slices.ContainsFunc(pids, func(pid int) bool { return !is(pid) })
}

// Contains tells whether the process that has the ID pid is in the subtree.
func (t *Tree) Contains(pid int) (bool, error) {
	in, err := t.among([]int{pid}, bounds{})
	return in(pid), err
}

// readIDs reads a file of one ID a line and appends those within the bounds to
// list. The file is opened anew each time: on v1 a descriptor goes on to serve
// the list that was made when it was first read. To write that out costs the
// kernel about as much as to make it.
func readIDs(dir int, file string, b bounds, list []int) ([]int, error) {
	fd, err := openat(dir, file, unix.O_RDONLY)
	if err != nil {
		return list, err
	}
	defer unix.Close(fd)
	var (
		parser ids
		over   bool // no more are asked for
		at     int64
		buf    [4096]byte
	)
	for {
		n, err := pread(fd, buf[:], at)
		if err != nil {
			return list, err
		}
		if n == 0 {
			return list, parser.end()
		}
		at += int64(n)
		err = parser.next(buf[:n], func(id int) bool {
			over = b.ascending && b.last > 0 && id > b.last
			if id >= b.first && (b.last == 0 || id <= b.last) {
				list = append(list, id)
			}
			return !over
		})
		if err != nil || over || b.enough(list) {
			return list, err
		}
		if err := b.stopped(); err != nil {
			return list, err
		}
	}
}

// readThreadGroups lists a threaded cgroup, where cgroup.procs can't be read:
// the processes of which any thread is in it. It appends to pids.
func readThreadGroups(dir int, b bounds, pids []int) ([]int, error) {
	tids, err := readIDs(dir, "cgroup.threads", bounds{stop: b.stop}, nil)
	if err != nil {
		return pids, err
	}
	for _, tid := range tids {
		pid, err := threadGroup(tid)
		if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ESRCH) {
			continue
		}
		if err == nil {
			err = b.stopped()
		}
		if err != nil {
			return pids, err
		}
		pids = append(pids, pid)
	}
	return pids, nil
}

// threadGroup is the process that a thread belongs to.
func threadGroup(tid int) (int, error) {
	if tid == 0 {
		return 0, nil
	}
	text, err := readFile(unix.AT_FDCWD, "/proc/"+strconv.Itoa(tid)+"/status")
	if err != nil {
		return 0, err
	}
	pid, err := parseTgid(text)
	if err != nil {
		return 0, fmt.Errorf("/proc/%d/status: %w", tid, err)
	}
	return pid, nil
}

// parseTgid finds the process in /proc/PID/status (proc(5)).
func parseTgid(text string) (int, error) {
	for line := range strings.Lines(text) {
		v, ok := strings.CutPrefix(line, "Tgid:\t")
		if !ok {
			continue
		}
		if v, ok = strings.CutSuffix(v, "\n"); !ok {
			break // cut off
		}
		pid, err := strconv.Atoi(v)
		if err == nil && pid < 0 {
			err = errText
		}
		return pid, err
	}
	return 0, errors.New("there is no line Tgid")
}
