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

	"github.com/moby/sys/mountinfo"
	"github.com/opencontainers/cgroups"
	"github.com/opencontainers/runc/libcontainer"
	"github.com/opencontainers/runc/libcontainer/configs"
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

// RecordNamespaces notes by what the processes will be found of a container
// whose process has been created and not started yet: its cgroups where these
// can get another name, or where a container might have none; or else its
// namespaces.
func RecordNamespaces(c *libcontainer.Container, stateDir string) error {
	config := c.Config()
	shared := config.RootlessCgroups && !config.Namespaces.IsPrivate(configs.NEWPID)
	if !shared && cgroups.IsCgroup2UnifiedMode() {
		return nil // its cgroups keep their names
	}
	s, err := New(c, stateDir)
	if err != nil {
		return err
	}
	defer s.place.close()
	if !shared {
		return recordCgroups(s.state.CgroupPaths, stateDir, drain.V1)
	}
	m := &members{}
	defer m.close()
	if err := m.openTrees(s.state.CgroupPaths); err == nil && m.hold(s.state.InitProcessPid) {
		return recordCgroups(s.state.CgroupPaths, stateDir, drain.V1, drain.V2)
	}
	id, pin, err := s.initNamespaces(s.init())
	if err != nil {
		return fmt.Errorf("note namespaces of container %s: %w", c.ID(), err)
	}
	pin.close()
	return writeRecord(stateDir, identityFile, id)
}

// RecordMissing is RecordNamespaces, just before the container is started, for one
// whose create was killed before it had done that. Once it is started its init is
// not all that there can be.
func RecordMissing(c *libcontainer.Container, stateDir string) error {
	config := c.Config()
	if !config.RootlessCgroups || config.Namespaces.IsPrivate(configs.NEWPID) {
		return nil
	}
	for _, name := range []string{identityFile, cgroupsFile} {
		if _, err := os.Lstat(filepath.Join(stateDir, name)); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return RecordNamespaces(c, stateDir)
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
func (c *Container) initNamespaces(init drain.Process) (identity, pin, error) {
	namespaces := c.state.Config.Namespaces
	if !namespaces.Contains(configs.NEWNS) {
		return identity{}, pin{}, errors.New("it has no mount namespace of its own, nothing tells its processes from others")
	}
	if init.Pid <= 0 {
		return identity{}, pin{}, libcontainer.ErrNotRunning
	}
	id, p, err := pinNamespaces(processDir(init.Pid))
	if err != nil {
		return id, p, err
	}
	// The process could have ended, and its ID gone to somebody else, before
	// its namespaces were opened.
	if !lives(init) {
		p.close()
		return id, pin{}, libcontainer.ErrNotRunning
	}
	id.OwnUser = namespaces.IsPrivate(configs.NEWUSER)
	return id, p, nil
}

// byNamespaces finds the container's processes by their namespaces; nil if its
// cgroups do, or if nothing can. What can't be known by them is doubted.
func (c *Container) byNamespaces(m *members, ownCgroup bool) (*namespaceSource, error) {
	if !c.state.Config.RootlessCgroups || c.privatePIDs() || m.seen.here.StrangeProc {
		return nil, nil
	}
	s, err := c.namespaces(m, ownCgroup)
	if s == nil || err != nil {
		return nil, err
	}
	if err := s.check(m.seen.here); err != nil {
		s.close()
		return nil, err
	}
	for _, err := range m.seen.namespaces(s.OwnUser) {
		m.doubt(&drain.UnverifiableError{What: "container " + c.ID(), Err: err})
	}
	return s, nil
}

// namespaces is byNamespaces without a judgement of what was recorded.
func (c *Container) namespaces(m *members, ownCgroup bool) (*namespaceSource, error) {
	now, p, liveErr := c.initNamespaces(m.seen.init)
	data, err := readRecord(c.stateDir, identityFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		// Made by a runtime that notes nothing, or in a cgroup of its own.
		if ownCgroup || slices.ContainsFunc(m.Trees, (*drain.Tree).Exists) && (liveErr != nil || m.hold(m.seen.init.Pid)) {
			p.close()
			return nil, nil //nolint:nilerr // init is not needed: the cgroups tell
		}
		if s := c.neverStarted(); s != nil && liveErr != nil {
			m.Sources = append(m.Sources, s)
			return nil, nil //nolint:nilerr // init is all that there can be
		}
		if liveErr != nil {
			return nil, fmt.Errorf("it has no cgroup of its own, and of its namespaces: %w", liveErr)
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
		return nil, errors.New("it has no cgroup of its own, its init is gone, and before Linux 6.11 its namespaces can't be told from later ones")
	}
	return s, nil
}

// check refuses namespaces that can't be a container's: those of the caller, in
// which everybody else is, and what is none.
func (id identity) check(here vantage) error {
	switch {
	case id.User == 0 || id.Mount == 0:
		return fmt.Errorf("its namespaces were not recorded: %s is damaged", identityFile)
	case id.Mount == here.Mount:
		return errors.New("its mount namespace is the caller's own, nothing tells its processes from others")
	case id.OwnUser && (id.User == here.User || id.User == initialUser):
		return errors.New("its user namespace is the caller's own, nothing tells its processes from others")
	}
	return nil
}

// namespaces are the reasons for which processes may be overlooked that are told
// by their namespaces.
func (s *sight) namespaces(ownUser bool) (doubts []error) {
	if s.here.seesAll() {
		return nil
	}
	then := vantage{User: initialUser}
	if s.then != nil {
		then = *s.then
	}
	if err := then.users(s.here); err != nil && ownUser {
		doubts = append(doubts, err)
	}
	if hides, err := procHides(); err != nil || hides {
		doubts = append(doubts, errors.Join(errors.New("/proc is mounted with hidepid, its processes may be hidden"), err))
	}
	return doubts
}

// procHides tells whether /proc is mounted with the option hidepid.
func procHides() (bool, error) {
	mounts, err := mountinfo.GetMounts(mountinfo.SingleEntryFilter("/proc"))
	if err != nil || len(mounts) == 0 {
		return true, err
	}
	options := strings.Split(mounts[len(mounts)-1].VFSOptions, ",")
	return slices.ContainsFunc(options, func(o string) bool {
		v, found := strings.CutPrefix(o, "hidepid=")
		return found && v != "0" && v != "off"
	}), nil
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
