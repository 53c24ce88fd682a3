package suite

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"runcsync/bench/internal/container"
	"runcsync/bench/internal/sample"
)

// goCalls are system calls that the Go runtime makes for its threads and
// memory, as often as scheduling has it. Writes are among them for its wake-ups.
var goCalls = []int{
	unix.SYS_FUTEX, unix.SYS_NANOSLEEP, unix.SYS_SCHED_YIELD, unix.SYS_MMAP, unix.SYS_MUNMAP, unix.SYS_MADVISE,
	unix.SYS_MPROTECT, unix.SYS_RT_SIGACTION, unix.SYS_RT_SIGPROCMASK, unix.SYS_RT_SIGRETURN, unix.SYS_SIGALTSTACK,
	unix.SYS_CLONE, unix.SYS_CLONE3, unix.SYS_SET_ROBUST_LIST, unix.SYS_RSEQ, unix.SYS_GETTID, unix.SYS_GETPID,
	unix.SYS_TGKILL, unix.SYS_EPOLL_PWAIT, unix.SYS_WRITE,
}

// cost counts system calls and descriptors, under ptrace: times mean nothing.
var cost = suite{
	name: "cost",
	cases: func(b *Bench) []planned {
		sizes := []int{1, 6, 100, 1000, 10000}
		if !b.Full {
			sizes = []int{6, 1000}
		}
		var cases []planned
		for _, n := range sizes {
			if b.Full || b.View == "hybrid" {
				cases = append(cases, planned{Case: sample.Case{PIDs: "host", N: n}, rounds: 1})
			}
		}
		return cases
	},
	round: func(b *Bench, c sample.Case, round int) ([]sample.Sample, error) {
		var samples []sample.Sample
		for _, e := range endings {
			r, there := b.runtime(e.runtime)
			if !there || e.few || e.name == "upstream delete --force" {
				continue
			}
			report := filepath.Join(b.Dir, "calls")
			traced := e
			traced.argv = func(b *Bench, box *container.Container) []string {
				return append([]string{b.Stage.Program("systrace"), "-o", report}, e.argv(b, box)...)
			}
			s, err := b.endOne(r, traced, c, nil)
			if err == nil && s.Status != 0 {
				err = errors.New(s.Error)
			}
			if err == nil {
				err = counts(report, &s)
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", e.name, err)
			}
			samples = append(samples, label(s, c, e.name, round))
		}
		return samples, nil
	},
}

// counts reads what systrace reports.
func counts(report string, s *sample.Sample) error {
	text, err := os.ReadFile(report)
	if err != nil {
		return err
	}
	own := 0
	for l := range strings.Lines(string(text)) {
		var nr, n int
		if _, err := fmt.Sscanf(l, "calls %d", &n); err == nil {
			s.Calls, own = n, own+n
		}
		if _, err := fmt.Sscanf(l, "fds %d", &n); err == nil {
			s.FDs = n
		}
		if _, err := fmt.Sscanf(l, "nr %d %d", &nr, &n); err == nil {
			for _, g := range goCalls {
				if g == nr {
					own -= n
				}
			}
		}
	}
	s.OwnCalls = own
	return nil
}

// survivor measures the CPU time of five seconds of waiting for a container that
// ignores TERM.
var survivor = suite{
	name: "survivor",
	cases: func(b *Bench) []planned {
		if !b.Full && b.View != "hybrid" {
			return nil
		}
		return []planned{{Case: sample.Case{PIDs: "host", N: 6}, rounds: 1}}
	},
	round: func(b *Bench, c sample.Case, round int) ([]sample.Sample, error) {
		waits := []ending{
			{"runc kill --wait", "ours", command("kill", "--wait", "--timeout", "20s", "ID", "TERM"), false},
			{"before: kill --wait", "before", command("kill", "--wait", "--timeout", "20s", "ID", "TERM"), false},
			{"upstream kill, polled every 100 ms", "upstream", poll("0.1"), false},
		}
		var samples []sample.Sample
		for _, e := range waits {
			if _, there := b.runtime(e.runtime); !there {
				continue
			}
			s, err := b.survive(e, c)
			if err != nil {
				return nil, err
			}
			samples = append(samples, label(s, c, e.name, round))
		}
		return samples, nil
	},
}

// Watching begins when the wait has settled.
const (
	settle   = time.Second
	watching = 5 * time.Second
)

func (b *Bench) survive(e ending, c sample.Case) (s sample.Sample, err error) {
	r, _ := b.runtime(e.runtime)
	box, err := b.running(r, container.Spec{Processes: c.N, HostPIDs: true, IgnoreTerm: true})
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, box.Remove()) }()
	argv := e.argv(b, box)
	for i := range argv {
		argv[i] = strings.Replace(argv[i], `kill "$3" KILL`, `kill "$3" TERM`, 1)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.SysProcAttr = &unix.SysProcAttr{Pdeathsig: unix.SIGKILL}
	if err := cmd.Start(); err != nil {
		return s, err
	}
	defer func() { _ = cmd.Wait() }()
	defer func() { _ = cmd.Process.Kill() }()
	time.Sleep(settle)
	before, err := cpuTime(cmd.Process.Pid)
	if err != nil {
		return s, err
	}
	time.Sleep(watching)
	after, err := cpuTime(cmd.Process.Pid)
	s.CPUNs = after - before
	return s, err
}

// cpuTime is that of a process's threads and of its children that have ended,
// in nanoseconds: the latter in steps of the kernel's clock tick.
func cpuTime(pid int) (ns int64, err error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil {
		return 0, err
	}
	if len(threads) == 0 {
		return 0, fmt.Errorf("process %d has ended", pid)
	}
	for _, t := range threads {
		var one int64
		text, err := os.ReadFile(t)
		if err != nil {
			continue
		}
		if _, err := fmt.Sscan(string(text), &one); err != nil {
			return 0, fmt.Errorf("%s: %w", t, err)
		}
		ns += one
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	f := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	for _, field := range f[13:15] { // cutime and cstime
		var ticks int64
		if _, err := fmt.Sscan(field, &ticks); err != nil {
			return 0, err
		}
		ns += ticks * 10_000_000
	}
	return ns, nil
}
