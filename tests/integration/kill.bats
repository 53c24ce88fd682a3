load helpers
load kinds

# echo_signals NAME...: init prints each of these signals that it gets.
echo_signals() {
  local script='' name
  for name in "$@"; do
    script+="trap 'echo $name' $name; "
  done
  shell_is "$script echo up; while :; do sleep 0.05; done"
}

up() {
  runc run -d -b "$BUNDLE" "$ID"
  LOG=$OUT
  wait_for 10 file_has "$LOG" up
}

has_count() { (($(grep -cx "$2" "$1") == $3)); }

@test "kill: SIGTERM is the default" {
  echo_signals TERM
  up
  runc kill "$ID"
  wait_for 10 has_count "$LOG" TERM 1
}

@test "kill: a signal is a name, with or without SIG, in any case, or a number" {
  echo_signals HUP
  up
  local signal count=0
  for signal in HUP SIGHUP hup sighup 1; do
    runc kill "$ID" "$signal"
    count=$((count + 1))
    wait_for 10 has_count "$LOG" HUP "$count"
  done
}

@test "kill: without --wait a signal other than KILL goes to init alone" {
  shared_pidns
  runc kill "$ID" TERM
  wait_for 10 has_status "$ID" stopped
  living_are 5
}

# killed KIND: the plain kill of a container of this kind ends every process, at
# some time soon.
killed() {
  "$1"
  runc kill "$ID" KILL
  wait_for 10 none_living
  wait_for 10 has_status "$ID" stopped
}

@test "kill KILL [private pid namespace] ends every process" { killed private_pidns; }

@test "kill KILL [host pid namespace] ends every process" { killed shared_pidns; }

@test "kill KILL [host pid namespace, init gone] ends what is left" { killed init_gone; }

@test "kill KILL [created] ends init" { killed created; }

@test "kill KILL [paused] ends every process" { killed paused; }

@test "kill KILL [host pid namespace, exec'd into sub-cgroups] ends every process" { killed in_sub_cgroups; }

@test "kill KILL [another container's pid namespace] ends its own processes alone" {
  borrowed_pidns
  runc kill "$ID" KILL
  wait_for 10 has_status "$ID" stopped
  wait_for 10 living_are 1
  lender_alone
}

@test "kill KILL [host pid namespace, paused] ends every process" {
  own_behaviour
  host_pidns
  start_six "$ID"
  runc pause "$ID"
  runc kill "$ID" KILL
  wait_for 10 none_living
}

# systemd removes a scope when its last process has ended, at whatever libcontainer
# is with the cgroup then.
@test "kill KILL [paused] of a container whose cgroups go the moment they are empty" {
  own_behaviour
  local turn
  host_pidns
  six_processes
  for turn in {1..10}; do
    runc run -d -b "$BUNDLE" "$ID"
    wait_for 10 living_are 6
    runc pause "$ID"
    in_background "rmdir$turn" timeout 20 bash -c '
      while dirs=$(find /sys/fs/cgroup -type d -name "$1" || true) && [[ -n $dirs ]]; do rmdir $dirs || true; done 2>/dev/null' - "$(cgroup_name "$ID")"
    runc kill "$ID" KILL
    wait "${HELPERS[-1]}"
    none_living || fail "still alive:" "$(living)"
    runc delete --force "$ID"
  done
}

@test "kill: a stopped container is refused, unless --all (-a)" {
  command_is true
  runc run -d -b "$BUNDLE" "$ID"
  wait_for 10 has_status "$ID" stopped
  refused "container not running" kill "$ID" KILL
  runc kill --all "$ID" KILL
  runc kill -a "$ID" 9
}

@test "kill: an unknown container is refused" {
  refused "container does not exist" kill "$ID" KILL
  one_line
}

@test "kill: an unknown signal is refused and nothing is signalled" {
  start_six "$ID"
  refused "unknown signal" kill "$ID" NONSENSE
  one_line
  living_are 6
}

@test "kill: the wrong number of arguments is refused" {
  refused 'requires a minimum of 1 argument' kill
  refused 'requires a maximum of 2 argument' kill "$ID" KILL more
}

# --- kill --wait

# gone: what a kill that waited has to leave, and it may not take any time.
gone() {
  nothing_alive
  no_members "$ID"
  status_is "$ID" stopped
}

@test "kill --wait KILL [private pid namespace]: nothing is alive when it returns" {
  runc_waits
  private_pidns
  runc kill --wait "$ID" KILL
  gone
}

@test "kill --wait KILL [host pid namespace]: nothing is alive when it returns" {
  runc_waits
  shared_pidns
  runc kill --wait "$ID" KILL
  gone
}

# The other container's processes are none of this one's.
@test "kill --wait KILL [another container's pid namespace]: nothing of it is alive when it returns" {
  runc_waits
  borrowed_pidns
  runc kill --wait "$ID" KILL
  lender_alone
  no_members "$ID"
  status_is "$ID" stopped
}

# The kernel takes its time to free what these hold: a kill that does not wait
# returns long before the last is gone.
@test "kill --wait KILL [host pid namespace, slow to die]: nothing is alive when it returns" {
  runc_waits
  host_pidns
  shell_is '
    for i in 1 2 3 4; do timeout 60 dd if=/dev/zero of=/dev/null bs=96M 2>/dev/null & done
    sleep 0.3
    echo up
    wait'
  up
  runc kill --wait "$ID" KILL
  gone
}

@test "kill --wait KILL [host pid namespace, init gone]: nothing is alive when it returns" {
  runc_waits
  init_gone
  runc kill --wait "$ID" KILL
  gone
}

@test "kill --wait KILL [host pid namespace, init in another cgroup]: nothing is alive when it returns" {
  runc_waits
  init_moved
  runc kill --wait "$ID" KILL
  gone
}

@test "kill --wait KILL [host pid namespace, a leader dead before its threads]: nothing is alive when it returns" {
  runc_waits
  leaderless
  runc kill --wait "$ID" KILL
  gone
}

@test "kill --wait KILL [host pid namespace, exec'd into sub-cgroups]: nothing is alive when it returns" {
  runc_waits
  in_sub_cgroups
  runc kill --wait "$ID" KILL
  gone
}

@test "kill --wait KILL [host pid namespace, frozen below]: nothing is alive when it returns" {
  runc_waits
  frozen_below
  runc kill --wait "$ID" KILL
  gone
}

@test "kill --wait KILL [private pid namespace, paused]: nothing is alive when it returns" {
  runc_waits
  paused
  runc kill --wait "$ID" KILL
  gone
}

@test "kill --wait KILL [host pid namespace, paused]: nothing is alive when it returns" {
  runc_waits
  paused_shared_pidns
  runc kill --wait "$ID" KILL
  gone
}

@test "kill --wait KILL [created]: nothing is alive when it returns" {
  runc_waits
  created
  runc kill --wait "$ID" KILL
  gone
}

@test "kill --wait KILL [a container in the container]: nothing is alive when it returns" {
  runc_waits
  nested
  runc kill --wait "$ID" KILL
  gone
}

# Who has to reap init here is stopped, as an engine may be that waits for this
# very kill.
@test "kill --wait KILL: a zombie that nobody reaps does not hold it up" {
  runc_waits
  local init parent
  in_background run "$RUNC" --root "$ROOT" "${RUNC_FLAGS[@]}" run --keep -b "$BUNDLE" "$ID"
  wait_for 10 has_status "$ID" running
  init=$(pid_of "$ID")
  parent=$(awk '$1 == "PPid:" { print $2 }' "/proc/$init/status")
  HELPERS+=("$parent")
  kill -STOP "$parent"
  runc kill --wait --timeout 5s "$ID" KILL
  gone
  [[ $(awk '$1 == "State:" { print $2 }' "/proc/$init/status") == Z ]]
}

@test "kill --wait: any signal goes to every process [host pid namespace]" {
  runc_waits
  shared_pidns
  runc kill --wait "$ID" TERM
  nothing_alive
}

@test "kill --wait 0 sends nothing and waits for the end" {
  runc_waits
  shell_is 'trap "echo signalled" HUP TERM INT; while [ ! -e /end ]; do sleep 0.05; done; echo over'
  runc run -d -b "$BUNDLE" "$ID"
  LOG=$OUT
  in_background kill "$RUNC" --root "$ROOT" kill --wait "$ID" 0
  wait_for 10 child_has_pidfd "${HELPERS[0]}"
  : >"$BUNDLE/rootfs/end"
  wait "${HELPERS[0]}"
  nothing_alive
  [[ $(<"$LOG") == over ]]
}

@test "kill --wait: a stopped container is refused, unless --all" {
  runc_waits
  command_is true
  runc run -d -b "$BUNDLE" "$ID"
  wait_for 10 has_status "$ID" stopped
  refused "container not running" kill --wait "$ID" KILL
  runc kill --all --wait "$ID" KILL
}

@test "kill --wait --timeout: a process that stays is named, its state is kept" {
  runc_waits
  shell_is 'trap "" TERM; echo up; while :; do sleep 0.05; done'
  up
  local pid
  pid=$(pid_of "$ID")
  runc_exits 124 kill --wait --timeout 300ms "$ID" TERM
  stderr_has "$pid"
  status_is "$ID" running
  # The same command completes the work once nothing is in its way.
  runc kill --wait --timeout 5s "$ID" KILL
  nothing_alive
}

@test "kill --wait --timeout: survivors of a frozen parent cgroup are named, then end" {
  runc_waits
  only_in_layouts hybrid v1
  six_below_a_frozen_parent
  runc_exits 124 kill --wait --timeout 300ms "$ID" KILL
  stderr_has "$INIT"
  living_are 6
  [[ -s $ROOT/$ID/state.json ]]
  echo THAWED >"$PARENT/freezer.state"
  # All six have had their SIGKILL: they may be gone by now.
  runc kill --all --wait --timeout 5s "$ID" KILL
  nothing_alive
}

@test "kill --wait KILL: where the exec fence can't be closed everything is killed and nothing claimed" {
  runc_waits
  own_behaviour
  shared_pidns
  rm -f "$ROOT/.exec-fence@"
  mkdir "$ROOT/.exec-fence@"
  runc_exits 1 kill --wait "$ID" KILL
  nothing_alive
  stderr_has "cannot tell whether container $ID has drained: an exec could not be kept out"
  one_line
  rmdir "$ROOT/.exec-fence@"
  runc kill --all --wait "$ID" KILL
  nothing_alive
}

@test "kill --wait --kill-after: what a polite signal did not end is killed" {
  runc_waits
  host_pidns
  shell_is 'trap "" TERM; echo up; while :; do sleep 0.05; done'
  up
  runc kill --wait --kill-after 200ms "$ID" TERM
  nothing_alive
}

@test "kill --wait --format json reports what was done" {
  runc_waits
  shared_pidns
  runc kill --wait --format json "$ID" KILL
  nothing_alive
  stdout_json --arg id "$ID" '.id == $id and .drained == true and .survivors == []'
}

@test "--kill-wait makes a plain SIGKILL wait, for engines that cannot be changed" {
  runc_waits
  shared_pidns
  RUNC_FLAGS=(--kill-wait 5s)
  runc kill "$ID" KILL
  nothing_alive
}

@test "the annotation for the wait makes a plain SIGKILL wait as well" {
  runc_waits
  config '.annotations["org.opencontainers.runc.kill.wait"] = "5s"'
  init_moved # a plain kill does not find it
  runc kill "$ID" KILL
  nothing_alive
}

# orphans N: as a shim, which becomes the parent of all that init leaves, here of N
# processes that can't die. It calls kill --all.
orphans() {
  STDIN=/dev/null call bash -c '
    cgroups=$1 init=$2 parent=$3 count=$4
    shift 4
    for ((n = 0; n < count; n++)); do
      sleep 60 &
      while read -r dir; do
        echo $! >"$dir/cgroup.procs" || exit 9
      done <<<"$cgroups"
    done
    kill -KILL "$init"
    while kill -0 "$init" 2>/dev/null && ! grep -qs "^State:.Z" "/proc/$init/status"; do sleep 0.01; done
    echo FROZEN >"$parent/freezer.state"
    "$@"
    exit # or else the shell becomes the runtime' shim "$(cgroups_of "$ID")" "$(pid_of "$ID")" "$PARENT" "$1" \
    "$RUNC" --root "$ROOT" "${RUNC_FLAGS[@]}" kill --all "$ID" KILL
}

@test "the annotation does not have a shim wait that has to reap a crowd meanwhile: delete waits" {
  runc_waits
  own_behaviour
  only_in_layouts hybrid v1
  local crowd flag
  config '.annotations["org.opencontainers.runc.kill.wait"] = "300ms"'
  below_a_parent
  for flag in --kill-wait-max=10s --kill-wait=300ms; do
    RUNC_FLAGS=("$flag")
    for crowd in 24 25; do
      runc run -d -b "$BUNDLE" "$ID"
      orphans "$crowd"
      ((status == (crowd > 24 ? 0 : 124))) || fail "kill --all of $crowd exited with $status" "$stderr"
      runc_exits 124 delete "$ID"
      stderr_has "$crowd processes still alive"
      echo THAWED >"$PARENT/freezer.state"
      runc delete "$ID"
      nothing_alive
    done
  done
}

@test "--kill-wait-max bounds what an annotation asks for, and says so" {
  runc_waits
  host_pidns
  config '.annotations["org.opencontainers.runc.kill.wait"] = "8760h"'
  start_six "$ID"
  runc kill "$ID" KILL
  nothing_alive
  stderr_has 'annotation org.opencontainers.runc.kill.wait: 8760h0m0s is more than the limit of 10s'
  RUNC_FLAGS=(--kill-wait-max 20s)
  runc delete --force "$ID"
  stderr_has '8760h0m0s is more than the limit of 20s'
  [[ ! -e $ROOT/$ID ]] || fail "it is still there"
}

@test "--kill-wait-max: what an annotation asks for within it is not spoken of, nor is any with 0" {
  runc_waits
  host_pidns
  local flag wait=5s
  for flag in --kill-wait-max=5s --kill-wait-max=0 --kill-wait=5s; do
    config --arg wait "$wait" '.annotations["org.opencontainers.runc.kill.wait"] = $wait'
    RUNC_FLAGS=("$flag")
    runc run -d -b "$BUNDLE" "$ID"
    runc kill "$ID" KILL
    [[ -z $stderr ]] || fail "with $flag it says" "$stderr"
    runc delete --force --wait "$ID"
    wait=8760h
  done
}

@test "--kill-wait-max: an annotation holds its caller up for no longer" {
  runc_waits
  only_in_layouts hybrid v1
  config '.annotations["org.opencontainers.runc.kill.wait"] = "8760h"'
  six_below_a_frozen_parent
  RUNC_FLAGS=(--kill-wait-max 300ms)
  CALL_TIMEOUT=20
  runc_exits 124 kill "$ID" KILL
  stderr_has "so 300ms it is"
  stderr_has "6 processes still alive"
  runc_exits 124 delete --force "$ID"
  RUNC_FLAGS=(--kill-wait-max 0)
  runc kill "$ID" KILL
  living_are 6
  RUNC_FLAGS=()
  echo THAWED >"$PARENT/freezer.state"
  runc kill --all --wait --timeout 5s "$ID" KILL
  nothing_alive
}

@test "kill --wait: SIGTERM ends the wait at once, the container lives on" {
  runc_waits
  echo_signals HUP
  up
  in_background kill "$RUNC" --root "$ROOT" kill --wait --timeout 30s "$ID" HUP
  local waiter=${HELPERS[0]}
  wait_for 10 has_count "$LOG" HUP 1
  ! ended "$waiter" || fail "it did not wait"
  # More than once, as timeout(1) does: it still says what it did. By a shell that
  # bats does not trace, which would be too slow.
  bash -c 'while kill -TERM "$1"; do :; done 2>/dev/null' - "$(child_of "$waiter")"
  wait_for 3 ended "$waiter"
  file_has "$DIR/kill.err" "stopped waiting" || fail "it said nothing of it:" "$(<"$DIR/kill.err")"
  status_is "$ID" running
}

@test "kill: flags that make no sense together are refused, nothing is signalled" {
  runc_waits
  shared_pidns
  refused --wait kill --timeout 1s "$ID" KILL
  one_line
  refused "" kill --wait --timeout=-1s "$ID" KILL
  refused "" kill --wait --timeout soon "$ID" KILL
  refused "--kill-after 10s is not before --timeout 10s" kill --wait --kill-after 10s "$ID" TERM
  one_line
  RUNC_FLAGS=(--kill-wait-max=-1s)
  refused "--kill-wait-max must not be negative, but is -1s" kill "$ID" KILL
  RUNC_FLAGS=()
  one_line
  refused "unknown signal" kill --wait "$ID" NONSENSE
  one_line
  living_are 6
  status_is "$ID" running
}
