package main

// cmd is what upstream calls the command line where it carries out a command.
const cmd = `{{if eq .CLI 1}}context{{else}}cmd{{end}}`

// waitBats is the series' own bats file.
const waitBats = "tests/integration/wait.bats"

// waitDrafts are what the steps with flags for waiting make grow.
func waitDrafts() map[string]string {
	return map[string]string{"waiting.go.in": "wait.go", "wait.bats.in": waitBats}
}

// waitSteps have what is known of containers in libcontainer/synckill, and give
// kill and delete their flags.
func waitSteps() []Step {
	return []Step{
		{
			Name: "replaced", Drafts: map[string]string{"waiting.go.in": "wait.go"},
			Edits: []Edit{
				{File: "delete.go", Place: Place{"func killContainer"}, Op: Remove},
				{
					File: "delete.go", Place: Place{"var deleteCommand", "field Action", "stmt ^container, err :="}, Op: Replace,
					Text: "container, _, err := openContainer(" + cmd + ")",
				},
				{
					File: "delete.go", Place: Place{"var deleteCommand", "field Action", `from ^\t\tif force \{$`, `until ^\t\}`}, Op: Replace,
					Text: "\t\treturn deleteNow(container, force)\n",
				},
			},
		},
		{
			Name: "killwait", Drafts: waitDrafts(),
			Edits: []Edit{
				{File: "kill.go", Place: Place{"var killCommand", "field Flags", "end"}, Op: Insert, Text: "waitFlag(),\ntimeoutFlag(),\n"},
				{
					File: "kill.go", Place: Place{"var killCommand", "field Action", "stmt ^container, err :="}, Op: Replace,
					Text: "container, err := killWaiting(" + cmd + `)
		if container == nil && err == nil {
			return nil // it has been killed, and waited for
		}`,
				},
				{
					File: "man/runc-kill.8.md", Place: Place{`line ^\*\*runc kill\*\* `}, Op: Replace,
					Text: "**runc kill** [**--wait** [**--timeout** _duration_]] _container-id_ [_signal_]\n",
				},
				{
					File: "man/runc-kill.8.md", Place: Place{`line ^# EXAMPLES`}, Op: Insert,
					Text: `# OPTIONS
**--wait**
: Return when every process of the container is gone: init, and whatever is in
the container's cgroups. A zombie is gone. Without a PID namespace of its own
everything in the container gets the signal, whichever it is. Signal 0 sends
nothing and only waits. An exec that is under way is not held back.

**--timeout** _duration_
: With **--wait**, give up after this time, 10 seconds by default, with exit
status 124 and an error that names who is left.

`,
				},
				{
					File: "libcontainer/container_linux.go", Place: Place{"line ^// user may be required to implement"}, Op: InsertAfter,
					Text: `//
// It sends, and does not wait for anybody's end: see Kill in
// libcontainer/synckill for that.
`,
				},
				{
					File: "README.md", Place: Place{"line ^#### Rootless containers"}, Op: Insert,
					Text: "#### Waiting for a container's end\n\n" +
						"`runc kill` returns when the signal has been sent. To go on when every process of the container is gone, have it wait:\n\n" +
						"```bash\n# exit status 124 and an error that names who is left, if it takes longer\nrunc kill --wait --timeout 10s mycontainerid KILL\n```\n\n" +
						"A zombie is gone: to reap it is for its parent, which may be the caller.\n\n",
				},
				completeFlag("kill", "--wait"),
				completeArgs("kill", `case "\$prev"`),
			},
		},
		{
			Name: "deletewait", Drafts: waitDrafts(),
			Edits: []Edit{
				{File: "delete.go", Place: Place{"var deleteCommand", "field Flags", "end"}, Op: Insert, Text: "waitFlag(),\ntimeoutFlag(),\n"},
				{
					File: "delete.go", Place: Place{"var deleteCommand", "field Action", "stmt ^container, _, err :="}, Op: Insert,
					Text: "wait, err := waitingOf(" + cmd + `)
if err != nil {
	return err
}
`,
				},
				{
					File: "delete.go", Place: Place{"var deleteCommand", "field Action", "stmt ^container, _, err :="}, Op: InsertAfter,
					Text: `if err != nil && wait.wait {
	return wait.notLoaded(` + cmd + `, err, force)
}
`,
				},
				{
					File: "delete.go", Place: Place{"var deleteCommand", "field Action", "stmt ^return deleteNow"}, Op: Insert,
					Text: `if wait.wait {
	return wait.delete(container, force)
}
`,
				},
				{
					File: "man/runc-delete.8.md", Place: Place{`line ^\*\*runc delete\*\* `}, Op: Replace,
					Text: "**runc delete** [**--force**|**-f**] [**--wait** [**--timeout** _duration_]] _container-id_\n",
				},
				{
					File: "man/runc-delete.8.md", Place: Place{`line ^# EXAMPLES`}, Op: Insert,
					Text: `**--wait**
: Kill what is left of the container's processes, and remove it once all of them
are gone.

**--timeout** _duration_
: With **--wait**, give up after this time, 10 seconds by default, with exit
status 124 and an error that names who is left.

`,
				},
				completeFlag("delete", "--wait"),
				completeArgs("delete", `case "\$cur"`),
			},
		},
		{
			Name: "killafter", Drafts: waitDrafts(),
			Edits: []Edit{
				{File: "kill.go", Place: Place{"var killCommand", "field Flags", "end"}, Op: Insert, Text: "killAfterFlag(),\nformatFlag(),\n"},
				{File: "delete.go", Place: Place{"var deleteCommand", "field Flags", "end"}, Op: Insert, Text: "formatFlag(),\n"},
				{
					File: "man/runc-kill.8.md", Place: Place{`line ^# EXAMPLES`}, Op: Insert,
					Text: `**--kill-after** _duration_
: With **--wait**, send **SIGKILL** to all that is left after this time, and go on
waiting.

` + manFormat,
				},
				{File: "man/runc-delete.8.md", Place: Place{`line ^# EXAMPLES`}, Op: Insert, Text: manFormat},
				{File: completion, Place: Place{"shell _runc_kill", "line --timeout"}, Op: InsertAfter, Text: "\t   --kill-after\n\t   --format\n"},
				{File: completion, Place: Place{"shell _runc_delete", "line --timeout"}, Op: InsertAfter, Text: "\t   --format\n"},
			},
		},
	}
}

const completion = "contrib/completions/bash/runc"

// completeFlag adds a flag to the completion of a command.
func completeFlag(command, flag string) Edit {
	return Edit{File: completion, Place: Place{"shell _runc_" + command, "line --help"}, Op: InsertAfter, Text: "\t   " + flag + "\n"}
}

// completeArgs says in the completion of a command that has none yet which of its
// options have an argument. before is the line that this goes before.
func completeArgs(command, before string) Edit {
	return Edit{
		File: completion, Place: Place{"shell _runc_" + command, `line ^\t` + before}, Op: Insert,
		Text: "\tlocal options_with_args=\"\n\t   --timeout\n\t\"\n\n",
	}
}

const manFormat = `**--format** **text**|**json**
: With **--wait**, report what was done: **text**, the default, is silent; **json**
prints one object on stdout.

`
