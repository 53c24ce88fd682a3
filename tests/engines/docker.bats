load helpers
load docker

@test "docker: run brings output and exit status back" {
  ok call "${CLIENT[@]}" run --rm --runtime runc-sync --network none "$IMAGE" echo from docker
  stdout_has "from docker"
  call "${CLIENT[@]}" run --rm --runtime runc-sync --network none "$IMAGE" sh -c 'exit 7'
  ((status == 7))
  nothing_left
}

@test "docker: exec, logs and restart [private pid namespace]" { exec_and_restart private; }

@test "docker: exec, logs and restart [host pid namespace]" { exec_and_restart host; }

@test "docker: update changes a running container's limit" { update_memory; }

@test "docker: kill TERM, then rm -f [private pid namespace]" { kill_and_remove private TERM; }

@test "docker: kill TERM, then rm -f [host pid namespace]" { kill_and_remove host TERM; }

@test "docker: kill KILL, then rm -f [private pid namespace]" { kill_and_remove private KILL; }

@test "docker: kill KILL, then rm -f [host pid namespace]" { kill_and_remove host KILL; }

@test "docker: stop, then rm -f [private pid namespace]" { stop_and_remove private; }

@test "docker: stop, then rm -f [host pid namespace]" { stop_and_remove host; }

@test "docker: rm -f [private pid namespace]" { remove_running private; }

@test "docker: rm -f [host pid namespace]" { remove_running host; }

@test "docker: rm -f [another container's pid namespace]" { remove_from_shared_namespace; }

@test "docker: pause, then rm -f [private pid namespace]" { remove_paused private; }

@test "docker: pause, then rm -f [host pid namespace]" { remove_paused host; }

@test "docker: pause, then rm -f [host pid namespace, without the opt-in]" {
  KILL_WAIT=
  run_six "$NAME" host
  ok engine_pause "$NAME"
  ok engine_remove "$NAME"
  wait_for 30 all_gone
}

@test "docker: kill KILL waits for a process that is slow to die [private pid namespace]" { kill_waits_for_the_slow private; }

@test "docker: kill KILL waits for a process that is slow to die [host pid namespace]" { kill_waits_for_the_slow host; }

@test "docker: rm -f waits for a process that is slow to die [private pid namespace]" { remove_waits_for_the_slow private; }

@test "docker: rm -f waits for a process that is slow to die [host pid namespace]" { remove_waits_for_the_slow host; }

@test "docker: rm -f of twenty containers at once" { remove_twenty; }

# Upstream does not know the argument of the opt-in, so it has to go first.
@test "docker: upgrade in place from upstream's runtime, and back" {
  KILL_WAIT=
  upgrade_and_back
}

@test "docker: the daemon is SIGKILLed and comes back" { daemon_is_killed; }

@test "docker: the shim is SIGKILLed" {
  run_six "$NAME" host
  kill_shim "$(engine_id "$NAME")"
  wait_for 30 none_living
  ok engine_remove "$NAME"
  nothing_left
}

# docker waits 12 s of its own for the exit event, and says so in its own words.
@test "docker: a process that cannot die: kill fails in time, and rm -f works later" {
  error_by_deadline 18 engine_kill "$NAME" KILL
  remove_returns_to_nothing "$NAME"
}
