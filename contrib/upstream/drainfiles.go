package main

const drainDir = "libcontainer/drain"

// later are declarations by the step that they go in with.
type later = map[string][]string

// drainFiles are the files of libcontainer/drain, in the order in which they go in.
func drainFiles() []File {
	return in(drainDir, []File{
		{Name: "read.go", With: "init", Later: later{
			"events": {"readAgain", "pread"},
			"names":  {"errText", "ids", "ids.next", "ids.end"},
			"thaw":   {"write"},
			"unsafe": {"readAll"},
		}},
		{Name: "stat.go", With: "init", Later: later{
			"state": {"provable", "allZombies", "noProcess", "zombies"}, never: {"Parent"},
		}},
		{
			Name: "handle.go", With: "init",
			Later: later{
				"pin":  {"openProcess", "errUnproven", "signalError", "signalError.Error", "signalError.Unwrap", "handle.signal"},
				"each": {"handle.mechanism"},
			},
			Until: []Patch{
				{"state", Edit{Place: Place{"func handle.terminated", "stmt ^return allZombies"}, Op: Replace, Text: "return true, nil"}},
			},
		},
		{Name: "escape.go", With: "state"},
		{Name: "survivor.go", With: "state"},
		{Name: "errors.go", With: "state", Later: later{
			"events": {"UnverifiableError", "UnverifiableError.Error", "UnverifiableError.Unwrap"},
			"unsafe": {"asType", "UnsafeError", "UnsafeError.Error"},
		}},
		{Name: "escape_test.go", With: "state"},
		{Name: "tree.go", With: "events", Later: later{
			"unsafe":     {"Tree.Exists", "Tree.removed"},
			"cgroupkill": {"Tree.kill", "Tree.closeEvents", "Tree.giveUp"},
		}},
		{Name: "cgroup_test.go", With: "events"},
		{Name: "walk.go", With: "names"},
		{
			Name: "list.go", With: "names",
			Later: later{
				"unsafe":  {"Tree.among", "Tree.Contains", "allOf"},
				"several": {"members.empty", "readThreadGroups", "threadGroup", "parseTgid"},
			},
			Until: []Patch{
				without("several", "Tree.read", `^if errors\.Is\(err, unix\.EOPNOTSUPP`),
			},
		},
		{Name: "walk_test.go", With: "names"},
		{Name: "tree_test.go", With: "names", Later: later{
			"unsafe":     {"TestOpenTree", "TestAmong"},
			"several":    {"TestList"},
			"left":       {"TestThaw"},
			"cgroupkill": {"TestRemovedTree"},
			"each":       {"TestStopForks"},
		}},
		{Name: "freezer.go", With: "thaw", Later: later{"left": {"Tree.frozenAbove"}}},
		{Name: "log.go", With: "thaw", Later: later{
			"killwait": {"drainer.logGroup", "drainer.logLook", "drainer.logEnd"},
		}},
		{Name: "deadline.go", With: "thaw", Later: later{"several": {"ended"}, "drain": {"deadline.cause"}}},
		{Name: "mounts.go", With: "unsafe"},
		{Name: "hierarchy.go", With: "unsafe", Later: later{"drain": {"drainer.judge"}}},
		{Name: "read_test.go", With: "unsafe"},
		{Name: "parse_test.go", With: "unsafe"},
		{Name: "confirm.go", With: "several", Later: later{"each": {"none"}}},
		{Name: "held.go", With: "several", Later: later{"each": {"held.kill", "held.room"}, "cgroupkill": {"held.release"}}},
		{
			Name: "group.go", With: "several",
			Later: later{
				"poll":  {"Source", "byMark", "byMark.list", "byMark.among", "byMark.name", "parts"},
				"drain": {"Group"},
			},
		},
		{Name: "deadline_test.go", With: "several"},
		{Name: "held_test.go", With: "several", Later: later{"cgroupkill": {"TestHeld", "dup"}}},
		{Name: "watch.go", With: "poll", Later: later{"cgroupkill": {"watch.release"}}},
		{Name: "pace.go", With: "left", Later: later{"cgroupkill": {"pace.all", "pace.looked"}}},
		{Name: "progress.go", With: "cgroupkill"},
		{Name: "left.go", With: "left", Later: later{"cgroupkill": {"drainer.expired"}}},
		{
			Name: "drain.go", With: "left",
			Later: later{
				"cgroupkill": {"drainer.look", "drainer.startRound", "finding", "drainer.sweep", "drainer.sweepOnce"},
				"drain":      {"Drain", "drainer", "newDrainer", "drainer.run", "drainer.finish", "drainer.bounds", "drainer.close"},
				"killafter":  {"earlier"},
			},
			Until: []Patch{
				without("killafter", "drainer.startRound", `^case .*req\.Count`),
				without("killwait", "drainer.run", `^if err := d\.signal`),
				without("killwait", "drainer.run", `^d\.logLook`),
				without("killwait", "drainer.finish", `^d\.logEnd`),
				without("killafter", "drainer.wait", `^if d\.req\.Progress != nil \{`),
				without("killafter", "drainer.wait", `^if d\.req\.Progress != nil &&`),
				without("killafter", "drainer.wait", `^if !d\.killing && d\.req\.KillAfter > 0 \{`),
				without("killafter", "drainer.wait", `^if !d\.killing && d\.req\.KillAfter > 0 &&`),
			},
		},
		{Name: "handle_test.go", With: "poll", Later: later{"killwait": {"TestReusedID"}}},
		{Name: "watch_test.go", With: "poll"},
		{Name: "limits.go", With: "each"},
		{Name: "report.go", With: "each", Later: later{
			"cgroupkill": {"tally.listed", "tally.byPid"},
			"drain":      {"Report.String", "tally.finish"},
			"killwait":   {"tally.known", "tally.note"},
			"killafter":  {"tally.count", "countable"},
		}},
		{
			Name: "kill.go", With: "each", Later: later{"cgroupkill": {"killer.tree"}},
			Until: []Patch{
				{"cgroupkill", Edit{Place: Place{"from ^type killer struct", "until ^}", `line ^\ttrees +map`}, Op: Remove}},
			},
		},
		{Name: "doubts.go", With: "cgroupkill"},
		{Name: "room.go", With: "cgroupkill"},
		{Name: "doubts_test.go", With: "cgroupkill"},
		{Name: "progress_test.go", With: "cgroupkill"},
		{Name: "pace_test.go", With: "cgroupkill"},
		{
			Name: "request.go", With: "drain",
			Until: []Patch{
				{"killafter", Edit{Place: Place{"from ^type Request struct", "until ^}", "from KillAfter, if not", "until Log, if not"}, Op: Remove}},
			},
		},
		{
			Name: "processes.go", With: "drain",
			Later: later{"killwait": {"drainer.signal", "drainer.signalHeld", "drainer.signalOne", "drainer.signalPart"}},
			Until: []Patch{without("killwait", "drainer.takeProcesses", `^d\.logGroup`)},
		},
		{Name: "kill_test.go", With: "drain"},
		{Name: "report_test.go", With: "killafter"},
		{Name: "stat_test.go", With: "killwait"},
		{Name: "fuzz_test.go", With: "drain"},
		{Name: "bounded_test.go", With: "killafter"},
		{Name: "drain_test.go", With: "killafter"},
		{Name: "judge_test.go", With: "killwait"},
		{Name: "room_test.go", With: "killwait"},
		{Name: "source_test.go", With: "killafter"},
		{Name: "torn_test.go", With: "killafter"},
		{Name: "ended_test.go", With: "killwait"},
		{Name: "doc.go", With: "deletewait"},
	})
}
