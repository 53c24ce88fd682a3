package drain

// Steps are logged for whoever has to find out, from the log alone, why a kill
// took as long as it did or did not end: what the group was found to be, each
// signal and how it was sent, each round and who it left, what was thawed,
// limited and put back, and the end. What only the log needs is read only if
// there is one.

// Logger is what a drain logs to; *slog.Logger is one.
type Logger interface {
	Debug(step string, keysAndValues ...any)
}

// debugger is a Logger that need not be there.
type debugger struct{ Logger }

func (l debugger) debug(step string, args ...any) {
	if l.Logger != nil {
		l.Debug("drain: "+step, args...)
	}
}

// logGroup logs what the group is.
func (d *drainer) logGroup() {
	if d.req.Log == nil {
		return
	}
	var processes []int
	for _, h := range d.held.handles {
		processes = append(processes, h.pid)
	}
	d.log.debug("found", "signal", int(d.req.Signal), "processes", processes,
		"trees", len(d.trees), "sources", len(d.sources))
	for _, t := range d.trees {
		d.log.debug("found", "cgroup", t.Path, "version", int(t.Version), "exists", t.Exists())
	}
	for _, s := range d.sources {
		d.log.debug("found", "source", s.String())
	}
}

// logLook logs a round and who it left.
func (d *drainer) logLook(left bool) {
	if d.req.Log == nil {
		return
	}
	args := []any{"round", d.tally.report.Rounds, "left", left, "watched", len(d.held.handles)}
	if left {
		s := d.alive(d.bounds())
		args = append(args, "alive", len(s.pids), "pids", s.pids[:min(len(s.pids), SurvivorLimit)])
	}
	d.log.debug("looked", args...)
}

// logEnd logs what came of it, and each survivor.
func (d *drainer) logEnd(rep Report, err error) {
	if d.req.Log == nil {
		return
	}
	for _, s := range rep.Survivors {
		d.log.debug("survivor", "pid", s.Pid, "comm", s.Comm, "state", s.State, "wchan", s.Wchan, "cgroup", s.Cgroup)
	}
	args := []any{
		"drained", err == nil, "mechanism", rep.String(), "signalled", rep.Signalled,
		"rounds", rep.Rounds, "elapsed", rep.Elapsed.Seconds(),
	}
	if err != nil {
		args = append(args, "error", err.Error())
	}
	d.log.debug("ended", args...)
}
