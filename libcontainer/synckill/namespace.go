package synckill

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"github.com/opencontainers/runc/libcontainer"
	"github.com/opencontainers/runc/libcontainer/configs"
	"github.com/opencontainers/runc/libcontainer/system"
	"golang.org/x/sys/unix"

	"runcsync/libcontainer/drain"
)

// A rootless container without a delegated cgroup shares its cgroup with
// whatever else its user runs. If it shares the PID namespace as well, its
// processes are told by their user and mount namespace instead. These are
// noted when the container is made, since init may be gone when they are
// needed.

// identity names a container's namespaces.
type identity struct {
	// User and Mount are inode numbers of nsfs. The kernel reuses them once a
	// namespace is gone.
	User  uint64 `json:"user"`
	Mount uint64 `json:"mount"`
	// MountID is never reused; 0 before Linux 6.11, see mountID.
	MountID uint64 `json:"mount_id,omitempty"`
	// OwnUser says that the user namespace was made for this container.
	OwnUser bool `json:"own_user"`
}

const identityFile = "namespaces.json"

// RecordNamespaces notes the namespaces of a container whose process has been
// created and not started yet, if they will be needed to find its processes.
func RecordNamespaces(c *libcontainer.Container, stateDir string) error {
	config := c.Config()
	if !config.RootlessCgroups || config.Namespaces.IsPrivate(configs.NEWPID) {
		return nil
	}
	s, err := New(c, stateDir)
	if err != nil {
		return err
	}
	m := &members{}
	defer m.close()
	if err := m.openTrees(s.state.CgroupPaths); err == nil && m.hold(s.state.InitProcessPid) {
		return nil
	}
	id, pin, err := s.initNamespaces()
	if err != nil {
		return fmt.Errorf("note namespaces of container %s: %w", c.ID(), err)
	}
	pin.close()
	return id.write(stateDir)
}

// write stores the identity atomically.
func (id identity) write(stateDir string) error {
	data, err := json.Marshal(id)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(stateDir, identityFile+"-")
	if err != nil {
		return err
	}
	_, err = tmp.Write(data)
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), filepath.Join(stateDir, identityFile))
	}
	if err != nil {
		os.Remove(tmp.Name())
	}
	return err
}

// pin keeps a user and a mount namespace alive, and so their inode numbers
// from being reused.
type pin struct{ user, mount *os.File }

func (p pin) close() {
	for _, f := range []*os.File{p.user, p.mount} {
		if f != nil {
			f.Close()
		}
	}
}

// pinNamespaces opens the namespaces of a process, or thread, by its directory
// in /proc, and names them.
func pinNamespaces(dir string) (id identity, p pin, err error) {
	if p.user, err = os.Open(dir + "/ns/user"); err == nil {
		p.mount, err = os.Open(dir + "/ns/mnt")
	}
	if err == nil {
		id.User, err = inode(p.user)
	}
	if err == nil {
		id.Mount, err = inode(p.mount)
	}
	if err != nil {
		p.close()
		return identity{}, pin{}, err
	}
	id.MountID = mountID(p.mount)
	return id, p, nil
}

func inode(f *os.File) (uint64, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return 0, fmt.Errorf("stat %s: %w", f.Name(), err)
	}
	return st.Ino, nil
}

// nsGetMountID is NS_GET_MNTNS_ID of linux/nsfs.h, _IOR(0xb7, 5, __u64).
const nsGetMountID = 0x8008b705

// mountID asks for the number of a mount namespace that is its own for good
// (Linux 6.11); 0 if the kernel can't tell.
func mountID(f *os.File) (id uint64) {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), nsGetMountID, uintptr(unsafe.Pointer(&id)))
	if errno != 0 {
		return 0
	}
	return id
}

// initNamespaces names and pins the namespaces of a living init.
func (c *Container) initNamespaces() (identity, pin, error) {
	namespaces := c.state.Config.Namespaces
	if !namespaces.Contains(configs.NEWNS) {
		return identity{}, pin{}, errors.New("it has no mount namespace of its own, nothing tells its processes from others")
	}
	id, p, err := pinNamespaces(processDir(c.state.InitProcessPid))
	if err != nil {
		return id, p, err
	}
	// The process could have ended, and its ID gone to somebody else, before
	// its namespaces were opened.
	if !c.initLives() {
		p.close()
		return id, pin{}, libcontainer.ErrNotRunning
	}
	id.OwnUser = namespaces.IsPrivate(configs.NEWUSER)
	return id, p, nil
}

// initLives tells whether the process of the state file runs.
func (c *Container) initLives() bool {
	st, err := system.Stat(c.state.InitProcessPid)
	return err == nil && st.StartTime == c.state.InitProcessStartTime && st.State != system.Zombie && st.State != system.Dead
}

// byNamespaces finds the container's processes by their namespaces; nil if its
// cgroups do.
func (c *Container) byNamespaces(m *members) (*namespaceSource, error) {
	if !c.state.Config.RootlessCgroups || c.privatePIDs() {
		return nil, nil
	}
	now, p, liveErr := c.initNamespaces()
	data, err := os.ReadFile(filepath.Join(c.stateDir, identityFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		// Made by a runtime that notes nothing, or in a cgroup of its own.
		if slices.ContainsFunc(m.Trees, (*drain.Tree).Exists) && (liveErr != nil || m.hold(c.state.InitProcessPid)) {
			p.close()
			return nil, nil //nolint:nilerr // init is not needed: the cgroups tell
		}
		if liveErr != nil {
			return nil, &drain.UnverifiableError{What: "container " + c.ID(), Err: fmt.Errorf("it has no cgroup of its own, and of its namespaces: %w", liveErr)}
		}
		return &namespaceSource{identity: now, pin: p, users: c.state.Config.UIDMappings}, nil
	case err != nil:
		p.close()
		return nil, err
	}
	s := &namespaceSource{pin: p, users: c.state.Config.UIDMappings}
	if err := json.Unmarshal(data, &s.identity); err != nil {
		p.close()
		return nil, fmt.Errorf("%s: %w", filepath.Join(c.stateDir, identityFile), err)
	}
	if liveErr != nil && s.MountID == 0 {
		return nil, &drain.UnverifiableError{What: "container " + c.ID(), Err: errors.New("it has no cgroup of its own, its init is gone, and before Linux 6.11 its namespaces can't be told from later ones")}
	}
	return s, nil
}

// hold tells whether a process is in one of the trees.
func (m *members) hold(pid int) bool {
	for _, t := range m.Trees {
		if in, err := t.Contains(pid); err == nil && in {
			return true
		}
	}
	return false
}

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
func (s *namespaceSource) Pids() ([]int, error) {
	var (
		known = map[int]bool{os.Getpid(): true} // strangers and dead
		last  []int
	)
	for quiet, n := 0, 0; quiet < 2 && n < scans; n++ {
		f, err := s.scan(known)
		switch {
		case err != nil:
			return nil, err
		case len(f[member]) > 0:
			return f[member], nil
		case len(f[unclear]) > 0:
			return nil, fmt.Errorf("processes %v are in its user namespace but not in its mount namespace, and may be another container's", f[unclear])
		case len(f[hidden]) > 0:
			return f[hidden], nil
		}
		if last = f[ended]; len(last) > 0 {
			quiet = 0
		} else {
			quiet++
		}
	}
	return last, nil
}

// scan lists the processes that are not known, and makes those known that need
// not be looked at again.
func (s *namespaceSource) scan(known map[int]bool) (map[relation][]int, error) {
	pids, err := numbered("/proc")
	if err != nil {
		return nil, err
	}
	found := map[relation][]int{}
	for _, pid := range pids {
		if known[pid] {
			continue
		}
		r, err := s.relation(processDir(pid))
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

// namespaceInode reads the number from a link like "mnt:[4026531841]".
func namespaceInode(path string) (uint64, error) {
	link, err := os.Readlink(path)
	if err != nil {
		return 0, err
	}
	_, number, ok := strings.Cut(link, ":[")
	if !ok {
		return 0, fmt.Errorf("%s: unexpected link %q", path, link)
	}
	return strconv.ParseUint(strings.TrimSuffix(number, "]"), 10, 64)
}
