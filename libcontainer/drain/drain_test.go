package drain

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestUnknownStart names a process by its ID alone: it is signalled only if it
// is in one of the trees, and can't be vouched for if it is not.
func TestUnknownStart(t *testing.T) {
	dir := group(t, V2, "")
	in, out, gone := child(t, dir).Process.Pid, child(t).Process.Pid, zombie(t)
	rep, err := Drain(t.Context(), Group{Trees: []*Tree{tree(t, dir, V2)}, Processes: []Process{{Pid: out}}}, Request{Signal: unix.SIGKILL})
	if _, ok := asType[*UnverifiableError](err); !ok || rep.Signalled != 1 || rep.Drained {
		t.Errorf("not in the tree: %+v, %v", rep, err)
	}
	for pid, killed := range map[int]bool{in: true, out: false} {
		if st, err := readStat(pid); err != nil || st.dead() != killed {
			t.Errorf("process %d: %+v, %v, want it dead: %t", pid, st, err, killed)
		}
	}
	in = child(t, dir).Process.Pid
	rep, err = Drain(t.Context(), Group{Processes: []Process{{Pid: gone}}}, Request{Signal: unix.SIGKILL})
	if err != nil || !rep.Idle {
		t.Errorf("gone: %+v, %v", rep, err)
	}
	rep, err = Drain(t.Context(), Group{Trees: []*Tree{tree(t, dir, V2)}, Processes: []Process{{Pid: in}}}, Request{Signal: unix.SIGTERM, Scope: ProcessesOnly})
	if err != nil || rep.Signalled != 1 {
		t.Errorf("in the tree: %+v, %v", rep, err)
	}
}

// TestDrain drains real cgroups of both versions.
func TestDrain(t *testing.T) {
	for _, v := range []Version{V1, V2} {
		for _, n := range []int{0, 1, 6, 150} {
			t.Run(fmt.Sprintf("%s/%d", v, n), func(t *testing.T) {
				dir := group(t, v, "pids")
				sub := filepath.Join(dir, "sub")
				if err := os.Mkdir(sub, 0o755); err != nil {
					t.Fatal(err)
				}
				var pids []int
				for i := range n {
					pids = append(pids, child(t, []string{dir, sub}[i%2]).Process.Pid)
				}
				g := Group{Trees: []*Tree{tree(t, dir, v)}}
				before := descriptors(t)
				rep, err := Drain(t.Context(), g, Request{Signal: unix.SIGKILL, Count: true})
				if err != nil || !rep.Drained || rep.Idle != (n == 0) || rep.Signalled != n {
					t.Errorf("got %+v, %v", rep, err)
				}
				for _, pid := range pids {
					if st, err := readStat(pid); err == nil && !st.dead() {
						t.Errorf("%d is alive", pid)
					}
				}
				if m, err := g.Trees[0].list(bounds{}); err != nil || !m.empty() {
					t.Errorf("still there: %+v, %v", m, err)
				}
				if after := descriptors(t); after > before+1 { // cgroup.events stays open with its tree
					t.Errorf("%d descriptors open, %d before", after, before)
				}
			})
		}
	}
}

// TestDrainOtherwise covers what a drain does besides killing.
func TestDrainOtherwise(t *testing.T) {
	process := func(t *testing.T, pid int) Process {
		st, err := readStat(pid)
		if err != nil {
			t.Fatal(err)
		}
		return Process{pid, st.start}
	}
	t.Run("a zombie is gone", func(t *testing.T) {
		rep, err := Drain(t.Context(), Group{Processes: []Process{process(t, zombie(t))}}, Request{Signal: unix.SIGKILL})
		if err != nil || !rep.Idle {
			t.Errorf("got %+v, %v", rep, err)
		}
	})
	t.Run("no process to signal", func(t *testing.T) {
		_, err := Drain(t.Context(), Group{Processes: []Process{process(t, zombie(t))}}, Request{Signal: unix.SIGTERM, Scope: ProcessesOnly})
		if !errors.Is(err, ErrNoProcess) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("wait only", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		pid := child(t).Process.Pid
		rep, err := Drain(ctx, Group{Processes: []Process{process(t, pid)}}, Request{})
		timeout, ok := asType[*TimeoutError](err)
		if !ok || timeout.Total != 1 || timeout.Survivors[0].Pid != pid || timeout.Survivors[0].Comm != "sleep" || rep.Signalled != 0 {
			t.Errorf("got %+v, %v", rep, err)
		}
	})
	t.Run("kill after", func(t *testing.T) {
		pid := child(t).Process.Pid
		rep, err := Drain(t.Context(), Group{Processes: []Process{process(t, pid)}}, Request{Signal: unix.SIGCONT, KillAfter: 30 * time.Millisecond})
		if err != nil || rep.Elapsed < 30*time.Millisecond {
			t.Errorf("got %+v, %v", rep, err)
		}
	})
	t.Run("progress", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 1200*time.Millisecond)
		defer cancel()
		var left []int
		_, _ = Drain(ctx, Group{Processes: []Process{process(t, child(t).Process.Pid)}}, Request{Progress: func(n int, _ time.Duration) { left = append(left, n) }})
		if len(left) == 0 || len(left) > 3 || slices.ContainsFunc(left, func(n int) bool { return n != 1 }) {
			t.Errorf("told %v, want 1 twice", left)
		}
	})
	t.Run("cancelled with its cause", func(t *testing.T) {
		why := errors.New("because")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(why)
		rep, err := Drain(ctx, Group{Processes: []Process{process(t, child(t).Process.Pid)}}, Request{})
		if !errors.Is(err, why) || len(rep.Survivors) != 1 {
			t.Errorf("got %+v, %v", rep, err)
		}
	})
	t.Run("nothing is signalled that is refused", func(t *testing.T) {
		p := child(t)
		g := Group{Trees: []*Tree{tree(t, mounted(t, V2, ""), V2)}, Processes: []Process{process(t, p.Process.Pid)}}
		_, err := Drain(t.Context(), g, Request{Signal: 0}) // should it not be refused, nothing is sent
		if _, ok := asType[*UnsafeError](err); !ok {
			t.Errorf("got %v", err)
		}
	})
}
