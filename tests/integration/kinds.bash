# The kinds of containers that kill and delete have to end. Each function starts
# one of its kind as $ID and returns when it is as its name says.

private_pidns() { start_six "$ID"; }

shared_pidns() {
  host_pidns
  start_six "$ID"
}

# In the pid namespace of another container, which $LENDER is: an identity, as
# same_process_lives takes it. Its life goes on.
borrowed_pidns() {
  local pid
  runc run -d -b "$BUNDLE" "$PREFIX-lender"
  pid=$(pid_of "$PREFIX-lender")
  LENDER=$(identity "$pid")
  exchange '{"type":"pid"}' '{"type":"pid","path":"/proc/'"$pid"'/ns/pid"}'
  six_processes
  # The lender's end waits until somebody outside has reaped this init: runc does
  # at once, but a host's PID 1 in its own time.
  if [[ -n $HAS_KEEP ]]; then
    in_background borrower "$RUNC" --root "$ROOT" "${RUNC_FLAGS[@]}" run --keep -b "$BUNDLE" "$ID"
  else
    runc run -d -b "$BUNDLE" "$ID"
  fi
  wait_for 10 living_are 7
  wait_for 10 has_status "$ID" running
}

# lender_alone: of the two containers, the other one lives, and nothing else.
lender_alone() {
  living_are 1 || fail "not one process, but:" "$(living)"
  same_process_lives "$LENDER" || fail "the other container's process is gone"
}

created() { runc create -b "$BUNDLE" "$ID"; }

paused() {
  start_six "$ID"
  runc pause "$ID"
}

paused_shared_pidns() {
  host_pidns
  paused
}

# In the host's pid namespace the others outlive init.
init_gone() {
  shared_pidns
  kill -KILL "$(pid_of "$ID")"
  wait_for 10 has_status "$ID" stopped
}

# init_moved: init has left the container's cgroups, as some that manage cgroups
# of their own do; its five children are still there.
init_moved() {
  local dir to pid moved=
  host_pidns
  start_six "$ID"
  pid=$(pid_of "$ID")
  while read -r dir; do
    moved=$dir to=${dir%/*}/$(scratch)
    mkdir "$to"
    # A cpuset takes nobody before it has processors and memory.
    [[ ! -f $to/cpuset.mems ]] || {
      cat "$dir/cpuset.cpus" >"$to/cpuset.cpus"
      cat "$dir/cpuset.mems" >"$to/cpuset.mems"
    } 2>/dev/null || true
    echo "$pid" >"$to/cgroup.procs"
  done < <(cgroups_of "$ID")
  [[ -n $moved ]] || fail "the container has no cgroup"
}

# The thread that leads the group is dead, others go on: in its stat the process
# looks like a zombie.
leaderless() {
  ln "$BIN/leaderless" "$BUNDLE/rootfs/bin/" 2>/dev/null || cp "$BIN/leaderless" "$BUNDLE/rootfs/bin/"
  host_pidns
  shell_is 'leaderless & sleep 100'
  runc run -d -b "$BUNDLE" "$ID"
  wait_for 10 leader_died
}

leader_died() { living | grep -q ' Z leaderless$'; }

# in_sub_cgroups: exec has put processes into cgroups below the container's.
in_sub_cgroups() {
  local dir name=freezer,pids:sub
  [[ $LAYOUT != v2 ]] || name=sub
  host_pidns
  runc run -d -b "$BUNDLE" "$ID"
  while read -r dir; do
    mkdir -p "$dir/sub/sub"
  done < <(cgroups_of "$ID")
  runc exec -d --cgroup "$name" "$ID" sleep 100
  runc exec -d --cgroup "$name/sub" "$ID" sleep 100
  living_are 3 || fail "not three processes, but:" "$(living)"
}

# frozen_below: a cgroup inside of the container's was frozen by somebody.
frozen_below() {
  local dir file frozen=
  in_sub_cgroups
  while read -r dir; do
    for file in freezer.state cgroup.freeze; do
      [[ -f $dir/sub/$file ]] || continue
      frozen=1
      if [[ $file == freezer.state ]]; then echo FROZEN; else echo 1; fi >"$dir/sub/$file"
    done
  done < <(cgroups_of "$ID")
  [[ -n $frozen ]] || fail "no cgroup of the container can be frozen"
}

# nested: the container runs the runtime itself, whose container has six
# processes and a cgroup below this one's.
nested() {
  local inner=$DIR/inner
  cp -al "$BUNDLE" "$inner"
  rm "$inner/config.json"
  jq -c '.process.args = ["six"] | .linux.cgroupsPath = "/inner"
    | .linux.namespaces |= map(select(.type != "pid"))' "$BUNDLE/config.json" >"$inner/config.json"
  mkdir -p "$BUNDLE/rootfs"/{usr,lib,lib64,inner,runtime}
  config --arg inner "$inner" --arg runtime "${RUNC%/*}" --arg name "${RUNC##*/}" '
    .process.capabilities |= map_values(["CAP_SYS_ADMIN", "CAP_SYS_CHROOT", "CAP_SETUID", "CAP_SETGID",
      "CAP_SETPCAP", "CAP_DAC_OVERRIDE", "CAP_MKNOD", "CAP_KILL", "CAP_CHOWN", "CAP_NET_BIND_SERVICE",
      "CAP_AUDIT_WRITE", "CAP_FOWNER", "CAP_NET_ADMIN"])
    | .linux.maskedPaths = [] | .linux.readonlyPaths = []
    | .linux.resources.devices = [{allow: true, access: "rwm"}]
    | (.mounts[] | select(.type == "cgroup")).options -= ["ro"]
    | .mounts += [
      {destination: "/run", type: "tmpfs", source: "tmpfs"},
      ({"/usr": "/usr", "/lib": "/lib", "/lib64": "/lib64", "/inner": $inner, "/runtime": $runtime} | to_entries[]
        | {destination: .key, source: .value, type: "bind", options: ["rbind"]})]
    | .process.args = ["sh", "-c", "/runtime/\($name) --root /run/state run -d -b /inner inner; sleep 100"]'
  runc run -d -b "$BUNDLE" "$ID"
  wait_for 10 living_are 8
  [[ -n $(find /sys/fs/cgroup -type d -path "*/$(cgroup_name "$ID")/inner" 2>/dev/null) ]] || fail "the inner container's cgroup is not below"
}

# below_a_parent gives the container, without a PID namespace, a v1 freezer cgroup of
# the test's above its own, $PARENT: frozen it is not the runtime's to thaw, so SIGKILL
# has no effect until the test does. (On v2 a frozen process dies all the same.)
below_a_parent() {
  [[ ${DRIVER-} != systemd ]] || skip "systemd, and not the container, says where a scope's cgroups are"
  PARENT=/sys/fs/cgroup/freezer/$(scratch)
  mkdir "$PARENT"
  config --arg path "/$(scratch)/$ID" '.linux.cgroupsPath = $path'
  host_pidns
}

# six_below_a_frozen_parent: that parent, frozen. $INIT is the container's pid.
six_below_a_frozen_parent() {
  below_a_parent
  start_six "$ID"
  INIT=$(pid_of "$ID")
  echo FROZEN >"$PARENT/freezer.state"
}
