package synckill

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Most numbers that are written down of a container mean something only where
// they were written: a process ID in its PID namespace, a start time in its time
// namespace, a cgroup's path below its mounts. A vantage is the place from which
// a runc looks at them.

// vantage is what the meaning of a container's numbers depends on, as one
// process sees it.
type vantage struct {
	// Boot is the kernel's boot ID; "" where it can't be told, as where
	// something is mounted over the file (systemd-nspawn does that).
	Boot string `json:"boot,omitempty"`
	// PID, Time, User, Mount and Cgroup are the inode numbers of the process's
	// own namespaces; 0 for kinds that the kernel lacks (Time before Linux
	// 5.6, Cgroup before 4.6). The kernel reuses the numbers of namespaces
	// that are gone.
	PID    uint64 `json:"pid_ns"`
	Time   uint64 `json:"time_ns,omitempty"`
	User   uint64 `json:"user_ns"`
	Mount  uint64 `json:"mount_ns"`
	Cgroup uint64 `json:"cgroup_ns,omitempty"`
	// Offset is how far CLOCK_BOOTTIME, and with it every start time in /proc,
	// is ahead of the initial time namespace's, in nanoseconds; nil if that
	// can't be told.
	Offset *int64 `json:"boottime_offset"`
	// StrangeProc says that /proc is that of another PID namespace.
	StrangeProc bool `json:"strange_proc,omitempty"`
	// Mounts are the mounts that the container's cgroup paths lead into, by
	// mount point.
	Mounts map[string]mountRoot `json:"mounts"`
}

// mountRoot tells what is mounted: the file system, and which of its
// directories is on top.
type mountRoot struct {
	Dev uint64 `json:"dev"`
	Ino uint64 `json:"ino"`
}

// Numbers of the initial namespaces (include/linux/proc_ns.h), the same on every
// machine.
const (
	initialTime = 0xEFFFFFFA
	initialPID  = 0xEFFFFFFC
	initialUser = 0xEFFFFFFD
)

// observe tells where the caller stands. cgroupPaths are the container's, as in
// libcontainer's state; they need not exist yet. The errors are those of reading
// /proc/self. It takes some fifteen system calls, and one for each directory on
// the way to the cgroups.
func observe(cgroupPaths map[string]string) (vantage, error) {
	v := vantage{Boot: bootID(), Mounts: map[string]mountRoot{}}
	for _, ns := range []struct {
		name string
		into *uint64
		may  bool // be missing
	}{
		{"pid", &v.PID, false},
		{"user", &v.User, false},
		{"mnt", &v.Mount, false},
		{"cgroup", &v.Cgroup, true},
		{"time", &v.Time, true},
	} {
		var err error
		*ns.into, err = namespaceInode("/proc/self/ns/" + ns.name)
		if err != nil && (!ns.may || !errors.Is(err, os.ErrNotExist)) {
			return vantage{}, fmt.Errorf("find out the caller's namespaces: %w", err)
		}
	}
	self, err := os.Readlink("/proc/self")
	if err != nil {
		return vantage{}, fmt.Errorf("find out the caller's namespaces: %w", err)
	}
	v.StrangeProc = self != strconv.Itoa(os.Getpid())
	var forChildren uint64 // 0, which is no namespace's, if it is not needed or can't be told
	if v.Time != 0 && v.Time != initialTime {
		forChildren, _ = namespaceInode("/proc/self/ns/time_for_children")
	}
	v.Offset = boottimeOffset(v.Time, forChildren)
	known := map[string]*mountDir{}
	for _, path := range cgroupPaths {
		if m := mountOf(path, known); m != nil {
			v.Mounts[m.point] = m.mountRoot
		}
	}
	return v, nil
}

// bootID reads the kernel's boot ID; "" if it can't be told.
func bootID() string {
	return bootIDOf("/proc/sys/kernel/random/boot_id")
}

// bootIDOf is bootID, read from path. Where the file beside it, uuid, is mounted
// over boot_id, as some do to have a machine look like another one, every read
// tells something else.
func bootIDOf(path string) string {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer unix.Close(fd)
	var fs unix.Statfs_t
	if err := unix.Fstatfs(fd, &fs); err != nil || fs.Type != unix.PROC_SUPER_MAGIC {
		return ""
	}
	var buf [2][64]byte
	n, _ := unix.Pread(fd, buf[0][:], 0)
	again, _ := unix.Pread(fd, buf[1][:], 0)
	if n <= 0 || n != again || buf[0] != buf[1] {
		return ""
	}
	if id := strings.TrimSpace(string(buf[0][:n])); wellFormedBoot(id) {
		return id
	}
	return ""
}

// wellFormedBoot tells whether s is spelled as the kernel spells a boot ID.
func wellFormedBoot(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, c := range []byte(s) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (c == '-') || !dash && !strings.ContainsRune("0123456789abcdef", rune(c)) {
			return false
		}
	}
	return true
}

// boottimeOffset reads the offset of the caller's time namespace, in
// nanoseconds; nil if it can't be told. The file in /proc shows that of the
// namespace for children, which is another one between unshare(2) and the next
// fork or, since Linux 6.0, execve.
func boottimeOffset(own, forChildren uint64) *int64 {
	if own == 0 || own == initialTime {
		var none int64 // no namespaces, or the one that has no offsets
		return &none
	}
	if own != forChildren {
		return nil
	}
	text, err := os.ReadFile("/proc/self/timens_offsets")
	if err != nil {
		return nil
	}
	offset, ok := parseBoottime(string(text))
	if !ok {
		return nil
	}
	return &offset
}

// parseBoottime finds boottime in the text of timens_offsets: lines of a clock's
// name, seconds and nanoseconds. Older kernels number the clocks.
func parseBoottime(text string) (int64, bool) {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) != 3 || f[0] != "boottime" && f[0] != strconv.Itoa(unix.CLOCK_BOOTTIME) {
			continue
		}
		sec, err1 := strconv.ParseInt(f[1], 10, 33)
		nsec, err2 := strconv.ParseInt(f[2], 10, 33)
		if err1 != nil || err2 != nil {
			return 0, false
		}
		return sec*1e9 + nsec, true
	}
	return 0, false
}

// mountDir is a directory and the mount that it is in.
type mountDir struct {
	id    uint64 // the mount's, or its file system's before Linux 5.8
	dev   uint64 // of the directory
	point string
	mountRoot
}

// mountOf finds the mount that path leads into, or would if it existed; nil if
// not even the way there can be read. known keeps what has been found.
func mountOf(path string, known map[string]*mountDir) *mountDir {
	path = filepath.Clean(path)
	if !filepath.IsAbs(path) {
		return nil
	}
	if m, ok := known[path]; ok {
		return m
	}
	var up *mountDir
	if path != "/" {
		if up = mountOf(filepath.Dir(path), known); up == nil {
			return nil
		}
	}
	m := up
	var st unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, path, unix.AT_STATX_DONT_SYNC, unix.STATX_INO|unix.STATX_MNT_ID, &st)
	switch {
	case errors.Is(err, unix.ENOENT):
	case err != nil:
		m = nil
	default:
		m = &mountDir{dev: unix.Mkdev(st.Dev_major, st.Dev_minor), id: st.Mnt_id}
		if st.Mask&unix.STATX_MNT_ID == 0 {
			m.id = m.dev
		}
		if up != nil && up.id == m.id {
			m.point, m.mountRoot = up.point, up.mountRoot
		} else {
			m.point, m.mountRoot = path, mountRoot{Dev: m.dev, Ino: st.Ino}
		}
	}
	known[path] = m
	return m
}

// check refuses a record that can't have come from observe.
func (v vantage) check() error {
	switch {
	case v.PID == 0 || v.User == 0 || v.Mount == 0:
		return errors.New("it names no namespaces")
	case v.Boot != "" && !wellFormedBoot(v.Boot):
		return fmt.Errorf("its boot ID is %q", v.Boot)
	case v.Mounts == nil:
		return errors.New("it names no mounts")
	}
	return nil
}

// earlierBoot tells whether v was recorded before the machine was started, so
// that nothing that was running then can be running now.
func (v vantage) earlierBoot(now vantage) bool {
	return wellFormedBoot(v.Boot) && wellFormedBoot(now.Boot) && v.Boot != now.Boot
}

// judge tells what of a container that was recorded from v can't be known from
// now: an error for each, none if all is.
func (v vantage) judge(now vantage) []error {
	var doubts []error
	doubt := func(format string, args ...any) { doubts = append(doubts, fmt.Errorf(format, args...)) }
	if err := v.check(); err != nil {
		doubt("the record of where the container was made is damaged: %w", err)
		return doubts
	}
	if v.earlierBoot(now) {
		return nil
	}
	if err := v.pids(now); err != nil {
		doubts = append(doubts, err)
	}
	if err := v.times(now); err != nil {
		doubts = append(doubts, err)
	}
	for _, point := range slices.Sorted(maps.Keys(now.Mounts)) {
		if then, ok := v.Mounts[point]; !ok || then != now.Mounts[point] {
			doubt("what is mounted at %s is not what its cgroups were in where it was made", point)
		}
	}
	return doubts
}

// pids is why process IDs that were recorded from v mean nothing to a process at
// now; nil if they do.
func (v vantage) pids(now vantage) error {
	switch {
	case now.StrangeProc:
		return errStrangeProc
	case v.StrangeProc:
		return errors.New("it was made by a process whose /proc was not of its own PID namespace")
	case v.PID != now.PID:
		return errors.New("it was made in another PID namespace")
	}
	return nil
}

var errStrangeProc = errors.New("/proc is not of the caller's own PID namespace")

// times is why start times that were recorded from v can't be compared with those
// that a process at now reads; nil if they can.
func (v vantage) times(now vantage) error {
	if v.Time != now.Time && (v.Offset == nil || now.Offset == nil) {
		return errors.New("it was made in another time namespace, and how far that is from here can't be told")
	}
	return nil
}

// users is why the caller, at now, may overlook processes of a container that was
// made at v: what those that it may not look into show of themselves are user IDs
// of the reader's user namespace. It is nil if nothing hides them.
func (v vantage) users(now vantage) error {
	if v.User == now.User || now.seesAll() {
		return nil
	}
	return errors.New("it was made in another user namespace than the caller's, and its processes may be hidden")
}

// seesAll tells whether the caller, at v, may look into every process.
func (v vantage) seesAll() bool {
	var caps [2]unix.CapUserData
	err := unix.Capget(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &caps[0])
	return err == nil && v.User == initialUser && caps[0].Effective&(1<<unix.CAP_SYS_PTRACE) != 0
}

// tick is a start time's unit, in nanoseconds: USER_HZ is 100 on all
// architectures runc is built for.
const tick = 1e7

// startTimes are what /proc may show at now for a process of which the start
// time was read from v: one, or two neighbours where the offset of one from the
// other is not of whole ticks. Both are in ticks; without offsets it is taken as
// it is. Before the beginning of a time namespace they wrap around, as the
// kernel's do.
func (v vantage) startTimes(now vantage, start uint64) []uint64 {
	if v.Time == now.Time || v.Offset == nil || now.Offset == nil {
		return []uint64{start}
	}
	first := start*tick + uint64(*now.Offset-*v.Offset)
	return slices.Compact([]uint64{first / tick, (first + tick - 1) / tick})
}
