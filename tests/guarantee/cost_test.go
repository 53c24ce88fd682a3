package guarantee

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"runcsync/tests/guarantee/rig"
)

// runtimeCalls are those that the Go runtime makes for its threads and memory,
// as often as scheduling has it.
var runtimeCalls = []int{
	unix.SYS_FUTEX, unix.SYS_NANOSLEEP, unix.SYS_SCHED_YIELD, sysMmap, unix.SYS_MUNMAP, unix.SYS_MADVISE,
	unix.SYS_MPROTECT, unix.SYS_RT_SIGACTION, unix.SYS_RT_SIGPROCMASK, unix.SYS_RT_SIGRETURN, unix.SYS_SIGALTSTACK,
	unix.SYS_CLONE, unix.SYS_CLONE3, unix.SYS_SET_ROBUST_LIST, unix.SYS_RSEQ, unix.SYS_GETTID, unix.SYS_GETPID, unix.SYS_TGKILL,
	unix.SYS_EPOLL_PWAIT, unix.SYS_WRITE,
}

// own is the number of system calls without the runtime's. Writes stay out for
// the runtime's wake-ups among them.
func (tr trace) own() int {
	n := tr.calls
	for _, nr := range runtimeCalls {
		n -= tr.counts[nr]
	}
	return n
}

// maxDescriptors is how many a kill may have open at a time.
const maxDescriptors = 256

// slack is how many calls may come on top when processes that are the last
// of many are few enough to be taken hold of, which is a matter of timing: two
// for each of 128, and a round more.
const slack = 2*128 + 100

// TestCost counts the system calls and descriptors of a kill. What is constant
// on v2 beyond 128 processes grows with their number where there is no
// cgroup.kill; the descriptors are bounded anywhere.
func TestCost(t *testing.T) {
	sizes := []int{1, 10, 100, 300, 1000}
	if soaking() {
		sizes = append(sizes, 3000, 10000)
	}
	r := rig.Open(t)
	calls := map[int]int{}
	for _, n := range sizes {
		c := r.New(rig.Spec{Args: []string{"crowd", fmt.Sprint(n)}, PIDs: rig.HostPIDs}).Run()
		r.Await(fmt.Sprintf("%d processes", n), func() bool {
			ids, _ := os.ReadFile(filepath.Join(c.Dirs()[0], "cgroup.procs"))
			return len(strings.Fields(string(ids))) == n
		})
		tr, res := traced(t, r, 0, "kill", "--wait", c.ID, "KILL")
		if res.Status != 0 {
			t.Fatal(res)
		}
		c.Stopped(res)
		calls[n] = tr.own()
		t.Logf("view %s, %d processes: %d system calls (%d with the Go runtime's), %d descriptors at most, %s under ptrace",
			r.View, n, tr.own(), tr.calls, tr.fds, res.Took.Round(time.Millisecond))
		if tr.fds > maxDescriptors {
			t.Errorf("%d descriptors open at a time, want %d at most", tr.fds, maxDescriptors)
		}
		c.Delete()
	}
	if few, many := calls[1], calls[sizes[len(sizes)-1]]; r.View == rig.V2 && many > few+slack {
		t.Errorf("%d system calls for %d processes, %d for one: want %d more at most", many, sizes[len(sizes)-1], few, slack)
	}
}

// TestQuietWait counts how often runc wakes up while nothing happens: the
// calls of ppoll in five further seconds of waiting.
func TestQuietWait(t *testing.T) {
	t.Parallel()
	cases := []struct {
		oldKernel
		limit int
	}{
		{oldKernel{name: "kernel as it is"}, 10},
		{oldKernel{name: "without pidfd", flags: []string{"-p"}}, 40}, // polls twice a second, more often at first
	}
	for _, k := range cases {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			r := rig.Open(t)
			c := r.New(rig.Spec{Args: []string{"crowd", "4", "ignore"}, PIDs: rig.HostPIDs}).Run()
			c.AwaitProcesses(4)
			by := r
			if k.flags != nil {
				by = k.rig(r)
			}
			wait := func(limit string) trace {
				tr, res := traced(t, by, 0, "kill", "--wait", "--timeout="+limit, c.ID, "TERM")
				if res.Status != 124 {
					t.Fatal(res)
				}
				return tr
			}
			short, long := wait("2s"), wait("7s")
			woken := long.counts[unix.SYS_PPOLL] - short.counts[unix.SYS_PPOLL]
			t.Logf("view %s, %s: woken %d times in 5 s, %d system calls (%d with the Go runtime's)",
				r.View, k.name, woken, long.own()-short.own(), long.calls-short.calls)
			if woken > k.limit {
				t.Errorf("woken %d times in 5 s, want %d at most", woken, k.limit)
			}
			c.Kill()
		})
	}
}

// inPoll tells whether a thread of the process sleeps in ppoll.
func inPoll(pid int) bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/syscall", pid))
	for _, file := range threads {
		if text, _ := os.ReadFile(file); strings.HasPrefix(string(text), fmt.Sprintf("%d ", unix.SYS_PPOLL)) {
			return true
		}
	}
	return false
}
