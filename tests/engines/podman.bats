load helpers
load podman

@test "podman: run brings output and exit status back" {
  ok call "${CLIENT[@]}" run --rm --network none "$IMAGE" echo from podman
  stdout_has "from podman"
  call "${CLIENT[@]}" run --rm --network none "$IMAGE" sh -c 'exit 7'
  ((status == 7))
  nothing_left
}

@test "podman: exec, logs and restart [private pid namespace]" { exec_and_restart private; }

@test "podman: exec, logs and restart [host pid namespace]" { exec_and_restart host; }

@test "podman: update changes a running container's limit" { update_memory; }

@test "podman: kill TERM, then rm -f [private pid namespace]" { kill_and_remove private TERM; }

@test "podman: kill TERM, then rm -f [host pid namespace]" { kill_and_remove host TERM; }

@test "podman: kill KILL, then rm -f [private pid namespace]" { kill_and_remove private KILL; }

@test "podman: kill KILL, then rm -f [host pid namespace]" { kill_and_remove host KILL; }

@test "podman: stop, then rm -f [private pid namespace]" { stop_and_remove private; }

@test "podman: stop, then rm -f [host pid namespace]" { stop_and_remove host; }

@test "podman: rm -f [private pid namespace]" { remove_running private; }

@test "podman: rm -f [host pid namespace]" { remove_running host; }

@test "podman: rm -f [another container's pid namespace]" { remove_from_shared_namespace; }

@test "podman: pause, then rm -f [private pid namespace]" { remove_paused private; }

@test "podman: pause, then rm -f [host pid namespace]" { remove_paused host; }

@test "podman: pause, then rm -f [host pid namespace, without the opt-in]" {
  KILL_WAIT=
  run_six "$NAME" host
  ok engine_pause "$NAME"
  ok engine_remove "$NAME"
  wait_for 30 all_gone
}

@test "podman: kill KILL waits for a process that is slow to die [private pid namespace]" { kill_waits_for_the_slow private; }

@test "podman: kill KILL waits for a process that is slow to die [host pid namespace]" { kill_waits_for_the_slow host; }

@test "podman: rm -f waits for a process that is slow to die [private pid namespace]" { remove_waits_for_the_slow private; }

@test "podman: rm -f waits for a process that is slow to die [host pid namespace]" { remove_waits_for_the_slow host; }

@test "podman: rm -f of twenty containers at once" { remove_twenty; }

@test "podman: upgrade in place from upstream's runtime, and back" { upgrade_and_back; }

# Without conmon podman itself reports the end. podman 4 never asks the runtime to
# delete what is left on disk, whichever runtime it is; podman 5 does.
@test "podman: conmon is SIGKILLed" {
  run_six "$NAME" host
  local id
  id=$(engine_id "$NAME")
  kill -KILL "$("${CLIENT[@]}" inspect -f '{{.State.ConmonPid}}' "$NAME")"
  living_are 6
  ok engine_exec "$NAME" echo still there
  ok engine_remove "$NAME"
  nothing_alive
  ! podman_4 || ok call "$RUNC" delete --wait "$id"
  nothing_left
}

# podman itself thaws a container that it has paused. This one was paused by
# somebody else, which leaves upstream's runtime with six frozen processes.
@test "podman: rm -f of a container that was paused behind its back" {
  run_six "$NAME" host
  ok call "$RUNC" pause "$(engine_id "$NAME")"
  remove_returns_to_nothing "$NAME"
}

@test "podman: a process that cannot die: rm -f fails in time, and works later" {
  error_by_deadline 30 engine_remove "$NAME"
  remove_returns_to_nothing "$NAME"
}

@test "podman: the opt-in by --runtime-flag, for the call at hand" {
  KILL_WAIT=
  slow_container host
  ok call "${CLIENT[@]}" --runtime-flag kill-wait=4s kill -s KILL "$NAME"
  nothing_alive
}

@test "podman: the opt-in by a wrapper" {
  wrapper_for "$W/bin/runc"
  sed "s,$W/bin/runc,$DIR/runc-sync," "$CONTAINERS_CONF" >"$DIR/containers.conf"
  export CONTAINERS_CONF=$DIR/containers.conf
  KILL_WAIT=
  kill_waits_for_the_slow host
}

@test "podman: the opt-in of containers.conf, for all containers" {
  conf >"$DIR/containers.conf"
  export CONTAINERS_CONF=$DIR/containers.conf
  KILL_WAIT=
  run_six "$NAME" host
  ok call "$RUNC" state "$(engine_id "$NAME")"
  stdout_json --arg key "$ANNOTATION" '.annotations[$key] == "4s"'
  remove_returns_to_nothing "$NAME"
}
