package drain

// Steps are logged for whoever has to find out, from the log alone, why a kill
// took as long as it did or did not end: what the group was found to be, each
// signal and how it was sent, each round and who it left, what was thawed,
// limited and put back, and the end. What only the log needs is read only if
// there is one.

func (d *drainer) debug(step string, args ...any) {
	if d.req.Log != nil {
		d.req.Log.Debug("drain: "+step, args...)
	}
}

// found logs what the group is.
func (d *drainer) found() {
	if d.req.Log == nil {
		return
	}
	var processes []int
	for _, h := range d.watch.held {
		processes = append(processes, h.pid)
	}
	d.debug("found", "signal", int(d.req.Signal), "processes", processes,
		"trees", len(d.group.Trees), "sources", len(d.group.Sources))
	for _, t := range d.group.Trees {
		d.debug("found", "cgroup", t.Path, "version", int(t.Version), "exists", t.Exists())
	}
	for _, s := range d.group.Sources {
		d.debug("found", "source", s.String())
	}
}

// looked logs a round and who it left.
func (d *drainer) looked(left bool) {
	if d.req.Log == nil {
		return
	}
	args := []any{"round", d.report.Rounds, "left", left, "watched", len(d.watch.held)}
	if pids, err := d.alive(); err == nil && left {
		args = append(args, "alive", len(pids), "pids", pids[:min(len(pids), SurvivorLimit)])
	}
	d.debug("looked", args...)
}

// ended logs what came of it, and each survivor.
func (d *drainer) ended(err error) {
	if d.req.Log == nil {
		return
	}
	for _, s := range d.report.Survivors {
		d.debug("survivor", "pid", s.Pid, "comm", s.Comm, "state", s.State, "wchan", s.Wchan, "cgroup", s.Cgroup)
	}
	args := []any{
		"drained", err == nil, "mechanism", d.report.String(), "signalled", d.report.Signalled,
		"rounds", d.report.Rounds, "elapsed", d.report.Elapsed.Seconds(),
	}
	if err != nil {
		args = append(args, "error", err.Error())
	}
	d.debug("ended", args...)
}
