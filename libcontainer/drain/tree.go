package drain

import (
	"errors"
	"fmt"
	"path/filepath"
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

	dir     int   // -1 where there is no such cgroup (any more)
	events  int   // cgroup.events of a v2 tree, -1 until it is asked for
	freezer bool  // a v1 hierarchy with the freezer
	listed  int   // processes in the longest listing so far
	lost    error // why it is held no more
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

// Dir is the descriptor that the cgroup is held by, until [Tree.Close]; -1 where it
// was not there when the tree was opened.
func (t *Tree) Dir() int { return t.dir }

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
	text, err := readAgain(t.events)
	if vanished(err) {
		return false, nil
	}
	if err != nil {
		return false, t.error("read cgroup.events", err)
	}
	empty := false
	for line := range strings.Lines(text) {
		if v, ok := strings.CutPrefix(line, "populated "); ok {
			if empty = v == "0\n"; !empty {
				return true, nil
			}
		}
	}
	if empty {
		return false, nil
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

// closeEvents closes cgroup.events until it is asked for again. It tells whether
// it was open.
func (t *Tree) closeEvents() bool {
	if t.events < 0 {
		return false
	}
	unix.Close(t.events)
	t.events = -1
	return true
}

// removed tells whether the cgroup has been removed since it was opened.
func (t *Tree) removed() bool {
	fd, err := openat(t.dir, "cgroup.procs", unix.O_PATH)
	if err == nil {
		unix.Close(fd)
	}
	return vanished(err)
}

// giveUp releases the tree's descriptors for want of more. From then on nothing
// can be known of it.
func (t *Tree) giveUp(why error) {
	t.Close()
	t.lost = fmt.Errorf("it was given up, so that others can be killed: %w", why)
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

// error says what was being done to which file of the tree.
func (t *Tree) error(doing string, err error) error {
	return fmt.Errorf("%s of %s: %w", doing, t.Path, err)
}
