package main

import "strings"

// waitSteps give kill and delete their flags, and upstream's bats suite the use of
// these.
func waitSteps() []Step {
	draft := map[string]string{"drained.go.in": "wait.go"}
	const (
		context = `{{if eq .CLI 1}}context{{else}}cmd{{end}}`
		root    = `{{if eq .CLI 1}}context.GlobalString{{else}}cmd.String{{end}}("root")`
		// How the bats files run the command and want it to succeed.
		runOK = "\t{{if ne .CLI 1}}run -0 {{end}}runc "
	)
	return []Step{
		{ // --wait and --timeout
			Files:  ofDrain("doc.go"),
			Drafts: draft,
			Edits: []Edit{
				{File: "kill.go", Place: Place{"var killCommand", "field Flags", "end"}, Op: Insert, Text: "waitFlag(),\ntimeoutFlag(),\n"},
				{
					File: "kill.go", Place: Place{"var killCommand", "field Action", "stmt ^container, err :="}, Op: Insert,
					Imports: []string{"path/filepath"},
					Text: `wait, err := waitingOf(` + context + `, filepath.Join(` + root + `, ` + context + `.Args().First()))
if err != nil {
	return err
}
`,
				},
				{
					File: "kill.go", Place: Place{"var killCommand", "field Action", "stmt ^err = container.Signal"}, Op: Insert,
					Text: `if wait != nil {
	return wait.kill(container, signal)
}
`,
				},
				{File: "delete.go", Place: Place{"var deleteCommand", "field Flags", "end"}, Op: Insert, Text: "waitFlag(),\ntimeoutFlag(),\n"},
				{
					File: "delete.go", Place: Place{"var deleteCommand", "field Action", "stmt ^container, err :="}, Op: Insert,
					Imports: []string{"path/filepath"},
					Text: `wait, err := waitingOf(` + context + `, filepath.Join(` + root + `, ` + context + `.Args().First()))
if err != nil {
	return err
}
`,
				},
				{
					File: "delete.go", Place: Place{"var deleteCommand", "field Action", "stmt ^container, err :="}, Op: InsertAfter,
					Text: `if wait != nil {
	if err != nil {
		return wait.notLoaded(err, force)
	}
	return wait.delete(container, force)
}
`,
				},
				{
					File: "man/runc-kill.8.md", Place: Place{`line ^\*\*runc kill\*\* `}, Op: Replace,
					Text: "**runc kill** [**--wait** [**--timeout** _duration_]] _container-id_ [_signal_]\n",
				},
				{
					File: "man/runc-kill.8.md", Place: Place{`line ^# EXAMPLES`}, Op: Insert,
					Text: strings.ReplaceAll(`# OPTIONS
**--wait**
: Return when every process of the container is gone: init, and whatever is in
the container's cgroups. A zombie is gone. Without a PID namespace of its own
everything in the container gets the signal, whichever it is. Signal 0 sends
nothing and only waits. An exec that is under way is not held back.

**--timeout** _duration_
: With **--wait**, give up after this time, 10 seconds by default, with exit
status 124 and an error that names who is left.

`, "  ", ""),
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
				{File: "contrib/completions/bash/runc", Place: Place{"shell _runc_kill", "line --help"}, Op: InsertAfter, Text: "\t   --wait\n"},
				{File: "contrib/completions/bash/runc", Place: Place{"shell _runc_kill", `line ^\tcase "\$prev"`}, Op: Insert, Text: "\tlocal options_with_args=\"\n\t   --timeout\n\t\"\n\n"},
				{File: "contrib/completions/bash/runc", Place: Place{"shell _runc_delete", "line --help"}, Op: InsertAfter, Text: "\t   --wait\n"},
				{File: "contrib/completions/bash/runc", Place: Place{"shell _runc_delete", `line ^\tcase "\$cur"`}, Op: Insert, Text: "\tlocal options_with_args=\"\n\t   --timeout\n\t\"\n\n"},
			},
		},
		{ // --kill-after and --format
			Drafts: draft,
			Edits: []Edit{
				{File: "kill.go", Place: Place{"var killCommand", "field Flags", "end"}, Op: Insert, Text: "killAfterFlag(),\nformatFlag(),\n"},
				{File: "delete.go", Place: Place{"var deleteCommand", "field Flags", "end"}, Op: Insert, Text: "formatFlag(),\n"},
				{
					File: "man/runc-kill.8.md", Place: Place{`line ^# EXAMPLES`}, Op: Insert,
					Text: `**--kill-after** _duration_
: With **--wait**, send **SIGKILL** to all that is left after this time, and go on
waiting.

**--format** **text**|**json**
: With **--wait**, report what was done: **text**, the default, is silent; **json**
prints one object on stdout.

`,
				},
				{
					File: "man/runc-delete.8.md", Place: Place{`line ^# EXAMPLES`}, Op: Insert,
					Text: `**--format** **text**|**json**
: With **--wait**, report what was done: **text**, the default, is silent; **json**
prints one object on stdout.

`,
				},
				{File: "contrib/completions/bash/runc", Place: Place{"shell _runc_kill", "line --timeout"}, Op: InsertAfter, Text: "\t   --kill-after\n\t   --format\n"},
				{File: "contrib/completions/bash/runc", Place: Place{"shell _runc_delete", "line --timeout"}, Op: InsertAfter, Text: "\t   --format\n"},
			},
		},
		{ // the exec fence, exec's side
			Files: []string{"libcontainer/synckill/fence.go", "libcontainer/synckill/fencefile.go"},
			Cut:   notYet{"libcontainer/synckill/fence.go": {"barrier", "raise", "barrier.wait", "barrier.intact", "barrier.lower"}},
			Edits: []Edit{
				{File: "utils_linux.go", Place: Place{`from ^type runner struct`, `until ^}`, `line ^\tnotifySocket `}, Op: InsertAfter, Text: "\tstarted func() // called when the process is in the container's cgroup, if not nil\n"},
				{
					File: "utils_linux.go", Place: Place{"func runner.run", "stmt ^if err = tty.waitConsole"}, Op: Insert,
					Text: "if r.started != nil {\n\tr.started()\n}\n",
				},
				{
					File: "exec.go", Place: Place{"func execProcess", `stmt ^return r\.run`}, Op: Insert,
					Imports: []string{"path/filepath", "github.com/opencontainers/runc/libcontainer/synckill"},
					Text: `leave, err := synckill.EnterExec(filepath.Join(` + root + `, container.ID()))
if err != nil {
	return -1, err
}
defer leave()
// A kill may have held this up until the container had ended.
if status, err := container.Status(); err != nil || status == libcontainer.Stopped {
	return -1, errors.Join(errors.New("cannot exec in a stopped container"), err)
}
r.started = leave
`,
				},
			},
		},
		{ // the exec fence, kill's side
			Files:  []string{"libcontainer/synckill/fence.go", "libcontainer/synckill/fence_test.go", "libcontainer/synckill/fencefile_test.go"},
			Drafts: map[string]string{"drained.go.in": "wait.go", "fenced.go.in": "libcontainer/synckill/fenced.go"},
			Edits: []Edit{
				{File: "man/runc-kill.8.md", Place: Place{`line ^nothing and only waits\.`}, Op: Replace, Text: "nothing and only waits. An exec that had begun before can add no process afterwards.\n"},
			},
		},
		{ // the bats suite waits no more
			Edits: []Edit{
				{
					File: "tests/integration/kill.bats", Place: Place{"shell test_host_pidns_kill", "line runc kill test_busybox KILL"}, Op: Replace,
					Text: runOK + "kill --wait test_busybox KILL\n",
				},
				{
					File: "tests/integration/kill.bats", Place: Place{"shell test_host_pidns_kill", `line wait_pids_gone .*init_pid`}, Op: Replace,
					Text: "\t\twait_for_container 10 0.2 test_busybox stopped\n",
				},
				{File: "tests/integration/kill.bats", Place: Place{"shell test_host_pidns_kill", "line Wait and check that all"}, Op: Remove},
				{File: "tests/integration/kill.bats", Place: Place{"shell test_host_pidns_kill", `line wait_pids_gone .*pids\[@`}, Op: Remove},
				{
					File: "tests/integration/kill.bats", Place: Place{"shell kill detached busybox", "line runc kill test_busybox KILL"}, Op: Replace,
					Text: runOK + "kill --wait test_busybox KILL\n",
				},
				{
					File: "tests/integration/kill.bats", Place: Place{"shell kill detached busybox", "line wait_for_container"}, Op: Replace,
					Text: "\ttestcontainer test_busybox stopped\n",
				},
				{
					File: "tests/integration/delete.bats", Place: Place{"shell test_runc_delete_host_pidns", `line runc delete "\$@" test_busybox`}, Op: Replace,
					Text: runOK + "delete --wait \"$@\" test_busybox\n",
				},
				{
					File: "tests/integration/delete.bats", Place: Place{"shell test_runc_delete_host_pidns", `line wait_pids_gone .*init_pid`}, Op: Replace,
					Text: "\twait_for_container 10 0.2 test_busybox stopped\n",
				},
				{File: "tests/integration/delete.bats", Place: Place{"shell test_runc_delete_host_pidns", "line Wait and check that all"}, Op: Remove},
				{File: "tests/integration/delete.bats", Place: Place{"shell test_runc_delete_host_pidns", `line wait_pids_gone .*pids\[@`}, Op: Remove},
				{
					File: "tests/integration/delete.bats", Place: Place{"shell runc delete", "line runc kill testbusyboxdelete KILL"}, Op: Replace,
					Text: runOK + "kill --wait testbusyboxdelete KILL\n",
				},
				{
					File: "tests/integration/delete.bats", Place: Place{"shell runc delete", "line wait_for_container"}, Op: Replace,
					Text: "\ttestcontainer testbusyboxdelete stopped\n",
				},
			},
		},
	}
}
