package stats

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/cgroups"
	"github.com/opencontainers/runc/libcontainer"
	"github.com/opencontainers/runc/types"
	"github.com/sirupsen/logrus"
)

// script is a container of which a test says what happens to it.
type script struct {
	oom       chan struct{}
	stopAfter int // statistics until it has stopped
	taken     int
	broken    error // of statistics
	noOOM     error
}

func (s *script) ID() string { return "demo" }

func (s *script) Status() (libcontainer.Status, error) {
	if s.taken >= s.stopAfter {
		return libcontainer.Stopped, nil
	}
	return libcontainer.Running, nil
}

func (s *script) Stats() (*libcontainer.Stats, error) {
	s.taken++
	return &libcontainer.Stats{CgroupStats: &cgroups.Stats{}}, s.broken
}

func (s *script) NotifyOOM() (<-chan struct{}, error) { return s.oom, s.noOOM }

// watched runs Watch on c, with a tick always due, and returns the types of the
// events. It fails the test if the watch does not end.
func watched(t *testing.T, c *script, emitted error) ([]string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	ticks := make(chan time.Time)
	go func() {
		for {
			select {
			case ticks <- time.Time{}:
			case <-ctx.Done():
				return
			}
		}
	}()
	var seen []string
	err := Watch(ctx, c, ticks, func(e types.Event) error {
		if e.ID != "demo" || (e.Type == "stats") != (e.Data != nil) {
			t.Errorf("event %+v", e)
		}
		seen = append(seen, e.Type)
		return emitted
	})
	return seen, err
}

func TestWatchEndsWithContainer(t *testing.T) {
	seen, err := watched(t, &script{oom: make(chan struct{}), stopAfter: 3}, nil)
	if err != nil || !slices.Equal(seen, []string{"stats", "stats", "stats"}) {
		t.Errorf("events %v, error %v; want statistics three times", seen, err)
	}
}

func TestWatchEndsWithCgroup(t *testing.T) {
	c := &script{oom: make(chan struct{}), stopAfter: 1 << 30}
	close(c.oom)
	if _, err := watched(t, c, nil); err != nil {
		t.Error(err)
	}
}

// What ended the container is told even if its end is noticed first.
func TestWatchTellsLastOOM(t *testing.T) {
	for range 50 { // select chooses at random between the two
		c := &script{oom: make(chan struct{}, 1)}
		c.oom <- struct{}{}
		tick := make(chan time.Time, 1)
		tick <- time.Time{}
		told := 0
		err := Watch(t.Context(), c, tick, func(e types.Event) error {
			if e.Type == "oom" {
				told++
			}
			return nil
		})
		if err != nil || told != 1 {
			t.Fatalf("out-of-memory events %d, error %v; want one", told, err)
		}
	}
}

func TestWatchErrors(t *testing.T) {
	logrus.SetOutput(io.Discard)
	sunk := errors.New("nobody reads")
	if _, err := watched(t, &script{noOOM: sunk}, nil); !errors.Is(err, sunk) {
		t.Errorf("without notifications: %v", err)
	}
	if _, err := watched(t, &script{oom: make(chan struct{}), stopAfter: 9}, sunk); !errors.Is(err, sunk) {
		t.Errorf("nobody reads the events: %v", err)
	}
	c := &script{oom: make(chan struct{}), stopAfter: 3, broken: errors.New("no such cgroup")}
	if seen, err := watched(t, c, nil); err != nil || len(seen) != 0 || c.taken != 3 {
		t.Errorf("statistics that can't be read: events %v, error %v after %d tries, want to go on", seen, err, c.taken)
	}
	stop, cancel := context.WithCancelCause(t.Context())
	cancel(sunk)
	if err := Watch(stop, &script{oom: make(chan struct{})}, nil, nil); !errors.Is(err, sunk) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	if err := CheckRunning(&script{}); err == nil || !strings.Contains(err.Error(), "container with id demo is not running") {
		t.Errorf("stopped container: %v", err)
	}
	for d, ok := range map[time.Duration]bool{time.Nanosecond: true, 0: false, -time.Second: false} {
		if err := CheckInterval(d); (err == nil) != ok {
			t.Errorf("interval %v: %v", d, err)
		}
	}
	if err := Once(&script{broken: errors.New("gone")}, nil); err == nil {
		t.Error("Once without statistics succeeds")
	}
}
