package main

// batsSteps have upstream's bats suite use what is there then.
func batsSteps() []Step {
	// How the bats files run the command and want it to succeed.
	const runOK = "\t{{if ne .CLI 1}}run -0 {{end}}runc "
	return []Step{
		{
			Name: "bats",
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
