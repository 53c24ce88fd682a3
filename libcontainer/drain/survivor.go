package drain

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// SurvivorLimit is how many survivors a [TimeoutError] and a [Report] name.
const SurvivorLimit = 16

// Survivor is a process that was still alive at the deadline. Its names are
// what the kernel says, which a container may have chosen; [Survivor.String]
// has them escaped.
type Survivor struct {
	Pid    int    `json:"pid"`
	Comm   string `json:"comm"`
	State  string `json:"state"`  // the letter of /proc/PID/stat; D: in an uninterruptible sleep
	Wchan  string `json:"wchan"`  // the kernel function it sleeps in; "" if it runs or the kernel won't say
	Cgroup string `json:"cgroup"` // its path in the hierarchy; the v2 one if there are several
}

func (s Survivor) String() string {
	text := fmt.Sprintf("pid %d (%s) state %s", s.Pid, inQuotes(s.Comm), s.State)
	if s.Wchan != "" {
		text += " in " + inQuotes(s.Wchan)
	}
	if s.Cgroup != "" {
		text += " cgroup " + inQuotes(s.Cgroup)
	}
	return text
}

// survivor describes a process; what can't be read stays "?".
func survivor(pid int) Survivor {
	s := Survivor{Pid: pid, Comm: "?", State: "?"}
	if st, err := readStat(pid); err == nil {
		s.Comm, s.State = st.comm, string(st.state)
	}
	proc := "/proc/" + strconv.Itoa(pid)
	if w, err := readFile(unix.AT_FDCWD, proc+"/wchan"); err == nil && w != "0" {
		s.Wchan = w
	}
	if c, err := readFile(unix.AT_FDCWD, proc+"/cgroup"); err == nil {
		s.Cgroup = cgroupOf(c)
	}
	return s
}

// cgroupOf picks from /proc/PID/cgroup the path that says most: v2's, or the
// longest of v1's, since a process is in the root of hierarchies not in use.
func cgroupOf(text string) string {
	best := ""
	for line := range strings.Lines(text) {
		f := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(f) != 3 {
			continue
		}
		if f[0] == "0" && path.Clean(f[2]) != "/" {
			return f[2]
		}
		if len(f[2]) > len(best) {
			best = f[2]
		}
	}
	return best
}
