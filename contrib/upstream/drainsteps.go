package main

// notYet are the declarations of a file that go in with a later step than the rest
// of it.
type notYet = map[string][]string

// drainSteps put libcontainer/drain there. The first four have a draft, ended.go,
// which waits in the way that each of them makes possible, and wait.go, by which
// the command uses it; the eleventh has Drain.
func drainSteps() []Step {
	draft := map[string]string{
		"ended.go.in":      drainDir + "ended.go",
		"ended_test.go.in": drainDir + "ended_test.go",
		"wait.go.in":       "wait.go",
	}
	signals := []string{
		"openProcess", "errUnproven", "signalError", "signalError.Error", "signalError.Unwrap",
		"handle.signal", "handle.mechanism",
	}
	return []Step{
		{ // the end of init, by pidfd
			Files: ofDrain("read.go", "stat.go", "handle.go"),
			Cut: notYet{
				drainDir + "read.go":   {"readAll", "readAgain", "errText", "ids", "ids.next", "ids.end", "pread", "write"},
				drainDir + "stat.go":   {"provable", "allZombies", "noProcess", "zombies"},
				drainDir + "handle.go": signals,
			},
			Drafts: draft,
			Edits: []Edit{
				{File: drainDir + "handle.go", Place: Place{"func handle.terminated", `stmt ^return allZombies`}, Op: Replace, Text: "return true, nil"},
				{
					File: "delete.go", Place: Place{"func killContainer", "stmt ^for "}, Op: Replace,
					Text: `err := awaitInit(container)
	if err == nil {
		return container.Destroy()
	}
	if !timedOut(err) {
		return err
	}`,
				},
			},
		},
		{ // who has not ended
			Files:  ofDrain("escape.go", "survivor.go", "errors.go", "stat.go", "handle.go", "escape_test.go"),
			Cut:    notYet{drainDir + "handle.go": signals},
			Drafts: draft,
			Edits: []Edit{
				{
					File: "delete.go", Place: Place{"func killContainer", "stmt ^return errors.New"}, Op: Replace, Imports: []string{"fmt"},
					Text: `return fmt.Errorf("container init still running: %w", err)`,
				},
			},
		},
		{ // a v2 cgroup, by cgroup.events
			Files:  ofDrain("read.go", "read_test.go", "tree.go", "cgroup_test.go"),
			Drafts: draft,
			Edits: []Edit{
				{File: "delete.go", Place: Place{"func killContainer", "stmt ^err := awaitInit"}, Op: Replace, Text: "err, left := awaitInit(container)"},
				{
					File: "delete.go", Place: Place{"func killContainer", "stmt ^if err == nil", "stmt ^return"}, Op: Replace,
					Text: `if err := container.Destroy(); err != nil {
			return errors.Join(err, left)
		}
		return nil`,
				},
			},
		},
		{ // who is in a cgroup
			Files:  ofDrain("list.go", "walk.go"),
			Cut:    notYet{drainDir + "list.go": {"Tree.among", "Tree.Contains", "allOf"}},
			Drafts: draft,
		},
		{ // signals by pidfd, groups, what a call is to report and when it ends
			Files: ofDrain("handle.go", "list.go", "report.go", "group.go", "deadline.go", "report_test.go", "deadline_test.go"),
		},
		{ // many processes within few descriptors
			Files: ofDrain("confirm.go", "held.go", "doubts.go", "doubts_test.go"),
		},
		{ // several pidfds and cgroups polled at once
			Files: ofDrain("watch.go", "pace.go", "progress.go", "pace_test.go", "progress_test.go"),
		},
		{ // what is never signalled
			Files: ofDrain("mounts.go", "hierarchy.go", "parse_test.go"),
			Cut:   notYet{drainDir + "hierarchy.go": {"drainer.judge"}},
		},
		{ // SIGKILL by cgroup.kill or one by one, and thaw
			Files: ofDrain("kill.go", "freezer.go", "limits.go", "log.go", "tree_test.go", "walk_test.go", "held_test.go", "fuzz_test.go"),
			Cut:   notYet{drainDir + "log.go": {"drainer.logGroup", "drainer.logLook", "drainer.logEnd"}},
		},
		{ // other signals, and what gives way when descriptors run out
			Files: ofDrain("drain.go", "processes.go", "room.go", "log.go", "left.go"),
			Cut: notYet{
				drainDir + "drain.go": {
					"Drain", "drainer.run", "drainer.look", "drainer.startRound", "finding", "drainer.sweep",
					"drainer.sweepOnce", "drainer.wait", "earlier", "drainer.finish",
				},
				drainDir + "log.go":  {"drainer.logLook", "drainer.logEnd"},
				drainDir + "left.go": {"drainer.expired"},
			},
		},
		{ // all of it, for delete
			Files: ofDrain("drain.go", "left.go", "log.go", "hierarchy.go",
				"bounded_test.go", "drain_test.go", "handle_test.go", "judge_test.go", "kill_test.go",
				"room_test.go", "source_test.go", "stat_test.go", "watch_test.go"),
			Drafts: map[string]string{"drained.go.in": "wait.go"},
			Remove: ofDrain("ended.go", "ended_test.go"),
			Edits: []Edit{
				{File: "delete.go", Place: Place{"func killContainer", "body"}, Op: Replace, Text: "\n\treturn endAndDestroy(container)\n"},
			},
		},
	}
}
