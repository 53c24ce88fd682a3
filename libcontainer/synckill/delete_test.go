package synckill

import (
	"context"
	"errors"
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
