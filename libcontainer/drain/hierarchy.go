package drain

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// lineage is the caller and its ancestors, each with the cgroup that it is in,
// by hierarchy: the first controller of a v1 hierarchy, or its "name=...", and
// "" for v2.
type lineage []kin

type kin struct {
	pid     int // as /proc has it, which may be that of another PID namespace
	cgroups map[string]string
}

// readLineage follows the parents up to the first process of the PID
// namespace. An ancestor that a /proc mounted with hidepid does not show ends
// it; the caller itself can always be read.
func readLineage() (lineage, error) {
	var l lineage
	var buf [8192]byte
	last := ""
	// Not os.Getpid: /proc may be that of another PID namespace.
	self, err := os.Readlink("/proc/self")
	if err != nil {
		return nil, fmt.Errorf("read the caller's own cgroup: %w", err)
	}
	pid, err := strconv.Atoi(self)
	if err != nil {
		return nil, fmt.Errorf("read the caller's own cgroup: /proc/self: %w", err)
	}
	for pid > 0 {
		st, err := readStat(pid)
		if err == nil {
			var text string
			if text, err = readSmall(unix.AT_FDCWD, "/proc/"+strconv.Itoa(pid)+"/cgroup", buf[:]); err == nil {
				k := kin{pid: pid}
				if len(l) > 0 && text == last { // as most often
					k.cgroups = l[len(l)-1].cgroups
				} else {
					k.cgroups = parseCgroups(text)
				}
				l, last = append(l, k), text
			}
		}
		if err != nil {
			if len(l) == 0 {
				return nil, fmt.Errorf("read the caller's own cgroup: %w", err)
			}
			return l, nil
		}
		pid = st.ppid
	}
	return l, nil
}

// parseCgroups parses /proc/PID/cgroup, lines of "ID:CONTROLLERS:PATH".
func parseCgroups(text string) map[string]string {
	cgroups := map[string]string{}
	for line := range strings.Lines(text) {
		id, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		controllers, at, ok := strings.Cut(rest, ":")
		first, _, _ := strings.Cut(controllers, ",")
		if ok && (first != "" || id == "0") {
			cgroups[first] = at
		}
	}
	return cgroups
}

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
	before, after := strings.Fields(pre), strings.Fields(post)
	if len(before) < 6 || len(after) == 0 {
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

// checkSafe refuses trees that can't be a container's: the root of a
// hierarchy, and one with the caller or one of its ancestors inside.
func checkSafe(trees []*Tree) error {
	if !slices.ContainsFunc(trees, (*Tree).Exists) {
		return nil
	}
	mounts, err := readMounts()
	if err != nil {
		return err
	}
	kin, err := readLineage()
	if err != nil {
		return err
	}
	for _, t := range trees {
		if !t.Exists() {
			continue
		}
		if err := t.checkSafe(mounts, kin); err != nil {
			return err
		}
	}
	return nil
}

func (t *Tree) checkSafe(mounts []mount, kin lineage) error {
	m, place, err := t.place(mounts)
	if err != nil {
		return &UnverifiableError{What: t.Path, Err: err}
	}
	if place == "/" {
		return &UnsafeError{Path: t.Path, Why: "it is the root of its hierarchy"}
	}
	for i, k := range kin {
		at, ok := k.in(m)
		if ok && (at == place || strings.HasPrefix(at, place+"/")) {
			who := "process " + strconv.Itoa(k.pid) + ", an ancestor of the caller, is in it"
			if i == 0 {
				who = "the caller itself is in it"
			}
			return &UnsafeError{Path: t.Path, Why: who}
		}
	}
	return nil
}

// in is the process's cgroup in a hierarchy.
func (k kin) in(m mount) (string, bool) {
	for _, h := range m.hierarchies {
		if at, ok := k.cgroups[h]; ok {
			return at, true
		}
	}
	return "", false
}

// place finds the tree's mount, and its path within the hierarchy, the way
// /proc/PID/cgroup spells it. The top of a mount counts as a root: whoever
// mounts a single cgroup does so to live in it.
func (t *Tree) place(mounts []mount) (in mount, place string, err error) {
	full, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(t.dir))
	if err != nil {
		return in, "", err
	}
	var st unix.Stat_t
	if err := unix.Fstat(t.dir, &st); err != nil {
		return in, "", err
	}
	longest := -1
	for _, m := range mounts {
		below, ok := strings.CutPrefix(full, m.point)
		if m.dev != st.Dev || !ok || below != "" && below[0] != '/' || len(m.point) <= longest {
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

// unescape undoes the octal escapes of /proc/PID/mountinfo (proc(5)).
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}
