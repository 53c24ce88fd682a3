package drain

import (
	"context"
	"errors"
	"time"
)

// deadline is when a call has to end. Waits end with its context; what reads
// and signals has grace beyond that, so that a call which is late already, or
// comes late to its last look, gets something done.
type deadline struct {
	ctx   context.Context
	until time.Time // zero if there is no end
}

// grace is some times what it takes to kill a container of ten hierarchies one
// by one.
const grace = 50 * time.Millisecond

func newDeadline(ctx context.Context, began time.Time) deadline {
	d := deadline{ctx: ctx}
	if end, ok := ctx.Deadline(); ok {
		if d.until = end; end.Before(began) {
			d.until = began
		}
		d.until = d.until.Add(grace)
	}
	return d
}

// over is for bounds.stop: whether the time is up, the grace included, or
// somebody called the whole off.
func (d deadline) over() error {
	if !d.until.IsZero() && !time.Now().Before(d.until) {
		return context.DeadlineExceeded
	}
	if err := d.ctx.Err(); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// cause is why the context ended.
func (d deadline) cause() error { return context.Cause(d.ctx) }

// ended tells whether an error says that the time is up, or that the whole was
// called off.
func ended(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}
