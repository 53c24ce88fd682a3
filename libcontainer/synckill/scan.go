package synckill

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/opencontainers/runc/libcontainer/configs"
	"github.com/opencontainers/runc/libcontainer/system"
	"golang.org/x/sys/unix"
)

// namespaceSource is a [drain.Source] of the processes in the container's
// namespaces: those whose user and mount namespace are the container's, and
// those whose user namespace was made below one that was made for it.
type namespaceSource struct {
	identity
	pin
	users []configs.IDMap // of the user namespace, if it was made for the container
}

func (s *namespaceSource) String() string {
	return fmt.Sprintf("the processes of user namespace %d and mount namespace %d", s.User, s.Mount)
}

// relation is what a process has to do with the container.
type relation int

const (
	stranger relation = iota
	member
	// unclear is a process in the container's own user namespace, or below
	// it, that can't be told from one of another container which joined it.
	unclear
	// hidden is a process that seems to be in the container's user namespace,
	// and does not show its namespaces: it runs a program that may not be
	// read, or is on its way into another container of the same user's.
	hidden
	// ended is one that has been listed and is gone, or a zombie, when it is
	// looked at.
	ended
)

// scans is how often Pids goes over /proc at the most, for two scans in a row
// in which nobody ended before being looked at.
const scans = 50

// Pids goes over /proc. A process that ends between being listed and being
// looked at may have been the container's, and have left a child that is not in
// the list. So only scans without such a process say that there is none; two in
// a row, since a child whose ID comes before its parent's, when IDs start over,
// may have been passed already. On a host where processes come and go all the
// time the last that ended are listed instead; and those that are hidden are,
// for as long as they are there. Neither are signalled, but waited for.
func (s *namespaceSource) Pids(stop func() error) ([]int, error) {
	of := func(pid int) (relation, error) { return s.relation(processDir(pid)) }
	return goOver(of, stop, func(f map[relation][]int) ([]int, error) {
		switch {
		case len(f[member]) > 0:
			return f[member], nil
		case len(f[unclear]) > 0:
			return nil, fmt.Errorf("processes %v are in its user namespace but not in its mount namespace, and may be another container's", f[unclear])
		}
		return f[hidden], nil
	})
}

// goOver scans /proc until take finds somebody among who was found, or until two
// scans in a row have missed nobody.
func goOver(of func(pid int) (relation, error), stop func() error, take func(map[relation][]int) ([]int, error)) ([]int, error) {
	var (
		known = map[int]bool{os.Getpid(): true} // strangers and dead
		last  []int
	)
	for quiet, n := 0, 0; quiet < 2 && n < scans; n++ {
		f, err := scan(known, of, stop)
		if err != nil {
			return nil, err
		}
		if pids, err := take(f); err != nil || len(pids) > 0 {
			return pids, err
		}
		if last = f[ended]; len(last) > 0 {
			quiet = 0
		} else {
			quiet++
		}
	}
	return last, nil
}

// always is for looks that nothing bounds but their own end.
func always() error { return nil }

// scan lists the processes that are not known, and makes those known that need
// not be looked at again.
func scan(known map[int]bool, of func(pid int) (relation, error), stop func() error) (map[relation][]int, error) {
	pids, err := numbered("/proc")
	if err != nil {
		return nil, err
	}
	found := map[relation][]int{}
	for _, pid := range pids {
		if known[pid] {
			continue
		}
		if err := stop(); err != nil {
			return nil, err
		}
		r, err := of(pid)
		if err != nil {
			return nil, err
		}
		found[r] = append(found[r], pid)
		known[pid] = r == stranger || r == ended
	}
	return found, nil
}

// numbered lists the processes of /proc, or the threads of a process. It takes
// nothing but the names: os.ReadDir leaves out who has ended since.
func numbered(dir string) (ids []int, err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	for _, name := range names {
		if id, err := strconv.Atoi(name); err == nil {
			ids = append(ids, id)
		}
	}
	return ids, err
}

// threads lists the threads of a process; none if it is gone.
func threads(dir string) ([]int, error) {
	ids, err := numbered(dir + "/task")
	if gone(err) {
		return nil, nil
	}
	return ids, err
}

func processDir(pid int) string { return "/proc/" + strconv.Itoa(pid) }

// Has tells whether a process is the container's.
func (s *namespaceSource) Has(pid int) bool {
	r, err := s.relation(processDir(pid))
	return err == nil && r == member
}

// relation looks at the first thread of the process that has the directory dir
// in /proc, and, if that has ended, at the others. Whoever ends while being
// looked at has ended, whatever was seen of it; a failure that says nothing
// about the process is an error.
func (s *namespaceSource) relation(dir string) (relation, error) {
	r, err := s.of(dir)
	if gone(err) {
		r, err = s.ofOthers(dir)
	}
	if !errors.Is(err, fs.ErrPermission) {
		return r, err
	}
	// The owner of a user namespace may look at all that is in it, except for
	// zombies and programs that may not be read.
	like, err := s.likeOwn(dir)
	switch {
	case gone(err):
		return ended, nil
	case err != nil || !like:
		return stranger, err
	}
	alive, err := runs(dir)
	switch {
	case err != nil:
		return stranger, err
	case alive:
		return hidden, nil
	}
	return ended, nil
}

// ofOthers tells the relation of a process whose first thread has ended.
func (s *namespaceSource) ofOthers(dir string) (relation, error) {
	ids, err := threads(dir)
	if err != nil {
		return stranger, err
	}
	for _, id := range ids {
		if r, err := s.of(dir + "/task/" + strconv.Itoa(id)); !gone(err) {
			return r, err
		}
	}
	return ended, nil
}

// gone tells whether an error of /proc says that the process, or what was asked
// of it, is there no more.
func gone(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) }

// likeOwn tells whether a process that hides its namespaces has the IDs of the
// container's user namespace. Anybody may read these.
func (s *namespaceSource) likeOwn(dir string) (bool, error) {
	if !s.OwnUser {
		return false, nil
	}
	text, err := os.ReadFile(dir + "/uid_map")
	switch {
	case errors.Is(err, unix.EINVAL): // it ended between the lookup and the opening
		return false, unix.ESRCH
	case errors.Is(err, fs.ErrPermission):
		return false, nil
	case err != nil:
		return false, err
	}
	var want []string
	for _, m := range s.users {
		want = append(want, fmt.Sprint(m.ContainerID), fmt.Sprint(m.HostID), fmt.Sprint(m.Size))
	}
	return len(want) > 0 && slices.Equal(strings.Fields(string(text)), want), nil
}

// runs tells whether any thread of a process has not ended.
func runs(dir string) (bool, error) {
	ids, err := threads(dir)
	return slices.ContainsFunc(ids, func(id int) bool {
		st, err := system.Stat(id)
		return !gone(err) && st.State != system.Zombie && st.State != system.Dead
	}), err
}

// of tells the relation of the thread that has the directory dir in /proc.
func (s *namespaceSource) of(dir string) (relation, error) {
	user, err := namespaceInode(dir + "/ns/user")
	if err != nil {
		return stranger, err
	}
	if user == s.User {
		mount, err := namespaceInode(dir + "/ns/mnt")
		switch {
		case err != nil:
			return stranger, err
		case mount != s.Mount && s.OwnUser && s.user != nil:
			return unclear, nil
		case mount != s.Mount:
			return stranger, nil
		}
		if same, err := s.sameMount(dir + "/ns/mnt"); err != nil || !same {
			return stranger, err
		}
		if s.user == nil {
			// init is gone; from now on this one keeps the numbers from
			// being reused.
			if id, p, err := pinNamespaces(dir); err == nil && id.MountID == s.MountID {
				s.pin = p
			}
		}
		return member, nil
	}
	if !s.OwnUser {
		return stranger, nil
	}
	below, err := s.below(dir + "/ns/user")
	switch {
	case err != nil || !below:
		return stranger, err
	case s.user == nil:
		return unclear, nil
	}
	return member, nil
}

// sameMount compares what is never reused, where the kernel has it.
func (s *namespaceSource) sameMount(path string) (bool, error) {
	if s.MountID == 0 {
		return true, nil // pinned since before
	}
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	return mountID(f) == s.MountID, nil
}

// nestingLimit is the kernel's own, on user namespaces within each other.
const nestingLimit = 32

// below tells whether a user namespace descends from the container's.
func (s *namespaceSource) below(path string) (bool, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return false, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer func() { unix.Close(fd) }()
	for range nestingLimit {
		// EPERM: the parent is outside of the caller's own namespace.
		parent, err := unix.IoctlRetInt(fd, unix.NS_GET_PARENT)
		if errors.Is(err, fs.ErrPermission) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("parent of %s: %w", path, err)
		}
		unix.Close(fd)
		fd = parent
		var st unix.Stat_t
		if err := unix.Fstat(fd, &st); err != nil {
			return false, fmt.Errorf("stat parent of %s: %w", path, err)
		}
		if st.Ino == s.User {
			return true, nil
		}
	}
	return false, nil
}
