package synckill

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"runcsync/libcontainer/drain"
)

// TestWithin gives up what does not come to an end, and never loses what did.
func TestWithin(t *testing.T) {
	failed := errors.New("failed")
	for _, want := range []error{nil, failed} {
		if err := within(t.Context(), "", func() error { return want }); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	release := make(chan struct{})
	defer close(release)
	hang := func() error { <-release; return nil }

	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	err := within(ctx, "all that", hang)
	if late := (*drain.TimeoutError)(nil); !errors.As(err, &late) || !strings.Contains(err.Error(), "all that has not finished") {
		t.Errorf("deadline: got %v", err)
	}
	ctx, stop := context.WithCancelCause(t.Context())
	stop(failed)
	if err := within(ctx, "", hang); !errors.Is(err, failed) {
		t.Errorf("cancelled: got %v, want %v", err, failed)
	}
}

// TestRemainsFenced has an exec in the room that read the state before it was
// damaged: a wait can't claim the end, and nothing is removed.
func TestRemainsFenced(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "c")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	r := Remains{ID: "c", StateDir: dir, Complete: true, place: placeOf(t, dir)}
	leave := enter(t, dir)
	_, err := r.Delete(t.Context(), true, Request{Timeout: pause})
	if _, timedOut := asType[*drain.TimeoutError](err); !timedOut {
		t.Errorf("with an exec in the room: %v, want a time-out", err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Errorf("the state is gone: %v", err)
	}
	leave()
	if _, err := r.Delete(t.Context(), true, Request{}); err != nil {
		t.Errorf("after the exec: %v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the state is still there: %v", err)
	}
}
