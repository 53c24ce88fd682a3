package drain

import (
	"context"
	"errors"
	"testing"
	"time"
)

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
		w := newWatch(ctx, &held{budget: full})
		t.Cleanup(w.close)
		return w
	}
	for kind, hold := range kinds {
		t.Run("end of all processes by "+kind, func(t *testing.T) {
			w := start(t, t.Context())
			a, b := child(t), child(t)
			w.held.handles = []handle{hold(t, a.Process.Pid), hold(t, b.Process.Pid)}
			if err := w.wait(soon()); err != nil || len(w.held.handles) != 2 {
				t.Fatalf("%d held, %v; want 2", len(w.held.handles), err)
			}
			_ = a.Process.Kill()
			_ = b.Process.Kill()
			began := time.Now()
			if err := w.wait(late()); err != nil || len(w.held.handles) != 0 {
				t.Errorf("%d held, %v; want none", len(w.held.handles), err)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("noticed after %s", took)
			}
			// Their test's clean-up closes them.
			w.held.handles = nil
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
		w.held.handles = []handle{kinds["pidfd"](t, child(t).Process.Pid)}
		go func() {
			time.Sleep(20 * time.Millisecond)
			cancel()
		}()
		if err := w.wait(late()); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		w.held.handles = nil
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
		w.held.budget = budget{watch: 1, batch: 1}
		for range 3 {
			h, err := open(child(t).Process.Pid)
			if err != nil {
				t.Fatal(err)
			}
			w.held.add(h)
		}
		if len(w.held.handles) != 1 {
			t.Errorf("%d held, want 1", len(w.held.handles))
		}
	})
}
