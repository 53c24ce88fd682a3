package main

// fenceSteps keep execs from adding processes to what has been killed.
func fenceSteps() []Step {
	const root = `{{if eq .CLI 1}}context.GlobalString{{else}}cmd.String{{end}}("root")`
	return []Step{
		{
			Name: "enter",
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
		{
			Name: "fence", Drafts: waitDrafts(),
			Edits: []Edit{
				{File: "man/runc-kill.8.md", Place: Place{`line ^nothing and only waits\.`}, Op: Replace, Text: "nothing and only waits. An exec that had begun before can add no process afterwards.\n"},
			},
		},
	}
}
