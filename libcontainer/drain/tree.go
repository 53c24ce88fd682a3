package drain

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Version is the version of the cgroup interface that a hierarchy speaks.
type Version int

// The versions there are.
const (
	V1 Version = 1
	V2 Version = 2
)

func (v Version) String() string { return "cgroup v" + strconv.Itoa(int(v)) }

// Tree is a cgroup of one hierarchy with everything below it. It is held by
// descriptor, so it can't come to mean a later cgroup of the same name.
type Tree struct {
	Path    string
	Version Version

	dir     int  // -1 where there is no such cgroup (any more)
	events  int  // cgroup.events of a v2 tree, -1 until it is asked for
	freezer bool // a v1 hierarchy with the freezer
	listed  int  // processes in the longest listing so far
}

// OpenTree opens the cgroup at path. A cgroup that is not there is an empty
// tree, provided that its place is in a hierarchy of the version named;
// otherwise nothing can be known of it, and that is an [*UnverifiableError].
func OpenTree(path string, version Version) (*Tree, error) {
	t := &Tree{Path: path, Version: version, dir: -1, events: -1}
	dir, err := openat(unix.AT_FDCWD, path, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil && !vanished(err) {
		return nil, &UnverifiableError{What: path, Err: err}
	}
	if err == nil {
		t.dir = dir
		if err = inHierarchy(dir, version); err == nil {
			t.freezer = version == V1 && unix.Faccessat(dir, "freezer.self_freezing", unix.F_OK, 0) == nil
			return t, nil
		}
		t.Close()
		return nil, &UnverifiableError{What: path, Err: err}
	}
	if err := placeInHierarchy(filepath.Dir(path), version); err != nil {
		return nil, &UnverifiableError{What: path, Err: err}
	}
	return t, nil
}

// Close releases the tree's descriptors.
func (t *Tree) Close() {
	for _, fd := range []*int{&t.dir, &t.events} {
		if *fd >= 0 {
			unix.Close(*fd)
			*fd = -1
		}
	}
}

// Exists tells whether the cgroup was there when the tree was opened.
func (t *Tree) Exists() bool { return t.dir >= 0 }

// placeInHierarchy checks the nearest directory at or above path.
func placeInHierarchy(path string, version Version) error {
	for {
		dir, err := openat(unix.AT_FDCWD, path, unix.O_PATH|unix.O_DIRECTORY)
		if err == nil {
			err = inHierarchy(dir, version)
			unix.Close(dir)
			return err
		}
		if !vanished(err) || path == "/" || path == "." {
			return err
		}
		path = filepath.Dir(path)
	}
}

// inHierarchy checks that an open directory is on a cgroup file system.
func inHierarchy(dir int, version Version) error {
	var st unix.Statfs_t
	if err := unix.Fstatfs(dir, &st); err != nil {
		return fmt.Errorf("statfs: %w", err)
	}
	magic := map[Version]int64{V1: unix.CGROUP_SUPER_MAGIC, V2: unix.CGROUP2_SUPER_MAGIC}[version]
	if int64(st.Type) != magic { //nolint:unconvert // int32 on 32-bit machines
		return fmt.Errorf("no %s hierarchy is mounted there", version)
	}
	return nil
}

// vanished tells whether err means that a cgroup was removed: ENOENT when it
// is looked up, ENODEV from a control file that was open already.
func vanished(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENODEV)
}

// populated reads cgroup.events of a v2 tree: whether the subtree holds any
// process that has not ended. Zombies don't count.
//
// From Linux 6.19 a task leaves its cgroup only after its parent could reap
// it, and from 7.0 exiting tasks are no longer listed in cgroup.procs; this
// flag stays true for them, so it is the last word on emptiness.
func (t *Tree) populated() (bool, error) {
	if t.dir < 0 {
		return false, nil
	}
	if t.events < 0 {
		fd, err := openat(t.dir, "cgroup.events", unix.O_RDONLY)
		if vanished(err) {
			return false, t.checkRemoved()
		}
		if err != nil {
			return false, t.error("open cgroup.events", err)
		}
		t.events = fd
	}
	var buf [256]byte
	n, err := pread(t.events, buf[:], 0)
	if vanished(err) {
		return false, nil
	}
	if err != nil {
		return false, t.error("read cgroup.events", err)
	}
	for line := range strings.Lines(string(buf[:n])) {
		if v, ok := strings.CutPrefix(line, "populated "); ok {
			return strings.TrimSpace(v) != "0", nil
		}
	}
	return false, t.error("read cgroup.events", errors.New("no line \"populated\""))
}

// checkRemoved makes sure that a control file is missing because its cgroup
// was removed, and not because somebody hides it or the kernel lacks it.
func (t *Tree) checkRemoved() error {
	var st unix.Stat_t
	if err := unix.Fstat(t.dir, &st); err == nil && st.Nlink > 0 {
		if fd, err := openat(t.dir, "cgroup.procs", unix.O_PATH); err == nil {
			unix.Close(fd)
			return t.error("open cgroup.events", unix.ENOENT)
		}
	}
	return nil
}

// kill writes cgroup.kill (Linux 5.14), which sends SIGKILL to the whole
// subtree, processes that are being forked included. It returns
// [errors.ErrUnsupported] where the file is missing, can't be written, or the
// cgroup is threaded (EOPNOTSUPP): the caller then signals one by one.
func (t *Tree) kill() error {
	if t.Version != V2 || t.dir < 0 {
		return errors.ErrUnsupported
	}
	err := write(t.dir, "cgroup.kill", "1")
	switch {
	case err == nil || errors.Is(err, unix.ENODEV):
		return nil
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.EOPNOTSUPP),
		errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM), errors.Is(err, unix.EROFS):
		return errors.ErrUnsupported
	}
	return t.error("write cgroup.kill", err)
}

// members is a listing of a tree.
type members struct {
	pids []int // thread-group IDs, ascending, each once
	// more tells that the listing stopped at the limit asked for.
	more bool
	// foreign tells that there are processes of a PID namespace that has no
	// ID for them here.
	foreign bool
}

func (m members) empty() bool { return len(m.pids) == 0 && !m.foreign }

// bounds say which of the IDs that a tree has are of interest.
type bounds struct {
	limit       int // some of them are enough if they are as many; 0: all
	first, last int // the lowest and the highest
	// ascending has a file read no further than the highest.
	ascending bool
}

// list reads cgroup.procs of the whole subtree, or until it has seen at least
// limit processes (0: no limit).
func (t *Tree) list(limit int) (members, error) {
	m, err := t.read(bounds{limit: limit, last: math.MaxInt}, make([]int, 0, t.listed))
	t.listed = max(t.listed, len(m.pids))
	return m, err
}

// read reads cgroup.procs of the whole subtree within the bounds, into the place
// that is given as far as that reaches. Cgroups that vanish meanwhile are skipped.
func (t *Tree) read(b bounds, into []int) (members, error) {
	m := members{pids: into}
	if t.dir < 0 {
		return m, nil
	}
	err := t.walk(func(dir int) error {
		pids, err := readIDs(dir, "cgroup.procs", b, m.pids)
		if errors.Is(err, unix.EOPNOTSUPP) {
			pids, err = readThreadGroups(dir, m.pids) // a threaded cgroup
		}
		if err != nil {
			if vanished(err) {
				return nil
			}
			return t.error("read cgroup.procs", err)
		}
		m.pids = pids
		if b.enough(m.pids) {
			m.more = true
			return fs.SkipAll
		}
		return nil
	})
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

// Contains tells whether the process that has the ID pid is in the subtree.
func (t *Tree) Contains(pid int) (bool, error) {
	in, err := t.among([]int{pid})
	return in(pid), err
}

// enough tells whether no more IDs are asked for.
func (b bounds) enough(ids []int) bool { return b.limit > 0 && len(ids) >= b.limit }

// readIDs reads a file of one ID a line and appends those within the bounds to
// ids. The file is opened anew each time: on v1 a descriptor goes on to serve
// the list that was made when it was first read. To write that out costs the
// kernel about as much as to make it.
func readIDs(dir int, file string, b bounds, ids []int) ([]int, error) {
	fd, err := openat(dir, file, unix.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var (
		id   int
		some bool
		at   int64
		buf  [4096]byte
	)
	for {
		n, err := pread(fd, buf[:], at)
		if err != nil {
			return nil, err
		}
		if n == 0 || b.enough(ids) {
			return ids, nil
		}
		at += int64(n)
		for _, c := range buf[:n] {
			switch {
			case c >= '0' && c <= '9':
				id, some = id*10+int(c-'0'), true
				continue
			case some && id >= b.first && id <= b.last:
				ids = append(ids, id)
			case some && id > b.last && b.ascending:
				return ids, nil
			}
			id, some = 0, false
		}
	}
}

// readThreadGroups lists a threaded cgroup, where cgroup.procs can't be read:
// the processes of which any thread is in it. It appends to pids.
func readThreadGroups(dir int, pids []int) ([]int, error) {
	tids, err := readIDs(dir, "cgroup.threads", bounds{last: math.MaxInt}, nil)
	if err != nil {
		return nil, err
	}
	for _, tid := range tids {
		pid, err := threadGroup(tid)
		if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ESRCH) {
			continue
		}
		if err != nil {
			return nil, err
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
	var buf [2048]byte
	text, err := readSmall(unix.AT_FDCWD, "/proc/"+strconv.Itoa(tid)+"/status", buf[:])
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(text) {
		if v, ok := strings.CutPrefix(line, "Tgid:"); ok {
			return strconv.Atoi(strings.TrimSpace(v))
		}
	}
	return 0, fmt.Errorf("/proc/%d/status has no line Tgid", tid)
}

// error says what was being done to which file of the tree.
func (t *Tree) error(doing string, err error) error {
	return fmt.Errorf("%s of %s: %w", doing, t.Path, err)
}

// frame is one directory on the way down from the top of a walk.
type frame struct {
	fd       int // -1 while given up to save descriptors
	children []string
}

// walkOpen is how many directories of the way down a walk keeps open; it gets
// back to the others through "..".
const walkOpen = 8

// walk calls visit with each directory of the subtree, parents first. It uses
// a bounded number of descriptors at any depth. [fs.SkipAll] ends it.
func (t *Tree) walk(visit func(dir int) error) (err error) {
	stack := make([]frame, 0, 4)
	defer func() {
		for _, f := range stack[min(1, len(stack)):] { // the first is the tree's own
			if f.fd >= 0 {
				unix.Close(f.fd)
			}
		}
		if errors.Is(err, fs.SkipAll) {
			err = nil
		}
	}()
	enter := func(fd int) error {
		stack = append(stack, frame{fd: fd})
		if err := visit(fd); err != nil {
			return err
		}
		children, err := subdirectories(fd)
		if err != nil && !vanished(err) {
			return t.error("list directory", err)
		}
		stack[len(stack)-1].children = children
		return nil
	}
	if err := enter(t.dir); err != nil {
		return err
	}
	for {
		depth := len(stack)
		cur := &stack[depth-1]
		switch {
		case len(cur.children) > 0:
			name := cur.children[0]
			cur.children = cur.children[1:]
			fd, err := openat(cur.fd, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW)
			if vanished(err) {
				continue
			}
			if err != nil {
				return t.error("open directory "+name, err)
			}
			if depth > walkOpen {
				unix.Close(cur.fd)
				cur.fd = -1
			}
			if err := enter(fd); err != nil {
				return err
			}
		case depth == 1:
			return nil
		default:
			if up := &stack[depth-2]; up.fd < 0 {
				if up.fd, err = openat(cur.fd, "..", unix.O_RDONLY|unix.O_DIRECTORY); err != nil {
					return t.error("open parent directory", err)
				}
			}
			unix.Close(cur.fd)
			stack = stack[:depth-1]
		}
	}
}

// subdirectories lists the names of the directories in an open directory. A
// cgroup's link count is two more than the number of its children, which saves
// reading the directory of a leaf.
func subdirectories(dir int) ([]string, error) {
	var st unix.Stat_t
	if err := unix.Fstat(dir, &st); err != nil {
		return nil, err
	}
	if st.Nlink <= 2 {
		return nil, nil
	}
	dup, err := openat(dir, ".", unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(dup), "cgroup")
	defer f.Close()
	entries, err := f.ReadDir(-1)
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, err
}
