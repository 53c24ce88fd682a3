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

// kinds are the ways to hold a process: by pidfd, and by ID and start time as
// before Linux 5.3.
var kinds = map[string]func(t *testing.T, pid int) handle{
	"pidfd": func(t *testing.T, pid int) handle {
		h, err := open(pid)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(h.close)
		return h
	},
	"start time": func(t *testing.T, pid int) handle {
		st, err := readStat(pid)
		if err != nil {
			t.Fatal(err)
		}
		return handle{pid: pid, fd: -1, start: st.start}
	},
}

func TestHandle(t *testing.T) {
	for kind, hold := range kinds {
		t.Run(kind, func(t *testing.T) {
			cmd := child(t)
			h := hold(t, cmd.Process.Pid)
			if gone, err := h.terminated(); gone || err != nil {
				t.Errorf("alive: terminated %t, %v", gone, err)
			}
			if err := h.signal(unix.SIGKILL); err != nil {
				t.Fatal(err)
			}
			await(t, "end of the process", func() bool { gone, err := h.terminated(); return gone && err == nil })
			if st, _ := readStat(h.pid); !st.dead() {
				t.Error("the process is not the zombie that was to count as terminated")
			}
			_ = cmd.Wait()
			if gone, err := h.terminated(); !gone || err != nil {
				t.Errorf("reaped: terminated %t, %v", gone, err)
			}
			if err := h.signal(unix.SIGKILL); err != nil {
				t.Errorf("signal to a process that is gone: %v", err)
			}
		})
	}
}

// TestReusedID takes a process for gone, and does not signal, whose ID is
// somebody else's by now.
func TestReusedID(t *testing.T) {
	other := child(t).Process.Pid
	st, err := readStat(other)
	if err != nil {
		t.Fatal(err)
	}
	h := handle{pid: other, fd: -1, start: st.start - 1}
	if gone, err := h.terminated(); !gone || err != nil {
		t.Errorf("terminated %t, %v", gone, err)
	}
	if err := h.signal(unix.SIGKILL); err != nil {
		t.Error(err)
	}
	if _, err := openProcess(Process{Pid: other, StartTime: st.start - 1}); !errors.Is(err, unix.ESRCH) {
		t.Errorf("open: %v, want ESRCH", err)
	}
	rep, err := Drain(t.Context(), Group{Processes: []Process{{Pid: other, StartTime: st.start - 1}}}, Request{Signal: unix.SIGKILL})
	if err != nil || !rep.Idle || rep.Signalled != 0 {
		t.Errorf("drain: %+v, %v", rep, err)
	}
	if now, err := readStat(other); err != nil || now.dead() {
		t.Errorf("the other process was signalled: %+v, %v", now, err)
	}
}

// TestUnknownStart names a process by its ID alone: it is signalled only if it
// is in one of the trees, and can't be vouched for if it is not.
func TestUnknownStart(t *testing.T) {
	dir := group(t, V2, "")
	in, out, gone := child(t, dir).Process.Pid, child(t).Process.Pid, zombie(t)
	rep, err := Drain(t.Context(), Group{Trees: []*Tree{tree(t, dir, V2)}, Processes: []Process{{Pid: out}}}, Request{Signal: unix.SIGKILL})
	if _, ok := errors.AsType[*UnverifiableError](err); !ok || rep.Signalled != 0 {
		t.Errorf("not in the tree: %+v, %v", rep, err)
	}
	for _, pid := range []int{in, out} {
		if st, err := readStat(pid); err != nil || st.dead() {
			t.Errorf("process %d was signalled: %+v, %v", pid, st, err)
		}
	}
	rep, err = Drain(t.Context(), Group{Processes: []Process{{Pid: gone}}}, Request{Signal: unix.SIGKILL})
	if err != nil || !rep.Idle {
		t.Errorf("gone: %+v, %v", rep, err)
	}
	rep, err = Drain(t.Context(), Group{Trees: []*Tree{tree(t, dir, V2)}, Processes: []Process{{Pid: in}}}, Request{Signal: unix.SIGTERM, Scope: ProcessesOnly})
	if err != nil || rep.Signalled != 1 {
		t.Errorf("in the tree: %+v, %v", rep, err)
	}
}

func TestPollInterval(t *testing.T) {
	for waited, want := range map[time.Duration]time.Duration{
		0:                      time.Millisecond,
		80 * time.Millisecond:  10 * time.Millisecond,
		800 * time.Millisecond: 100 * time.Millisecond,
		time.Hour:              500 * time.Millisecond,
	} {
		if got := pollInterval(waited); got != want {
			t.Errorf("after %s: %s, want %s", waited, got, want)
		}
	}
}

// TestWatch ends its wait for each of the reasons there are.
func TestWatch(t *testing.T) {
	soon := func() time.Time { return time.Now().Add(50 * time.Millisecond) }
	late := func() time.Time { return time.Now().Add(20 * time.Second) }
	start := func(t *testing.T, ctx context.Context) *watch {
		w, err := newWatch(ctx)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(w.close)
		return w
	}
	for kind, hold := range kinds {
		t.Run("end of all processes by "+kind, func(t *testing.T) {
			w := start(t, t.Context())
			a, b := child(t), child(t)
			w.held = []handle{hold(t, a.Process.Pid), hold(t, b.Process.Pid)}
			if err := w.wait(soon()); err != nil || len(w.held) != 2 {
				t.Fatalf("%d held, %v; want 2", len(w.held), err)
			}
			_ = a.Process.Kill()
			_ = b.Process.Kill()
			began := time.Now()
			if err := w.wait(late()); err != nil || len(w.held) != 0 {
				t.Errorf("%d held, %v; want none", len(w.held), err)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("noticed after %s", took)
			}
			// Their test's clean-up closes them.
			w.held = nil
		})
	}
	t.Run("a tree becomes empty", func(t *testing.T) {
		w := start(t, t.Context())
		dir := group(t, V2, "")
		p := child(t, dir)
		tr := tree(t, dir, V2)
		if populated, err := tr.populated(); err != nil || !populated {
			t.Fatalf("populated %t, %v", populated, err)
		}
		w.trees = []*Tree{tr}
		if err := w.wait(soon()); err != nil {
			t.Fatal(err)
		}
		_ = p.Process.Kill()
		began := time.Now()
		if err := w.wait(late()); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("noticed after %s", took)
		}
	})
	t.Run("cancel", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		w := start(t, ctx)
		w.held = []handle{kinds["pidfd"](t, child(t).Process.Pid)}
		go func() {
			time.Sleep(20 * time.Millisecond)
			cancel()
		}()
		if err := w.wait(late()); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		w.held = nil
	})
	t.Run("deadline", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if err := start(t, ctx).wait(late()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("ended before", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := start(t, ctx).wait(late()); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("no more than there is room for", func(t *testing.T) {
		w := start(t, t.Context())
		w.budget = budget{watch: 1, batch: 1}
		for range 3 {
			h, err := open(child(t).Process.Pid)
			if err != nil {
				t.Fatal(err)
			}
			w.add(h)
		}
		if len(w.held) != 1 {
			t.Errorf("%d held, want 1", len(w.held))
		}
	})
}

// TestAffordable fits the budget into the limit of open files.
func TestAffordable(t *testing.T) {
	var was unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Setrlimit(unix.RLIMIT_NOFILE, &was) }()
	open := uint64(descriptors(t))
	for _, tt := range []struct {
		limit uint64
		want  budget
	}{
		{1024, full},
		{open, budget{watch: 1, batch: 1}},
		{open + spare + 20, budget{watch: 10, batch: 10}},
		{900, full},
	} {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: tt.limit, Max: was.Max}); err != nil {
			t.Fatal(err)
		}
		if got := affordable(); got.watch > tt.want.watch || got.batch > tt.want.batch || tt.want.watch-got.watch > 2 {
			t.Errorf("limit %d with %d open: %+v, want %+v", tt.limit, open, got, tt.want)
		}
	}
}

// TestBatches has few listings for many processes, within the budget.
func TestBatches(t *testing.T) {
	for _, tt := range []struct {
		budget
		held, n, batch int
	}{
		{full, 0, 1, 80},
		{full, 1, 1000, 80},
		{full, 1, 2000, 125},
		{full, 1, 10000, 207},
		{full, 1, 1000000, 207},
		{full, 100, 10000, 108},
		{full, 128, 10000, 80},
		{budget{watch: 1, batch: 1}, 0, 10000, 2},
	} {
		w := watch{budget: tt.budget, held: make([]handle, tt.held)}
		if batch := w.batchFor(tt.n); batch != tt.batch {
			t.Errorf("%+v, %d held, %d processes: %d at a time, want %d", tt.budget, tt.held, tt.n, batch, tt.batch)
		}
		if most := tt.watch + tt.budget.batch; tt.held+w.batchFor(tt.n) > most {
			t.Errorf("%+v, %d held, %d processes: more than %d descriptors", tt.budget, tt.held, tt.n, most)
		}
	}
}

// pidSource is a source that lists what its function returns.
type pidSource func() []int

func (s pidSource) Pids() ([]int, error) { return s(), nil }
func (s pidSource) Has(pid int) bool     { return slices.Contains(s(), pid) }
func (s pidSource) String() string       { return "a source" }

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

// TestKilledWithItsTree has a process that is held in a v2 tree killed by that
// tree's cgroup.kill and not before. One that is held elsewhere, or in a tree
// that can't be killed so, is killed first.
func TestKilledWithItsTree(t *testing.T) {
	for where, tc := range map[string]struct{ within, able bool }{
		"in the tree":                   {true, true},
		"elsewhere":                     {false, true},
		"in a tree without cgroup.kill": {true, false},
	} {
		t.Run(where, func(t *testing.T) {
			dir := group(t, V2, "")
			tr := tree(t, dir, V2)
			if unix.Access(filepath.Join(dir, "cgroup.kill"), unix.W_OK) != nil {
				t.Skip("no cgroup.kill (Linux 5.14)")
			}
			if !tc.able {
				tr.Version = V1
			}
			member, other := child(t, dir), child(t)
			held := other.Process.Pid
			if tc.within {
				held = member.Process.Pid
			}
			w, err := newWatch(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(w.close)
			// No signal can be sent by what is not a pidfd.
			null, err := unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			w.held = []handle{{pid: held, fd: null}}
			d := &drainer{group: Group{Trees: []*Tree{tr}}, killing: true, watch: w, hit: map[int]uint64{}, sizes: map[*Tree]int{}}
			killed, err := d.killTree(tr)
			if tc.within && tc.able {
				if !killed || err != nil {
					t.Errorf("got %t, %v", killed, err)
				}
				await(t, "its end", func() bool { st, err := readStat(held); return err != nil || st.dead() })
			} else if !errors.Is(err, unix.EBADF) {
				t.Errorf("got %t, %v, want the error of a signal", killed, err)
			}
			if !d.struck {
				t.Error("the next look does not send it SIGKILL")
			}
		})
	}
}

// TestKilledAllTheSame has init killed where its tree can't be read.
func TestKilledAllTheSame(t *testing.T) {
	dir := group(t, V2, "")
	tr := tree(t, dir, V2)
	var err error
	if tr.events, err = unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil { // says nothing
		t.Fatal(err)
	}
	pid := child(t, dir).Process.Pid
	st, err := readStat(pid)
	if err != nil {
		t.Fatal(err)
	}
	g := Group{Trees: []*Tree{tr}, Processes: []Process{{pid, st.start}}}
	if _, err := Drain(t.Context(), g, Request{Signal: unix.SIGKILL}); err == nil {
		t.Error("drained")
	} else if _, ok := errors.AsType[*UnverifiableError](err); !ok {
		t.Errorf("got %v", err)
	}
	await(t, "its end", func() bool { st, err := readStat(pid); return err != nil || st.dead() })
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
				if m, err := g.Trees[0].list(0); err != nil || !m.empty() {
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
		timeout, ok := errors.AsType[*TimeoutError](err)
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
		if _, ok := errors.AsType[*UnsafeError](err); !ok {
			t.Errorf("got %v", err)
		}
	})
}
