package drain

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestDeadline has grace beyond the context's deadline, and none when somebody
// called the whole off. Time stands still meanwhile.
func TestDeadline(t *testing.T) { synctest.Test(t, testDeadline) }

func testDeadline(t *testing.T) {
	now := time.Now()
	if d := newDeadline(t.Context(), now); d.over() != nil || !d.until.IsZero() {
		t.Errorf("without an end: %+v, %v", d, d.over())
	}
	for name, tt := range map[string]struct {
		end, began time.Time
		over       bool
	}{
		"ahead":               {now.Add(time.Hour), now, false},
		"in grace":            {now, now, false},
		"late from the start": {now.Add(-time.Hour), now, false},
		"past":                {now.Add(-time.Hour), now.Add(-time.Hour), true},
		"at the end of grace": {now.Add(-grace), now.Add(-time.Hour), true},
		"just before that":    {now.Add(-grace + 1), now.Add(-time.Hour), false},
	} {
		ctx, cancel := context.WithDeadline(t.Context(), tt.end)
		defer cancel()
		if err := newDeadline(ctx, tt.began).over(); errors.Is(err, context.DeadlineExceeded) != tt.over {
			t.Errorf("%s: %v, want over %t", name, err, tt.over)
		}
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Hour, nil)
	cancel()
	if err := newDeadline(ctx, now).over(); !errors.Is(err, context.Canceled) || !ended(err) {
		t.Errorf("cancelled: %v", err)
	}
}
