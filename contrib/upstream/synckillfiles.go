package main

const synckillDir = "libcontainer/synckill"

// without is a patch that takes a statement of a function out until a step.
func without(step, function, statement string) Patch {
	return Patch{step, Edit{Place: Place{"func " + function, "stmt " + statement}, Op: Remove}}
}

// instead is a patch that has another statement in its place until a step.
func instead(step, function, statement, text string) Patch {
	return Patch{step, Edit{Place: Place{"func " + function, "stmt " + statement}, Op: Replace, Text: text}}
}

// withoutField is a patch that takes a field out of members until a step.
func withoutField(step, line string) Patch {
	return Patch{step, Edit{Place: Place{"from ^type members struct", "until ^}", "line " + line}, Op: Remove}}
}

// rootlessWithout has nothing be claimed of a rootless container without any cgroup
// that it can use, unless its PID namespace tells: that ends before its init does.
const rootlessWithout = `err = m.openTrees(c.state.CgroupPaths)
	// A rootless container may live without any cgroup that it can use. Its PID
	// namespace, if it has one, ends before its init does.
	switch rootless := c.state.Config.RootlessCgroups; {
	case rootless && c.privatePIDs():
	case rootless && !slices.ContainsFunc(m.Trees, (*drain.Tree).Exists):
		m.doubt(errors.Join(err, &drain.UnverifiableError{
			What: "container " + c.ID(),
			Err:  errors.New("it has neither a cgroup nor a PID namespace of its own"),
		}))
	case err != nil:
		m.doubt(err)
	}`

// synckillFiles are the files of libcontainer/synckill, in the order in which they
// go in.
func synckillFiles() []File {
	return in(synckillDir, []File{
		{Name: "errors.go", With: "replaced"},
		{Name: "place.go", With: "replaced", Later: later{"origin": {"place.lstat"}, "order": {"place.open"}}},
		{
			Name: "container.go", With: "replaced",
			Later: later{
				"killwait": {"members.unproven"},
				"fence":    {"members.lower"},
				never:      {"New", "Container.openNamespaces"},
			},
			Until: []Patch{
				withoutField(never, `^\tseen `),
				withoutField(never, `^\tnamespaces `),
				withoutField("fence", `^\tfence `),
				withoutField(never, `^\trenamed `),
				withoutField(never, `^\tunopened `),
				without(never, "members.close", `^if m\.namespaces`),
				without("fence", "members.close", `^m\.lower`),
				instead(never, "Container.members", `^m := `, "m := &members{}"),
				without(never, "Container.members", `^for _, err := range m\.seen`),
				without(never, "Container.members", `^if m\.seen\.earlier`),
				instead(never, "Container.members", `^m\.Processes = `, "if init := c.init(); init.Pid > 0 {\n\tm.Processes = []drain.Process{init}\n}"),
				instead(never, "Container.members", `^if err := m\.openTrees`, rootlessWithout),
				without(never, "Container.members", `^c\.openNamespaces`),
				instead(never, "Container.members", `^recorded := `, "m.openRecorded(c.stateDir)"),
				without(never, "Container.members", `^m\.openRecorded`),
				without(never, "members.openTrees", `^m\.unopened = `),
			},
		},
		{Name: "stopped.go", With: "deletewait"},
		{
			Name: "remove.go", With: "replaced",
			Later: later{
				"fence": {"removalPatience"},
				"order": {"records", "takePoststop", "destroy", "removeCgroups", "place.removeFiles", "inOrder", "place.remove"},
				never:   {"Container.Remove", "stateFile"},
			},
			Until: []Patch{
				without("fence", "Container.removeNow", `^if b, err := raise`),
				without(never, "Container.removeAlone", `^stop := `),
				instead(never, "Container.removeAlone", `^err = destroy`, "err = loaded.Destroy()"),
				instead(never, "Container.removeAlone", `^return stop`, "return nil"),
			},
		},
		{
			Name: "delete.go", With: "replaced",
			Later: later{
				"deletewait": {"Container.Delete", "within", "Container.removed"},
				never:        {"Remains", "OpenRemains", "Remains.Delete", "Container.drainRemains"},
			},
			Until: []Patch{
				{never, Edit{Place: Place{"func Container.removable", `line ^func `}, Op: Replace, Text: "func (c *Container) removable() (libcontainer.Status, error) {\n"}},
				{never, Edit{Place: Place{"func Container.Delete", `line removable`}, Op: Replace, Text: "\t\t\t_, err := c.removable()\n"}},
				{never, Edit{Place: Place{"func Container.DeleteNow", `line removable`}, Op: Replace, Text: "\tstatus, err := c.removable()\n"}},
				{never, Edit{Place: Place{`line another one is refused\. So is`}, Op: Replace, Text: "// another one is refused.\n"}},
				{never, Edit{Place: Place{`line that this includes one made by a runtime that recorded nothing`}, Op: Remove}},
				without(never, "Container.removable", `^s := `),
				without(never, "Container.removable", `^if err := s\.reused`),
				without(never, "Container.removable", `^if s\.unsure`),
				instead(never, "Container.removable", `^if s\.misled`, `{{if .At "deletewait"}}status, err = c.status(){{else}}var loaded *libcontainer.Container
if loaded, err = c.load(); err == nil {
	status, err = loaded.Status()
}{{end}}`),
				without(never, "Container.forceDelete", `^if err := m\.seen`),
				without(never, "Container.forceDelete", `^if err := m\.removeRenamed`),
				without(never, "Container.Delete", `^if err := m\.removeRenamed`),
				instead("fence", "Container.Delete", `^return c\.removeAlone`, "return c.removeAlone(func() {}, func() error { return c.removed(m) })"),
			},
		},
		{
			Name: "kill.go", With: "replaced",
			Later: later{
				"killwait":  {"Request", "Report", "Report.Explain", "Container.Kill", "Request.bound", "Container.drain", "Container.idle"},
				"killafter": {"Report.MarshalJSON"},
				"fence":     {"Container.fenced", "Request.debug", "Report.add", "Container.unfenced", "execBefore", "inFlight"},
				never:       {"Container.Signal", "Container.KillNow", "Container.strikeAll", "Container.strike", "thaw", "Container.ended"},
			},
			Until: []Patch{
				{"killafter", Edit{Place: Place{"from ^type Request struct", "until ^}", `line ^\tKillAfter `}, Op: Remove}},
				{"killafter", Edit{Place: Place{"from ^type Request struct", "until ^}", "from Count, Progress and Log", `until ^\tLog `}, Op: Remove}},
				without(never, "Container.Kill", `^if r\.Signal != 0`),
				instead("killafter", "Container.drain", `^req := drain`, "req := drain.Request{Signal: r.Signal, Log: r.Log}"),
				instead("fence", "Container.drain", `^if r\.Signal != unix`, "rep.Report, err = drain.Drain(ctx, m.Group, req)"),
				instead("fence", "Container.drain", `^return rep, c\.fenced`, "return rep, c.idle(rep, err, r, m)"),
			},
		},
		{Name: "signal.go", With: never},
		{Name: "fencefile.go", With: "enter"},
		{Name: "fence.go", With: "enter", Later: later{"fence": {"barrier", "raise", "barrier.wait", "barrier.intact", "barrier.lower"}}},
		{Name: "place_test.go", With: "replaced"},
		{Name: "fence_test.go", With: "enter", Later: later{
			"fence": {
				"TestFenceOpen", "TestFenceClosed", "TestFenceGivesUp", "TestFenceStream", "TestFencePatience",
				"TestFenceReplaced", "TestFenceOfOthers", "TestFenceWithoutContainer",
			},
		}},
		{Name: "fencefile_test.go", With: "enter", Later: later{
			"fence": {"TestFenceOwner", "TestFenceRefused", "list", "TestFenceRemoved"},
		}},
		{Name: "policy.go", With: "optin"},
		{Name: "reaper.go", With: never},
	})
}
