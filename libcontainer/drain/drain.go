package drain

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// Drain sends r.Signal to the group and waits until all of it is gone: each
// process in g.Processes and each that was seen has terminated, and every tree
// and source is empty. A zombie is gone.
//
// Errors: [*UnsafeError], before anything is signalled, for a tree that can't be
// a container's. Of what can't be known, [*UnverifiableError], one for each,
// once everything else is gone: it keeps nobody from being signalled. A
// [*TimeoutError] when ctx's deadline passes, joined with those; ctx's cause
// when it is cancelled. The report is valid in any case. A call may be repeated
// at any time.
//
// A deadline that has passed already is a deadline: what can be sent in 50 ms
// is sent, and a call returns within about 100 ms of its end.
func Drain(ctx context.Context, g Group, r Request) (rep Report, err error) {
	d := newDrainer(ctx, g, r)
	defer func() { rep = d.finish(err) }()
	if err := d.judge(); err != nil {
		return rep, err
	}
	d.limits.trees = slices.Clone(d.trees)
	defer func() { err = errors.Join(err, d.close()) }()
	return rep, d.run()
}

// drainer is one call of Drain.
type drainer struct {
	req      Request
	began    time.Time
	deadline deadline
	trees    []*Tree // those of which something can be known
	sources  []Source
	members  []Process
	log      debugger
	held     held
	watch    *watch  // made when there is somebody to wait for
	waiting  []*Tree // v2 trees that were populated when last looked at
	killing  bool    // SIGKILL has been called for
	last     bool    // the time is up, this look is the last
	kill     killer
	limits   limits
	pace     pace
	tally    tally
	doubts   doubts
}

func newDrainer(ctx context.Context, g Group, r Request) *drainer {
	d := &drainer{
		req: r, began: time.Now(), trees: slices.Clone(g.Trees), sources: g.Sources, members: g.Processes,
		log: debugger{r.Log}, killing: r.Signal == unix.SIGKILL,
	}
	d.deadline = newDeadline(ctx, d.began)
	d.pace.over = d.began
	d.tally.hit = map[int]uint64{}
	d.held.budget = affordable()
	d.limits.log = d.log
	d.kill = killer{
		held: &d.held, tally: &d.tally, limits: &d.limits, log: d.log, trees: map[*Tree]*progress{},
		bounds: bounds{stop: d.deadline.over},
	}
	return d
}

// run is the algorithm of docs/synchronous-kill.md.
func (d *drainer) run() error {
	d.takeProcesses()
	if err := d.signal(); err != nil {
		return err
	}
	for {
		left, err := d.look()
		d.logLook(left)
		if err == nil && left {
			d.tally.report.Idle = false
			err = d.wait()
		}
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			return d.expired()
		case ended(err):
			d.tally.report.Survivors = d.survivors().named
			return cmp.Or(d.deadline.cause(), err)
		case err != nil || !left:
			return errors.Join(err, d.doubts.err())
		}
	}
}

// look goes over the group once: it finds out whether anything is left, sees
// to it that this is being waited for, and, once SIGKILL has been called for,
// kills it. What can't be known of one part is a doubt, and keeps the others
// from nothing; a signal that can't be sent is an error, after all of it.
func (d *drainer) look() (left bool, failed error) {
	all := d.pace.all(time.Now())
	failed = d.startRound()
	for _, p := range parts(d.trees, d.sources) {
		f, err := d.sweep(p)
		if ended(err) {
			if d.killing { // what has been sent acts on those frozen
				err = errors.Join(err, thaw(d.trees, true, d.deadline.over, d.log))
			}
			return true, err
		}
		failed = errors.Join(failed, d.doubts.sort(p, err))
		left = left || f.populated
		if f.populated && failed == nil && (!all || f.many && !d.last) {
			all = false // as long as many are ending there, the others can wait
			break
		}
	}
	if all || !left {
		d.pace.looked(time.Now())
	}
	if d.killing {
		failed = errors.Join(failed, d.kill.ahead(nil), thaw(d.trees, left, d.deadline.over, d.log))
		d.tally.byPid(d.held.handles)
	}
	if left {
		return true, failed
	}
	buried, err := d.held.bury()
	if failed = errors.Join(failed, err); buried > 0 && failed == nil && d.deadline.over() == nil {
		// Who was alive a moment ago may have added somebody since the trees
		// were read.
		return d.look()
	}
	return buried > 0 || len(d.held.handles) > 0, failed
}

// startRound does what comes before the parts.
func (d *drainer) startRound() error {
	d.tally.report.Rounds++
	d.doubts.passing = nil
	d.waiting = d.waiting[:0]
	switch {
	case d.killing && d.kill.began:
		// What was seen in earlier looks may have left its tree since.
		return d.kill.again(nil)
	case d.killing && d.req.Count:
		d.tally.count(d.trees, d.bounds())
	}
	return nil // the first look that kills leaves them to its steps: see killer.ahead
}

// finding is what a look at one part found.
type finding struct {
	populated bool
	many      bool // they have got SIGKILL, and are getting fewer
}

// sweep looks at one tree or source. When descriptors run out it goes on with
// less.
func (d *drainer) sweep(p part) (f finding, err error) {
	found := false // somebody who has ended by now may have added others elsewhere
	for {
		f, err = d.sweepOnce(p)
		found = found || f.populated
		f.populated = found
		if !exhausted(err) || !d.makeRoom(p, err) {
			return f, err
		}
	}
}

func (d *drainer) sweepOnce(p part) (f finding, failed error) {
	if t := unified(p); t != nil {
		if f.populated, failed = t.populated(); failed == nil && !f.populated {
			return f, nil
		}
		if t.events >= 0 {
			d.waiting = append(d.waiting, t)
		}
		if d.killing {
			served, many, err := d.kill.tree(t)
			failed = errors.Join(failed, err)
			if served || ended(err) {
				f.many = many
				return f, failed
			}
		}
	}
	pass := func(p part) (int, members, error) { return d.held.hold(p, d.bounds()) }
	if d.killing {
		failed = errors.Join(failed, d.kill.ahead(nil))
		pass = d.kill.each
	}
	// Only an empty listing says that nobody is left: where all that were
	// listed had ended when they were looked at, their children may live.
	for range 3 {
		n, m, err := pass(p)
		failed = errors.Join(failed, err)
		f.populated = f.populated || n > 0
		if f.populated || m.empty() || err != nil {
			return f, failed
		}
	}
	f.populated = true
	return f, failed
}

// bounds end a reading with the call's time.
func (d *drainer) bounds() bounds { return bounds{stop: d.deadline.over} }

// wait waits until the group should be looked at again.
func (d *drainer) wait() error {
	until := time.Now().Add(d.pace.pause())
	if d.req.Progress != nil {
		until = earlier(until, time.Now().Add(500*time.Millisecond))
	}
	if !d.killing && d.req.KillAfter > 0 {
		until = earlier(until, d.began.Add(d.req.KillAfter))
	}
	if d.watch == nil {
		d.watch = newWatch(d.deadline.ctx, &d.held)
	}
	d.watch.trees = d.waiting
	if err := d.watch.wait(until); err != nil {
		return err
	}
	now := time.Now()
	d.pace.woke(now.Before(until))
	if !d.killing && d.req.KillAfter > 0 && now.Sub(d.began) >= d.req.KillAfter {
		d.log.debug("kill after", "elapsed", now.Sub(d.began).Seconds())
		d.killing = true
		d.watch.news = now
	}
	if d.req.Progress != nil && now.Sub(d.began) >= 500*time.Millisecond {
		if l := d.alive(d.bounds()); l.err == nil {
			d.req.Progress(len(l.pids), now.Sub(d.began))
		}
	}
	return nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// finish completes the report.
func (d *drainer) finish(err error) Report {
	rep := d.tally.finish(d.began, err)
	d.logEnd(rep, err)
	return rep
}

// close gives back what the call took, and the limits that it changed.
func (d *drainer) close() error {
	if d.watch != nil {
		d.watch.close()
	}
	d.held.close()
	return d.limits.restore()
}
