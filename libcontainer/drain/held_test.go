package drain

import (
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
