package drain

import (
	"slices"
	"strings"
	"time"
)

// Mechanisms that a [Report] names.
const (
	CgroupKill = "cgroup.kill"       // Linux 5.14
	PidfdKill  = "pidfd_send_signal" // Linux 5.3
	PlainKill  = "kill"
)

// Report is what a drain did.
type Report struct {
	Mechanism []string      // what sent the signals, in order of first use
	Signalled int           // processes; -1 where a cgroup.kill was not counted
	Rounds    int           // times the group was looked over
	Elapsed   time.Duration // from the call to its return
	Drained   bool
	Idle      bool       // nothing was there to begin with
	Survivors []Survivor // the first [SurvivorLimit], if not drained
}

// Use notes that a mechanism was used.
func (r *Report) Use(mechanism string) {
	if !slices.Contains(r.Mechanism, mechanism) {
		r.Mechanism = append(r.Mechanism, mechanism)
	}
}

// String names the report's mechanisms; "none" if nothing was sent.
func (r Report) String() string {
	if len(r.Mechanism) == 0 {
		return "none"
	}
	return strings.Join(r.Mechanism, "+")
}

// tally is who was signalled, and how.
type tally struct {
	report Report
	// hit are the processes signalled, with their start times; 0 for SIGKILL.
	hit     map[int]uint64
	counted bool // all that a cgroup.kill will hit are in hit
	unknown bool // a cgroup.kill hit more than are in hit
}

func (y *tally) use(mechanism string) { y.report.Use(mechanism) }

// known tells whether a process has had its signal. A start time that /proc
// hides reads as 0.
func (y *tally) known(pid int) bool {
	start, ok := y.hit[pid]
	if !ok {
		return false
	}
	st, _ := readStat(pid)
	return st.start == start
}

// note notes that a process has had its signal, by ID and start time: it may
// not be held all the while.
func (y *tally) note(pid int) {
	st, _ := readStat(pid)
	y.hit[pid] = st.start
}

// listed notes who is about to be hit by a cgroup.kill.
func (y *tally) listed(m members) {
	y.unknown = y.unknown || m.more && !y.counted
	for _, pid := range m.pids {
		y.hit[pid] = 0
	}
}

// expect makes room for the first n.
func (y *tally) expect(n int) {
	if len(y.hit) == 0 {
		y.hit = make(map[int]uint64, n)
	}
}

// byPid notes that those held were all there was to signal, if nothing else was.
func (y *tally) byPid(held []handle) {
	if len(y.report.Mechanism) == 0 && len(held) > 0 {
		y.use(held[0].mechanism())
	}
}

// countable is how many cgroups are read to count their processes before they
// are killed, some 10 ms of reading. Of more no number is told.
const countable = 1024

// count counts what a cgroup.kill will hit. It does so before anything is
// killed: with its init a PID namespace goes.
func (y *tally) count(trees []*Tree, b bounds) {
	b.dirs = countable
	y.counted = true
	for _, t := range trees {
		if t.Version != V2 {
			continue
		}
		m, err := t.list(b)
		for _, pid := range m.pids {
			y.hit[pid] = 0
		}
		if err != nil || m.more {
			y.counted = false
		}
	}
}

// finish completes the report.
func (y *tally) finish(began time.Time, err error) Report {
	y.report.Elapsed = time.Since(began)
	y.report.Drained = err == nil
	y.report.Signalled = len(y.hit)
	if y.unknown {
		y.report.Signalled = -1
	}
	return y.report
}
