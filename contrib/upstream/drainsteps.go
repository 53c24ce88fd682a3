package main

// drainSteps put libcontainer/drain there, for delete. Until Drain itself goes in,
// drafts have its parts wait, and then kill, in the way that each step makes possible.
func drainSteps() []Step {
	waits := map[string]string{
		"ended.go.in":     drainDir + "/ended.go",
		"wait_test.go.in": drainDir + "/wait_test.go",
		"awaitinit.go.in": "wait.go",
	}
	kills := map[string]string{
		"ended.go.in":     drainDir + "/ended.go",
		"wait_test.go.in": drainDir + "/wait_test.go",
		"endall.go.in":    "wait.go",
		"wait.bats.in":    waitBats,
	}
	drains := map[string]string{
		"drainer.go.in":   drainDir + "/drainer.go",
		"wait_test.go.in": drainDir + "/wait_test.go",
		"endall.go.in":    "wait.go",
	}
	ends := map[string]string{
		"drainer.go.in":  drainDir + "/drainer.go",
		"end_test.go.in": drainDir + "/end_test.go",
		"endall.go.in":   "wait.go",
	}
	return []Step{
		{
			Name: "init", Drafts: waits,
			Edits: []Edit{{
				File: "delete.go", Place: Place{"func killContainer", "stmt ^for "}, Op: Replace,
				Text: `err := awaitInit(container)
	if err == nil {
		return container.Destroy()
	}
	if !timedOut(err) {
		return err
	}`,
			}},
		},
		{
			Name: "state", Drafts: waits,
			Edits: []Edit{{
				File: "delete.go", Place: Place{"func killContainer", "stmt ^return errors.New"}, Op: Replace, Imports: []string{"fmt"},
				Text: `return fmt.Errorf("container init still running: %w", err)`,
			}},
		},
		{
			Name: "events", Drafts: waits,
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
		{Name: "names", Drafts: waits},
		{
			Name: "pin", Drafts: kills,
			Edits: []Edit{
				{File: "delete.go", Place: Place{"func killContainer", "body"}, Op: Replace, Text: "\n\treturn endAndDestroy(container)\n"},
			},
		},
		{Name: "thaw", Drafts: kills},
		{Name: "unsafe", Drafts: kills},
		{Name: "several", Drafts: kills},
		{Name: "poll", Drafts: drains, Remove: []string{drainDir + "/ended.go"}},
		{Name: "left", Drafts: drains},
		{Name: "each", Drafts: ends, Remove: []string{drainDir + "/wait_test.go"}},
		{Name: "cgroupkill", Drafts: ends},
		{
			Name: "drain", Drafts: map[string]string{"endall.go.in": "wait.go"},
			Remove: []string{drainDir + "/drainer.go", drainDir + "/end_test.go"},
		},
	}
}
