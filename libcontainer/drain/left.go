package drain

import (
	"context"
	"errors"
	"slices"
	"time"
)

// expired has the last look, if there is time for one, and makes the error of a
// deadline that has passed.
func (d *drainer) expired() error {
	if d.last = true; d.deadline.over() == nil {
		d.pace.woke(false) // over all of it
		left, err := d.look()
		if !left || err != nil && !ended(err) {
			return errors.Join(err, d.doubts.err())
		}
	}
	e := d.timeout()
	d.tally.report.Survivors = e.Survivors
	if err := d.doubts.err(); err != nil {
		return errors.Join(e, err)
	}
	return e
}

// survivors are who is left, the first of them by name.
type survivors struct {
	pids  []int
	named []Survivor
	more  bool // there may be others
	err   error
}

// tellable is how many cgroups are read to find out who is left. It is told to
// people, and claims nothing.
const tellable = 256

// alive lists all that is left, ascending.
func (d *drainer) alive(b bounds) (s survivors) {
	b.dirs = tellable
	for _, p := range parts(d.trees, d.sources) {
		m, err := p.list(b)
		s.err = errors.Join(s.err, err)
		s.pids = append(s.pids, m.pids...)
		s.more = s.more || m.more
	}
	for i := range d.held.handles {
		h := &d.held.handles[i]
		if gone, err := h.terminated(); err == nil && !gone {
			s.pids = append(s.pids, h.pid)
		}
	}
	slices.Sort(s.pids)
	s.pids = slices.Compact(s.pids)
	s.more = s.more || s.err != nil
	return s
}

// survivors names the first of what is left. It has grace of its own, since the
// rest may be used up.
func (d *drainer) survivors() survivors {
	s := d.alive(bounds{stop: deadline{ctx: context.WithoutCancel(d.deadline.ctx), until: time.Now().Add(grace / 2)}.over})
	for _, pid := range s.pids[:min(len(s.pids), SurvivorLimit)] {
		s.named = append(s.named, survivor(pid))
	}
	return s
}

// timeout makes the error of an expired deadline.
func (d *drainer) timeout() *TimeoutError {
	left := d.survivors()
	e := &TimeoutError{After: time.Since(d.began), Survivors: left.named, Total: len(left.pids)}
	for _, t := range d.trees {
		if t.frozenAbove() {
			e.Notes = append(e.Notes, "a freezer cgroup above "+t.Path+" is frozen and holds SIGKILL back")
		}
		if e.Total == 0 && !left.more && t.Version == V2 && t.Exists() {
			if populated, err := t.populated(); err == nil && populated {
				e.Notes = append(e.Notes, t.Path+" is populated by processes that have no ID in this PID namespace")
			}
		}
	}
	if left.more {
		e.Notes = append(e.Notes, "there may be more, not all of its cgroups could be read in time")
	}
	return e
}
