package drain

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// mount is a mounted cgroup hierarchy, or a part of one.
type mount struct {
	dev         uint64
	root, point string
	// hierarchies are what lineage calls it: v2's one name, or those of all
	// the options of a v1 mount, its controllers among them.
	hierarchies []string
}

// readMounts reads the cgroup mounts of /proc/self/mountinfo.
func readMounts() ([]mount, error) {
	text, err := readAll("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("read cgroup mounts: %w", err)
	}
	var mounts []mount
	for line := range strings.Lines(text) {
		if m, ok := parseMount(line); ok {
			mounts = append(mounts, m)
		}
	}
	return mounts, nil
}

// parseMount parses a line of /proc/self/mountinfo:
//
//	36 35 98:0 /root /mountpoint options... - fstype source superoptions
//
// It returns false if that is no cgroup mount.
func parseMount(line string) (mount, bool) {
	pre, post, ok := strings.Cut(line, " - cgroup")
	if !ok {
		return mount{}, false
	}
	// Not by Fields: what the kernel leaves as it is in a name may count as a
	// blank of Unicode's.
	before, after := strings.Split(pre, " "), strings.Split(strings.TrimSuffix(post, "\n"), " ")
	if len(before) < 6 || len(after) < 2 {
		return mount{}, false
	}
	major, minor, _ := strings.Cut(before[2], ":")
	maj, err1 := strconv.ParseUint(major, 10, 32)
	mnr, err2 := strconv.ParseUint(minor, 10, 32)
	if err1 != nil || err2 != nil {
		return mount{}, false
	}
	m := mount{
		dev:  unix.Mkdev(uint32(maj), uint32(mnr)),
		root: unescape(before[3]), point: unescape(before[4]), hierarchies: []string{""},
	}
	if !strings.HasPrefix(post, "2") { // not "cgroup2"
		m.hierarchies = strings.Split(after[len(after)-1], ",")
	}
	return m, true
}

// place finds the tree's mount, and its path within the hierarchy, the way
// /proc/PID/cgroup spells it. The top of a mount counts as a root: whoever
// mounts a single cgroup does so to live in it.
func (t *Tree) place(mounts []mount) (in mount, place string, err error) {
	full, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(t.dir))
	if err != nil {
		return in, "", err
	}
	if strings.HasSuffix(full, deleted) && t.removed() {
		return in, "", errRemoved
	}
	var st unix.Stat_t
	if err := unix.Fstat(t.dir, &st); err != nil {
		return in, "", err
	}
	longest := -1
	for _, m := range mounts {
		below, ok := strings.CutPrefix(full, m.point)
		if m.dev != device(st.Dev) || !ok || below != "" && below[0] != '/' || len(m.point) <= longest {
			continue
		}
		longest, in = len(m.point), m
		if place = "/"; below != "" {
			// Not cleaned: a cgroup outside of the caller's cgroup namespace
			// is spelled with a leading "/.." here and in /proc/PID/cgroup.
			place = strings.TrimSuffix(m.root, "/") + below
		}
	}
	if longest < 0 {
		return in, "", errors.New("its mount is not in /proc/self/mountinfo")
	}
	return in, place, nil
}

// device is a device number: Go has the field in 32 bits on mips64, in 64 elsewhere.
func device[T uint32 | uint64](number T) uint64 { return uint64(number) }

// deleted is what the kernel adds to the name of what has been removed, and
// anybody may have added to that of a cgroup.
const deleted = " (deleted)"

// errRemoved says that a cgroup has been removed, and has no place any more.
var errRemoved = errors.New("it has been removed")

// unescape undoes the escapes of /proc/PID/mountinfo (proc(5)): blanks and
// backslashes, and whatever else may come to be escaped, in three octal digits.
func unescape(s string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, `\`)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		c, err := strconv.ParseUint(after[:min(3, len(after))], 8, 8)
		if err != nil || len(after) < 3 {
			b.WriteByte('\\')
			s = after
			continue
		}
		b.WriteByte(byte(c))
		s = after[3:]
	}
}
