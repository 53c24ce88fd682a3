package stats

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/opencontainers/runc/libcontainer"
	"github.com/opencontainers/runc/types"
	"github.com/sirupsen/logrus"
)

// Source is the container that is watched, a [libcontainer.Container].
type Source interface {
	ID() string
	Status() (libcontainer.Status, error)
	Stats() (*libcontainer.Stats, error)
	NotifyOOM() (<-chan struct{}, error)
}

// Emit passes an event on. Its error ends the watch.
type Emit func(types.Event) error

// CheckRunning refuses a container that has stopped.
func CheckRunning(c Source) error {
	status, err := c.Status()
	if err != nil {
		return err
	}
	if status == libcontainer.Stopped {
		return fmt.Errorf("container with id %s is not running", c.ID())
	}
	return nil
}

// Once emits the present statistics of c.
func Once(c Source, emit Emit) error {
	s, err := c.Stats()
	if err != nil {
		return err
	}
	return emit(types.Event{Type: "stats", ID: c.ID(), Data: Of(s)})
}

// Watch emits the statistics of c at each tick, and an event whenever the
// container runs out of memory, until the container has ended or ctx is done.
func Watch(ctx context.Context, c Source, tick <-chan time.Time, emit Emit) error {
	oom, err := c.NotifyOOM()
	if err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case _, open := <-oom:
			// On cgroup v2 libcontainer closes the channel when the cgroup
			// becomes empty, on v1 only when it is removed.
			if !open {
				return nil
			}
			if err := emitOOM(c, emit); err != nil {
				return err
			}
		case <-tick:
			if CheckRunning(c) != nil {
				return finish(c, oom, emit)
			}
			if err := sample(c, emit); err != nil {
				return err
			}
		}
	}
}

// sample emits statistics. That they can't be read just now is logged: the
// container may be on its way out.
func sample(c Source, emit Emit) error {
	var failed error
	err := Once(c, func(e types.Event) error {
		failed = emit(e)
		return failed
	})
	if err != nil && failed == nil {
		logrus.Error(err)
	}
	return failed
}

// finish emits the out-of-memory event that waits, if any: it may be what has
// ended the container.
func finish(c Source, oom <-chan struct{}, emit Emit) error {
	select {
	case _, open := <-oom:
		if open {
			return emitOOM(c, emit)
		}
	default:
	}
	return nil
}

func emitOOM(c Source, emit Emit) error {
	return emit(types.Event{Type: "oom", ID: c.ID()})
}

// CheckInterval refuses a time between samples that can't be kept.
func CheckInterval(d time.Duration) error {
	if d <= 0 {
		return errors.New("duration interval must be greater than 0")
	}
	return nil
}
