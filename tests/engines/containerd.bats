load helpers
load containerd

@test "containerd: run brings output and exit status back" {
  ok call "${CLIENT[@]}" run --rm --runtime io.containerd.runc.v2 --runc-binary "$W/bin/runc" \
    --runc-root "$W/runc" "l/bb:$IMAGE" "$NAME" echo from containerd
  stdout_has "from containerd"
  call "${CLIENT[@]}" run --rm --runtime io.containerd.runc.v2 --runc-binary "$W/bin/runc" \
    --runc-root "$W/runc" "l/bb:$IMAGE" "$NAME" sh -c 'exit 7'
  ((status == 7))
  nothing_left
}

@test "containerd: exec, logs and restart [private pid namespace]" { exec_and_restart private; }

@test "containerd: exec, logs and restart [host pid namespace]" { exec_and_restart host; }

@test "containerd: kill TERM, then rm -f [private pid namespace]" { kill_and_remove private TERM; }

@test "containerd: kill TERM, then rm -f [host pid namespace]" { kill_and_remove host TERM; }

@test "containerd: kill KILL, then rm -f [private pid namespace]" { kill_and_remove private KILL; }

@test "containerd: kill KILL, then rm -f [host pid namespace]" { kill_and_remove host KILL; }

@test "containerd: stop, then rm -f [private pid namespace]" { stop_and_remove private; }

@test "containerd: stop, then rm -f [host pid namespace]" { stop_and_remove host; }

@test "containerd: rm -f [private pid namespace]" { remove_running private; }

@test "containerd: rm -f [host pid namespace]" { remove_running host; }

@test "containerd: rm -f [another container's pid namespace]" { remove_from_shared_namespace; }

@test "containerd: pause, then rm -f [private pid namespace]" { remove_paused private; }

@test "containerd: pause, then rm -f [host pid namespace]" { remove_paused host; }

@test "containerd: pause, then rm -f [host pid namespace, without the opt-in]" {
  KILL_WAIT=
  run_six "$NAME" host
  ok engine_pause "$NAME"
  ok engine_remove "$NAME"
  wait_for 30 all_gone
}

@test "containerd: kill KILL waits for a process that is slow to die [private pid namespace]" { kill_waits_for_the_slow private; }

@test "containerd: kill KILL waits for a process that is slow to die [host pid namespace]" { kill_waits_for_the_slow host; }

@test "containerd: rm -f waits for a process that is slow to die [private pid namespace]" { remove_waits_for_the_slow private; }

@test "containerd: rm -f waits for a process that is slow to die [host pid namespace]" { remove_waits_for_the_slow host; }

@test "containerd: rm -f of twenty containers at once" { remove_twenty; }

@test "containerd: upgrade in place from upstream's runtime, and back" { upgrade_and_back; }

@test "containerd: the daemon is SIGKILLed and comes back" { daemon_is_killed; }

@test "containerd: the shim is SIGKILLed" {
  run_six "$NAME" host
  kill_shim "$NAME"
  # containerd has the container deleted, and forgets the task
  wait_for 30 none_living
  wait_for 30 ok call "${CLIENT[@]}" container rm "$NAME"
  nothing_alive
  [[ ! -e $RUNC_ROOT/$NAME ]]
  # What containerd keeps of a task goes after the task.
  wait_for 30 all_gone
}

@test "containerd: the opt-in by a wrapper, for all containers" {
  wrapper_for "$W/bin/runc"
  KILL_WAIT=
  BINARY=$DIR/runc-sync
  run_six "$NAME" host
  ok engine_kill "$NAME" KILL
  nothing_alive
  remove_returns_to_nothing "$NAME"
}

@test "containerd: the configuration for Kubernetes is understood" {
  understands "$CONTRIB/containerd/config.toml"
  # The file of containerd 2 is imported by one of the administrator's, and takes
  # nothing away from that.
  containerd_2 || return 0
  cat >"$DIR/config.toml" <<CONF
version = 3
imports = ["$CONTRIB/containerd/50-*.toml"]
[plugins."io.containerd.cri.v1.runtime".containerd]
  default_runtime_name = "other"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.other]
  runtime_type = "io.containerd.runc.v2"
CONF
  understands "$DIR/config.toml"
  stdout_has 'default_runtime_name = "other"'
  stdout_has 'runtimes.other]'
}

@test "containerd: a process that cannot die: kill fails in time, and rm -f works later" {
  error_by_deadline 15 engine_kill "$NAME" KILL
  remove_returns_to_nothing "$NAME"
}

# understands FILE: version 2 quotes otherwise than version 1.
understands() {
  ok call containerd --config "$1" config dump
  stdout=${stdout//\'/\"}
  stdout_has 'BinaryName = "/usr/local/sbin/runc-sync"'
  stdout_has "pod_annotations = [\"$ANNOTATION\"]"
  stdout_has 'runtimes.runc]'
}
