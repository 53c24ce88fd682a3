package drain

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pidSource is a source that lists what its function returns.
type pidSource func() []int

func (s pidSource) Pids(func() error) ([]int, error) { return s(), nil }
func (s pidSource) Has(pid int) bool                 { return slices.Contains(s(), pid) }
func (s pidSource) String() string                   { return "a source" }

// TestOnlyEmptyIsEmpty has a source that lists somebody at each look who has
// ended at the next: as long as it lists anybody it is not empty.
func TestOnlyEmptyIsEmpty(t *testing.T) {
	dead := child(t)
	_ = dead.Process.Kill()
	_ = dead.Wait()
	for _, sig := range []unix.Signal{0, unix.SIGTERM, unix.SIGKILL} {
		t.Run(fmt.Sprint(int(sig)), func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			g := Group{Sources: []Source{pidSource(func() []int { return []int{dead.Process.Pid} })}}
			rep, err := Drain(ctx, g, Request{Signal: sig})
			var timeout *TimeoutError
			if !errors.As(err, &timeout) || rep.Drained {
				t.Errorf("got %+v, %v; want it to time out", rep, err)
			}
		})
	}
}

// TestSourceMembership signals only who is still listed after it was pinned.
func TestSourceMembership(t *testing.T) {
	stays, leaves := child(t), child(t)
	calls := 0
	s := pidSource(func() []int {
		if calls++; calls == 1 {
			return []int{stays.Process.Pid, leaves.Process.Pid}
		}
		if st, err := readStat(stays.Process.Pid); err != nil || st.dead() {
			return nil
		}
		return []int{stays.Process.Pid}
	})
	rep, err := Drain(t.Context(), Group{Sources: []Source{s}}, Request{Signal: unix.SIGKILL})
	if err != nil || rep.Signalled != 1 {
		t.Errorf("got %+v, %v", rep, err)
	}
	if st, err := readStat(leaves.Process.Pid); err != nil || st.dead() {
		t.Error("the process that left was signalled")
	}
}

// TestSignalChildren sends a signal to a process that forks before it gets it.
func TestSignalChildren(t *testing.T) {
	parent, offspring := child(t), child(t)
	alive := func(pid int) bool { st, err := readStat(pid); return err == nil && !st.dead() }
	calls := 0
	s := pidSource(func() (pids []int) {
		calls++
		if pid := parent.Process.Pid; alive(pid) {
			pids = append(pids, pid)
		}
		if pid := offspring.Process.Pid; calls > 2 && alive(pid) {
			pids = append(pids, pid)
		}
		return pids
	})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	rep, err := Drain(ctx, Group{Sources: []Source{s}}, Request{Signal: unix.SIGTERM})
	if err != nil || rep.Signalled != 2 {
		t.Errorf("got %+v, %v; want 2 signalled", rep, err)
	}
}

// TestBehindTheUnkillable has a process listed by what comes after something
// that never becomes empty. It is killed all the same.
func TestBehindTheUnkillable(t *testing.T) {
	dead, other := child(t), child(t)
	_ = dead.Process.Kill()
	_ = dead.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	g := Group{Sources: []Source{
		pidSource(func() []int { return []int{dead.Process.Pid} }),
		pidSource(func() []int {
			if st, err := readStat(other.Process.Pid); err != nil || st.dead() {
				cancel() // that is all there is to see
				return nil
			}
			return []int{other.Process.Pid}
		}),
	}}
	if _, err := Drain(ctx, g, Request{Signal: unix.SIGKILL}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v; want the second process killed well before the time is up", err)
	}
}

// TestLastAct has a process add another to the group, and end, after the group
// was read and before it is looked at itself.
func TestLastAct(t *testing.T) {
	first, second := child(t), child(t)
	start, err := readStat(first.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	alive := func(pid int) bool { st, err := readStat(pid); return err == nil && !st.dead() }
	listed := false
	s := pidSource(func() []int {
		if !listed {
			listed = true
			await(t, "end of the first", func() bool { return !alive(first.Process.Pid) })
			return nil
		}
		if alive(second.Process.Pid) {
			return []int{second.Process.Pid}
		}
		return nil
	})
	g := Group{Processes: []Process{{first.Process.Pid, start.start}}, Sources: []Source{s}}
	if _, err := Drain(t.Context(), g, Request{Signal: unix.SIGKILL}); err != nil {
		t.Error(err)
	}
	if alive(second.Process.Pid) {
		t.Error("drained, with the second process alive")
	}
}
