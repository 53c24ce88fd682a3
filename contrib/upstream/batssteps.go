package main

import "slices"

// batsSteps have upstream's bats suite use what is there then.
func batsSteps() []Step {
	const kill, remove = "tests/integration/kill.bats", "tests/integration/delete.bats"
	return []Step{{
		Name: "bats",
		Edits: slices.Concat(
			hostPIDs(kill, "shell test_host_pidns_kill", "line runc kill test_busybox KILL", "kill --wait test_busybox KILL", "\t\t"),
			stopped(kill, "shell kill detached busybox", "test_busybox"),
			hostPIDs(remove, "shell test_runc_delete_host_pidns", `line runc delete "\$@" test_busybox`, `delete --wait "$@" test_busybox`, "\t"),
			stopped(remove, "shell runc delete", "testbusyboxdelete"),
		),
	}}
}

// waits has a bats file run a command that waits, and want it to succeed.
func waits(file, function, line, command string) Edit {
	return Edit{
		File: file, Place: Place{function, line}, Op: Replace,
		Text: "\t{{if ne .CLI 1}}run -0 {{end}}runc " + command + "\n",
	}
}

// hostPIDs has a test in the host's PID namespace wait by a command, rather than in a
// loop for each process. Where it ends init by itself, in a line so far indented, it
// asks runc whether init is gone: a zombie is.
func hostPIDs(file, function, line, command, indent string) []Edit {
	return []Edit{
		waits(file, function, line, command),
		{
			File: file, Place: Place{function, `line wait_pids_gone .*init_pid`}, Op: Replace,
			Text: indent + "wait_for_container 10 0.2 test_busybox stopped\n",
		},
		{File: file, Place: Place{function, "line Wait and check that all"}, Op: Remove},
		{File: file, Place: Place{function, `line wait_pids_gone .*pids\[@`}, Op: Remove},
	}
}

// stopped has a test look once at the status of a container that was killed.
func stopped(file, function, id string) []Edit {
	return []Edit{
		waits(file, function, "line runc kill "+id+" KILL", "kill --wait "+id+" KILL"),
		{
			File: file, Place: Place{function, "line wait_for_container"}, Op: Replace,
			Text: "\ttestcontainer " + id + " stopped\n",
		},
	}
}
