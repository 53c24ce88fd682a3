package drain

import (
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

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
		w := held{budget: tt.budget, handles: make([]handle, tt.held)}
		if batch := w.batchFor(tt.n); batch != tt.batch {
			t.Errorf("%+v, %d held, %d processes: %d at a time, want %d", tt.budget, tt.held, tt.n, batch, tt.batch)
		}
		if most := tt.watch + tt.budget.batch; tt.held+w.batchFor(tt.n) > most {
			t.Errorf("%+v, %d held, %d processes: more than %d descriptors", tt.budget, tt.held, tt.n, most)
		}
	}
}

// TestHeld adds once, as long as there is room, and lets go of all but
// Group.Processes.
func TestHeld(t *testing.T) {
	h := held{budget: budget{watch: 2, batch: 5}}
	t.Cleanup(h.close)
	take := func(own bool) handle {
		x, err := open(child(t).Process.Pid)
		if err != nil {
			t.Fatal(err)
		}
		x.own = own
		return x
	}
	own, first, second := take(true), take(false), take(false)
	before := descriptors(t)
	for _, x := range []handle{own, first, first, second} {
		if x.fd = dup(t, x.fd); h.has(x.pid) != slices.ContainsFunc(h.handles, func(y handle) bool { return y.pid == x.pid }) {
			t.Errorf("has %d: %t", x.pid, h.has(x.pid))
		}
		h.add(x)
	}
	if len(h.handles) != 2 || h.room() != 0 {
		t.Errorf("%d held, room for %d", len(h.handles), h.room())
	}
	if !h.release() || h.release() || len(h.handles) != 1 || !h.handles[0].own || h.budget != least {
		t.Errorf("after the release: %+v", h)
	}
	if err := h.kill([]int{own.pid}); err != nil {
		t.Error(err)
	}
	if gone, err := h.handles[0].terminated(); gone || err != nil || h.handles[0].killed {
		t.Errorf("killed although it is hit otherwise: %+v, %t, %v", h.handles[0], gone, err)
	}
	if err := h.kill(nil); err != nil || !h.handles[0].killed {
		t.Errorf("%+v, %v", h.handles[0], err)
	}
	await(t, "its end", func() bool {
		n, err := h.bury()
		if err != nil {
			t.Fatal(err)
		}
		return n == 1
	})
	if now := descriptors(t); now != before {
		t.Errorf("%d descriptors open, %d before", now, before)
	}
	for _, x := range []handle{own, first, second} {
		x.close()
	}
}

func dup(t *testing.T, fd int) int {
	t.Helper()
	other, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return other
}
