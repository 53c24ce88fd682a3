load helpers
load cri

@test "cri: exec, logs and restart [private pid namespace]" { exec_and_restart private; }

@test "cri: exec, logs and restart [host pid namespace]" { exec_and_restart host; }

@test "cri: update changes a running container's limit" { update_memory; }

@test "cri: stop without grace, then rm -f [private pid namespace]" { kill_and_remove private KILL; }

@test "cri: stop without grace, then rm -f [host pid namespace]" { kill_and_remove host KILL; }

@test "cri: stop, then rm -f [private pid namespace]" { stop_and_remove private; }

@test "cri: stop, then rm -f [host pid namespace]" { stop_and_remove host; }

@test "cri: rm -f [private pid namespace]" { remove_running private; }

@test "cri: rm -f [host pid namespace]" { remove_running host; }

@test "cri: rm -f [another container's pid namespace]" { remove_from_shared_namespace; }

@test "cri: stop waits for a process that is slow to die [private pid namespace]" { kill_waits_for_the_slow private; }

@test "cri: stop waits for a process that is slow to die [host pid namespace]" { kill_waits_for_the_slow host; }

@test "cri: rm -f waits for a process that is slow to die [private pid namespace]" { remove_waits_for_the_slow private; }

@test "cri: rm -f waits for a process that is slow to die [host pid namespace]" { remove_waits_for_the_slow host; }

@test "cri: rm -f of a container that was paused behind its back [private pid namespace]" { remove_paused private; }

@test "cri: rm -f of a container that was paused behind its back [host pid namespace]" { remove_paused host; }

@test "cri: rm -f of twenty containers at once" { remove_twenty; }

@test "cri: upgrade in place from upstream's runtime, and back" { upgrade_and_back; }

@test "cri: the daemon is SIGKILLed and comes back" { daemon_is_killed; }

@test "cri: the shim is SIGKILLed" {
  run_six "$NAME" host
  # It is the pod's.
  kill_shim "$(<"$DIR/$NAME.pod")"
  wait_for 30 none_living
  # containerd 2 fails to delete the task by the shim's closed connection, takes the
  # container for running until it tries again, two seconds later, and refuses its
  # removal that long.
  wait_for 30 is_over "$NAME"
  remove_returns_to_nothing "$NAME"
}

@test "cri: the opt-in by a wrapper, for all pods of a runtime class" {
  KILL_WAIT=
  HANDLER=wrapped
  kill_waits_for_the_slow host
}

@test "cri: a process that cannot die: stop fails in time, and rm -f works later" {
  error_by_deadline 15 engine_kill "$NAME" KILL
  # A removal is refused until containerd has been told of the end.
  wait_for 30 is_over "$NAME"
  remove_returns_to_nothing "$NAME"
}

is_over() { ! engine_is_running "$1"; }
