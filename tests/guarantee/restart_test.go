package guarantee

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"runcsync/tests/guarantee/rig"
)

// trace is systrace's report.
type trace struct {
	calls, fds int // system calls; most descriptors open at once
	killedAt   int // number of the system call, or -1
	status     int
	counts     map[int]int // calls by number
}

// traced runs runc under systrace; at, if not 0, is the system call to be
// killed at.
func traced(t *testing.T, r *rig.Rig, at int, args ...string) (trace, rig.Result) {
	t.Helper()
	return tracedBy(t, r, []string{"-k", fmt.Sprint(at)}, args...)
}

// tracedBy is traced with systrace's own flags.
func tracedBy(t *testing.T, r *rig.Rig, flags []string, args ...string) (trace, rig.Result) {
	t.Helper()
	report := filepath.Join(r.Writable(), "report")
	by := *r
	by.Via = append(slices.Clone(r.Via), r.Program("systrace"), "-o", report)
	by.Via = append(by.Via, flags...)
	res := by.Run(args...)
	tr := trace{killedAt: -1, counts: map[int]int{}}
	f, err := os.Open(report)
	if err != nil {
		t.Fatalf("no report by systrace: %v; %s", err, res)
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		var nr, n int
		switch line := sc.Text(); {
		case scan(line, "calls %d", &tr.calls), scan(line, "fds %d", &tr.fds),
			scan(line, "killed %d", &tr.killedAt), scan(line, "status %d", &tr.status):
		case scan(line, "nr %d %d", &nr, &n):
			tr.counts[nr] = n
		default:
			t.Fatalf("systrace reports %q", line)
		}
	}
	return tr, res
}

func scan(line, format string, into ...any) bool {
	n, err := fmt.Sscanf(line, format, into...)
	return err == nil && n == len(into)
}

// TestRestart kills runc at each system call that it makes, the Go runtime's
// own included, and runs the same command again.
func TestRestart(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		pids   string
		paused bool
	}{
		{"host pids", rig.HostPIDs, false},
		{"private pids", rig.PrivatePIDs, false},
		{"paused", rig.HostPIDs, true},
	}
	for _, e := range enders {
		for _, tc := range cases {
			t.Run(e.name+"/"+tc.name, func(t *testing.T) {
				t.Parallel()
				r := rig.Open(t)
				begin := func() *rig.Container {
					c := r.New(rig.Spec{Args: []string{"crowd", "4"}, PIDs: tc.pids}).Run()
					if c.AwaitProcesses(4); tc.paused {
						c.Pause()
					}
					return c
				}
				restart(t, r, e, begin)
			})
		}
	}
}

// restart tries every kill point, or in the default suite one of each stretch,
// until runc ends before it gets to the next.
func restart(t *testing.T, r *rig.Rig, e ender, begin func() *rig.Container) {
	c := begin()
	whole, res := traced(t, r, 0, e.args(c.ID)...)
	if res.Status != 0 {
		t.Fatal(res)
	}
	e.check(c, res)
	step := 1
	if !soaking() {
		step = max(whole.calls/rounds(6, 0), 1)
	}
	seed := seedOf(t)
	rnd := rand.New(rand.NewPCG(seed, 2))
	var tried, undone int
	at := map[int]bool{}
	defer func() {
		t.Logf("view %s, %s: %d kill points tried, at %d different system calls; the container had not gone at %d of them (%d calls in all, step %d, seed %d)",
			r.View, t.Name(), tried, len(at), undone, whole.calls, step, seed)
	}()
	// try returns where runc was killed, or -1 if it ended before it came to point.
	try := func(point int) int {
		c := begin()
		tr, cut := traced(t, r, point, e.args(c.ID)...)
		if tr.killedAt >= 0 {
			tried++
			at[tr.killedAt] = true
			if len(c.Remains()) > 0 {
				undone++
			}
		}
		again := r.Run(e.args(c.ID)...)
		if again.Status != 0 && !saysDone(again) {
			t.Errorf("killed at call %d (%d): the second run: %s", point, tr.killedAt, again)
		}
		e.check(c, again)
		if t.Failed() {
			t.Logf("the first run, killed at call %d: %s", point, cut)
		} else if e.name == "kill" {
			c.Delete()
		}
		return tr.killedAt
	}
	for n := 1; !t.Failed(); n += step {
		point := n + rnd.IntN(step)
		// The number of calls varies with the runtime's threads.
		if try(point) < 0 && point > whole.calls {
			break
		}
	}
	// Few points, in long stretches, may all be behind the container's end.
	for point := step / 2; undone == 0 && point > 0 && !t.Failed(); point /= 2 {
		try(point)
	}
	if undone == 0 && !t.Failed() {
		t.Errorf("runc was never killed while it had work to do")
	}
}

// saysDone tells whether a command failed because there was nothing left to do.
func saysDone(res rig.Result) bool {
	return strings.Contains(res.Stderr, "container not running") || strings.Contains(res.Stderr, "container does not exist")
}

// TestRestartOfWait kills runc while it sleeps, waiting for a container that
// does not end by itself.
func TestRestartOfWait(t *testing.T) {
	t.Parallel()
	r := rig.Open(t)
	c := r.New(rig.Spec{Args: []string{"crowd", "4", "ignore"}, PIDs: rig.HostPIDs}).Run()
	c.AwaitProcesses(4)
	first := r.Start("kill", "--wait", c.ID, "TERM")
	r.Await("runc to sleep in poll", func() bool { return inPoll(first.Process.Pid) })
	if err := first.Process.Kill(); err != nil {
		t.Error(err)
	}
	first.Wait()
	c.Kill()
	c.Delete()
}
