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
	// unread is why a cgroup is not known that is not in cgroups: ENAMETOOLONG,
	// where it is deeper than 4,096 bytes below the root of a hierarchy.
	unread error
}

// errNoHierarchy says that /proc/PID/cgroup has no line for a mount's hierarchy.
var errNoHierarchy = errors.New("there is no line about this hierarchy")

// readLineage follows the parents up to the first process of the PID
// namespace. An ancestor that a /proc mounted with hidepid does not show ends
// it; the caller itself can always be read.
func readLineage() (lineage, error) {
	var l lineage
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
		if errors.Is(err, unix.ESRCH) && len(l) > 0 {
			// Hidden, or ended since: then the child has another parent.
			child, err := readStat(l[len(l)-1].pid)
			if err == nil && child.ppid != pid {
				pid = child.ppid
				continue
			}
			return l, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the caller's ancestors: %w", err)
		}
		k := kin{pid: pid, unread: errNoHierarchy}
		text, err := readFile(unix.AT_FDCWD, "/proc/"+strconv.Itoa(pid)+"/cgroup")
		switch {
		case exhausted(err):
			return nil, fmt.Errorf("read the cgroups of the caller's ancestors: %w", err)
		case err != nil:
			k.unread = err
		case len(l) > 0 && text == last: // as most often
			k.cgroups = l[len(l)-1].cgroups
		default:
			k.cgroups, last = parseCgroups(text), text
		}
		l, pid = append(l, k), st.ppid
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

// in is the process's cgroup in a hierarchy.
func (k kin) in(m mount) (string, bool) {
	for _, h := range m.hierarchies {
		if at, ok := k.cgroups[h]; ok {
			return at, true
		}
	}
	return "", false
}

// judge refuses, with an [*UnsafeError], a group with a tree that can't be a
// container's: the root of a hierarchy, or one with the caller or one of its
// ancestors inside. Trees that can't be judged are left out: nobody is
// signalled for being in one, and nothing can be claimed of it.
func (d *drainer) judge() error {
	for _, t := range d.trees {
		if t.lost != nil {
			d.doubts.of(t.Path, t.lost) // in an earlier call
		}
	}
	unclear, err := judge(d.trees, d.deadline.over)
	for exhausted(err) && d.makeRoom(nil, err) {
		unclear, err = judge(d.trees, d.deadline.over)
	}
	if _, unsafe := asType[*UnsafeError](err); unsafe {
		return err
	}
	d.trees = slices.DeleteFunc(d.trees, func(t *Tree) bool {
		why := unclear[t]
		if why == nil && t.Exists() {
			why = err
		}
		if why != nil {
			d.doubts.of(t.Path, why)
		}
		return why != nil
	})
	return nil
}

// judge tells why trees can't be judged, or, with an error, why none can.
func judge(trees []*Tree, stop func() error) (unclear map[*Tree]error, err error) {
	if !slices.ContainsFunc(trees, (*Tree).Exists) {
		return nil, nil
	}
	mounts, err := readMounts()
	if err != nil {
		return nil, err
	}
	kin, err := readLineage()
	if err != nil {
		return nil, err
	}
	unclear = map[*Tree]error{}
	for _, t := range trees {
		if !t.Exists() {
			continue
		}
		err := t.checkSafe(mounts, kin, stop)
		if _, unsafe := asType[*UnsafeError](err); unsafe || exhausted(err) {
			return nil, err
		}
		if err != nil {
			unclear[t] = err
		}
	}
	return unclear, nil
}

func (t *Tree) checkSafe(mounts []mount, kin lineage, stop func() error) error {
	m, place, err := t.place(mounts)
	switch {
	case errors.Is(err, errRemoved): // nobody is in it, nor can be
		return nil
	case err != nil:
		return err
	case place == "/":
		return &UnsafeError{Path: t.Path, Why: "it is the root of its hierarchy"}
	}
	for i, k := range kin {
		at, known := k.in(m)
		inside := known && (at == place || strings.HasPrefix(at, place+"/"))
		switch {
		case !known && kin[0].pid != os.Getpid():
			return fmt.Errorf("the cgroups of process %d, an ancestor of the caller, are not known: %w", k.pid, k.unread)
		case !known: // it has to be looked for
			in, err := t.among([]int{k.pid}, bounds{stop: stop})
			if err != nil {
				return fmt.Errorf("whether process %d, an ancestor of the caller, is in it: %w", k.pid, err)
			}
			inside = in(k.pid)
		}
		if inside {
			who := "process " + strconv.Itoa(k.pid) + ", an ancestor of the caller, is in it"
			if i == 0 {
				who = "the caller itself is in it"
			}
			return &UnsafeError{Path: t.Path, Why: who}
		}
	}
	return nil
}
