package drain

import (
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"
)

// takeProcesses takes hold of Group.Processes. Those gone are left out; of those
// that can't be told from others nothing is known.
func (d *drainer) takeProcesses() {
	for _, p := range d.members {
		h, err := d.take(p)
		for exhausted(err) && d.makeRoom(nil, err) {
			h, err = d.take(p)
		}
		switch {
		case errors.Is(err, unix.ESRCH):
		case err != nil:
			d.doubts.of(fmt.Sprintf("process %d", p.Pid), err)
		default:
			h.own = true
			d.held.add(h)
		}
	}
	d.tally.report.Idle = len(d.held.handles) == 0
	d.logGroup()
}

// take takes hold of a process that lives; ESRCH if it does not. One that can't
// be told by its start time has to be in one of the trees.
func (d *drainer) take(p Process) (handle, error) {
	h, err := openProcess(p)
	if err != nil && !errors.Is(err, errUnproven) {
		return h, err
	}
	gone, terr := h.terminated()
	switch {
	case gone:
		err = unix.ESRCH
	case terr != nil:
		err = terr
	case err == nil || d.isMember(p.Pid): // it is pinned, and keeps its ID
		return h, nil
	}
	h.close()
	return h, err
}

// isMember tells whether the process with this ID is in one of the trees.
func (d *drainer) isMember(pid int) bool {
	return slices.ContainsFunc(d.trees, func(t *Tree) bool {
		in, err := t.among([]int{pid}, d.bounds())
		return err == nil && in(pid)
	})
}

// signal sends the request's signal, unless it is SIGKILL: that is sent by each
// look. What can't be read here the looks tell of.
func (d *drainer) signal() error {
	sig := d.req.Signal
	if sig == 0 || d.killing {
		return nil
	}
	if d.req.Scope == ProcessesOnly && len(d.held.handles) == 0 {
		return errors.Join(ErrNoProcess, d.doubts.err())
	}
	failed := d.signalHeld(sig)
	if d.req.Scope == ProcessesOnly {
		return failed
	}
	// A process that forks between being listed and getting the signal leaves
	// a child without it; the next round finds that. Not more than three, or
	// the children of a handler that cleans up would be signalled as well.
	for range 3 {
		fresh := 0
		for _, p := range parts(d.trees, d.sources) {
			n, err := d.signalPart(p, sig)
			for exhausted(err) && d.makeRoom(p, err) {
				var more int
				more, err = d.signalPart(p, sig)
				n += more
			}
			fresh += n
			if unsignalled(err) {
				failed = errors.Join(failed, err)
			}
		}
		d.tally.report.Rounds++
		d.log.debug("signalled", "signal", int(sig), "processes", fresh)
		if fresh == 0 || failed != nil {
			return failed
		}
		d.tally.report.Idle = false
	}
	return nil
}

// signalHeld sends sig to every process held.
func (d *drainer) signalHeld(sig unix.Signal) (failed error) {
	for i := range d.held.handles {
		failed = errors.Join(failed, d.signalOne(&d.held.handles[i], sig))
	}
	return failed
}

func (d *drainer) signalOne(h *handle, sig unix.Signal) error {
	if err := h.signal(sig); err != nil {
		return err
	}
	d.tally.use(h.mechanism())
	d.tally.note(h.pid)
	return nil
}

// signalPart sends sig to those in p that have not had it, and tells how many
// they were.
func (d *drainer) signalPart(p part, sig unix.Signal) (int, error) {
	m, unread := p.list(d.bounds()) // whoever is listed, all the same
	n, err := d.held.confirmed(p, m.pids, d.bounds(), none, func(h *handle) error {
		if d.tally.known(h.pid) {
			return errKnown
		}
		return d.signalOne(h, sig)
	})
	return n, both(unread, err)
}
