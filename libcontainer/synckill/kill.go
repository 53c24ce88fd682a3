package synckill

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/opencontainers/runc/libcontainer"
	"golang.org/x/sys/unix"

	"runcsync/libcontainer/drain"
)

// DefaultTimeout bounds a wait for which no other time was asked. It is how
// long upstream's forced delete looks after init.
const DefaultTimeout = 10 * time.Second

// Request says what to send to a container and how long to wait for its end.
type Request struct {
	Signal    unix.Signal   // 0 sends nothing
	Timeout   time.Duration // of the whole call; 0 is DefaultTimeout
	KillAfter time.Duration // SIGKILL for everything after this time; 0 is never
	// Idle makes it no error that there is nothing to kill.
	Idle bool
	// Count, Progress and Log are drain.Request's.
	Count    bool
	Progress func(left int, elapsed time.Duration)
	Log      drain.Logger
}

// Report is what was done to a container and what came of it.
type Report struct {
	ID     string
	Signal unix.Signal
	drain.Report
}

// Explain adds to an error what was done, and to whom, so that it says all there
// is to say without the command line and the report at hand.
func (r *Report) Explain(err error) error {
	if r == nil {
		return err
	}
	return fmt.Errorf("container %s, signal %d sent by %s: %w", r.ID, int(r.Signal), r.Report, err)
}

// MarshalJSON writes the report as one object: id, signal (its number),
// mechanism, signalled (-1 if not counted), rounds, elapsed (seconds),
// drained, survivors.
func (r Report) MarshalJSON() ([]byte, error) {
	survivors := r.Survivors
	if survivors == nil {
		survivors = []drain.Survivor{}
	}
	return json.Marshal(struct {
		ID        string           `json:"id"`
		Signal    int              `json:"signal"`
		Mechanism string           `json:"mechanism"`
		Signalled int              `json:"signalled"`
		Rounds    int              `json:"rounds"`
		Elapsed   float64          `json:"elapsed"`
		Drained   bool             `json:"drained"`
		Survivors []drain.Survivor `json:"survivors"`
	}{r.ID, int(r.Signal), r.Report.String(), r.Signalled, r.Rounds, r.Elapsed.Seconds(), r.Drained, survivors})
}

// Kill sends r.Signal and returns when every process of the container is gone
// and no exec that had begun can add another.
//
// Without a PID namespace of its own everything in the container gets the
// signal, whichever it is; with one, init gets it. SIGKILL goes to everything.
//
// Errors are drain's; [libcontainer.ErrNotRunning] if there is nothing to kill
// and r.Idle is not set. The report is valid in any case.
func (c *Container) Kill(ctx context.Context, r Request) (*Report, error) {
	ctx, cancel := r.bound(ctx)
	defer cancel()
	m, err := c.members()
	if err != nil {
		return &Report{ID: c.ID(), Signal: r.Signal}, err
	}
	defer m.close()
	if r.Signal != 0 && r.Signal != unix.SIGKILL && r.KillAfter == 0 && c.privatePIDs() && m.seen.init.Pid <= 0 && m.seen.unsure != nil {
		return &Report{ID: c.ID(), Signal: r.Signal}, m.unproven() // nobody that it could be sent to
	}
	return c.drain(ctx, m, r)
}

// Signal is [libcontainer.Container.Signal]: it sends and does not wait.
func (c *Container) Signal(sig unix.Signal) error {
	s := c.seeInit()
	if s.earlier {
		return libcontainer.ErrNotRunning
	}
	if s.misled(c) {
		return c.strike(drain.Group{Processes: s.processes()}, s, sig)
	}
	loaded, err := c.load()
	if err != nil {
		return err
	}
	return loaded.Signal(sig)
}

// KillNow sends SIGKILL as [Container.Signal] does, and thaws a
// paused container, so that the signal takes effect. libcontainer thaws after
// signalling processes one by one, but not after using cgroup.kill, which on a
// hybrid host doesn't reach past the freezer of cgroup v1. Where it can't list all
// of the cgroups it signals nobody: then those that can be reached get the signal.
//
// What has the paths of the cgroups of a container that was made before the
// machine was started is somebody else's, and left alone.
func (c *Container) KillNow() error {
	s := c.seeInit()
	if s.earlier {
		return libcontainer.ErrNotRunning
	}
	if s.misled(c) {
		return c.strikeAll(s)
	}
	loaded, err := c.load()
	if err != nil {
		return err
	}
	if err := loaded.Signal(unix.SIGKILL); err != nil {
		if !errors.Is(err, libcontainer.ErrNotRunning) {
			_ = c.strikeAll(sight{}) // what could not be done is said by err
		}
		return err
	}
	if err := thaw(loaded); err != nil && !c.ended() {
		return fmt.Errorf("thaw container %s, so that it dies of the signal: %w", c.ID(), err)
	}
	return nil
}

// strikeAll is strike with SIGKILL for all that can be found of the container.
func (c *Container) strikeAll(s sight) error {
	m, err := c.members()
	if err != nil {
		return err
	}
	defer m.close()
	return c.strike(m.Group, s, unix.SIGKILL)
}

// strike sends a signal where libcontainer would look for init by numbers that
// mean something else here. It does not wait.
func (c *Container) strike(g drain.Group, s sight, sig unix.Signal) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Nanosecond)
	defer cancel()
	rep, err := drain.Drain(ctx, g, drain.Request{Signal: sig})
	_, late := asType[*drain.TimeoutError](err)
	switch {
	case s.unsure != nil:
		unknown := &drain.UnverifiableError{What: "container " + c.ID(), Err: s.unsure}
		if late {
			return unknown
		}
		return errors.Join(unknown, err)
	case errors.Is(err, drain.ErrNoProcess) || err == nil && rep.Idle:
		return libcontainer.ErrNotRunning
	case late:
		return nil
	}
	return err
}

// thaw resumes a container that is paused.
func thaw(c *libcontainer.Container) error {
	if status, err := c.Status(); err != nil || status != libcontainer.Paused {
		return err
	}
	err := c.Resume()
	if errors.Is(err, libcontainer.ErrNotPaused) || errors.Is(err, libcontainer.ErrNotRunning) {
		return nil
	}
	return err
}

// ended tells whether all of a container that has been killed is gone within a
// moment. systemd removes a scope as soon as its last process has ended, and what
// libcontainer is doing with its cgroup right then fails in more than one way.
func (c *Container) ended() bool {
	m, err := c.members()
	if err != nil {
		return false
	}
	defer m.close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_, err = drain.Drain(ctx, m.Group, drain.Request{})
	return err == nil
}

// bound applies the request's time limit.
func (r Request) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	if r.Timeout == 0 {
		r.Timeout = DefaultTimeout
	}
	return context.WithTimeout(ctx, r.Timeout)
}

func (r Request) debug(step string, args ...any) {
	if r.Log != nil {
		r.Log.Debug("kill: "+step, args...)
	}
}

// drain drains m with the exec fence closed. For SIGKILL it is closed from the
// start; for other signals, which may take their time, only when m has drained,
// so that execs into a container that is shutting down are not held up. It stays
// closed until m is.
func (c *Container) drain(ctx context.Context, m *members, r Request) (_ *Report, failed error) {
	req := drain.Request{
		Signal: r.Signal, KillAfter: r.KillAfter, Count: r.Count, Progress: r.Progress, Log: r.Log,
	}
	if c.privatePIDs() {
		req.Scope = drain.ProcessesOnly
	}
	began := time.Now()
	rep := &Report{ID: c.ID(), Signal: r.Signal}
	defer func() {
		rep.Elapsed = time.Since(began)
		if err := m.unproven(); err != nil {
			rep.Drained = false
			failed = errors.Join(failed, err)
		}
	}()
	var err error
	if r.Signal != unix.SIGKILL {
		rep.Report, err = drain.Drain(ctx, m.Group, req)
		if err = c.idle(rep, err, r, m); err != nil {
			return rep, err
		}
	}
	return rep, c.fenced(ctx, m, began, r, req, rep)
}

// fenced drains m with the exec fence closed, in a call that began at the time
// given, and adds to the report.
func (c *Container) fenced(ctx context.Context, m *members, began time.Time, r Request, req drain.Request, rep *Report) error {
	b, err := raise(c.stateDir)
	if err != nil {
		m.doubt(c.unfenced(err))
		b = &barrier{held: true} // nothing to wait for: once round, and no claim
	}
	m.fence = b
	r.debug("exec fence raised", "closed", b.held)
	for closed := false; !closed; {
		closed = b.held
		if r.KillAfter > 0 { // counted from the first signal
			req.KillAfter = max(r.KillAfter-time.Since(began), time.Nanosecond)
		}
		again, err := drain.Drain(ctx, m.Group, req)
		if errors.Is(err, drain.ErrNoProcess) {
			// Init has gone, but the cgroups need not be empty.
			req.Signal = 0
			again, err = drain.Drain(ctx, m.Group, req)
		}
		rep.add(again)
		if err = c.idle(rep, err, r, m); err != nil {
			if !closed {
				err = inFlight(err, time.Since(began), execBefore)
			}
			return err
		}
		// An exec that is in the room may add a process any time; look again
		// when it has left, and now and then in case it hangs.
		held, err := b.wait(ctx, time.Second)
		if !closed {
			r.debug("waited for execs", "closed", held)
		}
		if err != nil {
			rep.Drained = false
			return inFlight(err, time.Since(began), execBefore)
		}
	}
	if !b.intact() {
		m.doubt(c.unfenced(errors.New("exec fence: the file was removed meanwhile")))
	}
	return nil
}

// add joins the report of a further drain to r's.
func (r *Report) add(next drain.Report) {
	if r.Rounds == 0 {
		r.Report = next
		return
	}
	for _, m := range next.Mechanism {
		r.Use(m)
	}
	if r.Signalled >= 0 && next.Signalled >= 0 {
		r.Signalled += next.Signalled
	} else {
		r.Signalled = -1
	}
	r.Rounds += next.Rounds
	r.Drained, r.Survivors = next.Drained, next.Survivors
	r.Idle = r.Idle && next.Idle
}

// idle turns "nothing was there" into upstream's error.
func (c *Container) idle(rep *Report, err error, r Request, m *members) error {
	if errors.Is(err, drain.ErrNoProcess) || err == nil && rep.Idle {
		if len(m.doubts) > 0 {
			return nil // that nothing is there can't be claimed either
		}
		if r.Idle {
			return nil
		}
		return libcontainer.ErrNotRunning
	}
	return err
}

// unfenced is why no end is claimed of a container that execs may still add
// processes to.
func (c *Container) unfenced(err error) error {
	return &drain.UnverifiableError{What: "container " + c.ID(), Err: fmt.Errorf("an exec could not be kept out: %w", err)}
}

// execBefore is who may be in the room of the exec fence.
const execBefore = "an exec that began before the kill has not finished starting its process, or a create has not"

// inFlight is the error for somebody who did not get done in time. It is told
// also where the last drain was what ran out of time.
func inFlight(err error, after time.Duration, who string) error {
	if t := (*drain.TimeoutError)(nil); errors.As(err, &t) {
		t.After, t.Notes = after, append(t.Notes, who)
		return err
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &drain.TimeoutError{After: after, Notes: []string{who}}
}
