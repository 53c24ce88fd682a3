package drain

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// lineage is the caller and its ancestors, each with its /proc/PID/cgroup.
type lineage []kin

type kin struct {
	pid    int
	cgroup string
}

// readLineage follows the parents up to the first process of the PID
// namespace. An ancestor that a /proc mounted with hidepid does not show ends
// it; the caller itself can always be read.
func readLineage() (lineage, error) {
	var l lineage
	var buf [8192]byte
	for pid := os.Getpid(); pid > 0; {
		st, err := readStat(pid)
		if err == nil {
			var text string
			if text, err = readSmall(unix.AT_FDCWD, "/proc/"+strconv.Itoa(pid)+"/cgroup", buf[:]); err == nil {
				l = append(l, kin{pid, text})
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

// checkSafe refuses trees that can't be a container's: the root of a
// hierarchy, and one with the caller or one of its ancestors inside.
func checkSafe(trees []*Tree) error {
	if !slices.ContainsFunc(trees, (*Tree).Exists) {
		return nil
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return fmt.Errorf("read cgroup mounts: %w", err)
	}
	kin, err := readLineage()
	if err != nil {
		return err
	}
	for _, t := range trees {
		if !t.Exists() {
			continue
		}
		if err := t.checkSafe(string(mounts), kin); err != nil {
			return err
		}
	}
	return nil
}

func (t *Tree) checkSafe(mounts string, kin lineage) error {
	place, options, err := t.place(mounts)
	if err != nil {
		return &UnverifiableError{What: t.Path, Err: err}
	}
	if place == "/" {
		return &UnsafeError{Path: t.Path, Why: "it is the root of its hierarchy"}
	}
	for _, k := range kin {
		at, ok := pathInHierarchy(k.cgroup, t.Version, options)
		if ok && (at == place || strings.HasPrefix(at, place+"/")) {
			who := "process " + strconv.Itoa(k.pid) + ", an ancestor of the caller, is in it"
			if k.pid == os.Getpid() {
				who = "the caller itself is in it"
			}
			return &UnsafeError{Path: t.Path, Why: who}
		}
	}
	return nil
}

// place finds the tree's path within its hierarchy, the way /proc/PID/cgroup
// spells it, and the options of its mount, which name a v1 hierarchy's
// controllers. The top of a mount counts as a root: whoever mounts a single
// cgroup does so to live in it.
func (t *Tree) place(mounts string) (place, options string, err error) {
	full, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(t.dir))
	if err != nil {
		return "", "", err
	}
	var st unix.Stat_t
	if err := unix.Fstat(t.dir, &st); err != nil {
		return "", "", err
	}
	dev := fmt.Sprintf("%d:%d", unix.Major(st.Dev), unix.Minor(st.Dev))
	longest := -1
	for line := range strings.Lines(mounts) {
		// 36 35 98:0 /root /mountpoint options... - fstype source superoptions
		f := strings.Fields(line)
		if len(f) < 10 || f[2] != dev {
			continue
		}
		point := unescape(f[4])
		below, ok := strings.CutPrefix(full, point)
		if !ok || below != "" && below[0] != '/' || len(point) <= longest {
			continue
		}
		longest, options = len(point), f[len(f)-1]
		if below == "" {
			place = "/"
		} else {
			// Not cleaned: a cgroup outside of the caller's cgroup namespace
			// is spelled with a leading "/.." here and in /proc/PID/cgroup.
			place = strings.TrimSuffix(unescape(f[3]), "/") + below
		}
	}
	if longest < 0 {
		return "", "", fmt.Errorf("its mount is not in /proc/self/mountinfo")
	}
	return place, options, nil
}

// pathInHierarchy picks a hierarchy's line from /proc/PID/cgroup.
func pathInHierarchy(text string, v Version, options string) (string, bool) {
	named := strings.Split(options, ",")
	for line := range strings.Lines(text) {
		f := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(f) != 3 {
			continue
		}
		first, _, _ := strings.Cut(f[1], ",")
		if v == V2 && f[0] == "0" && f[1] == "" || v == V1 && f[1] != "" && slices.Contains(named, first) {
			return f[2], true
		}
	}
	return "", false
}

// unescape undoes the octal escapes of /proc/PID/mountinfo (proc(5)).
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}
