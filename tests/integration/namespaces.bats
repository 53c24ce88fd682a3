load helpers

without() { config --arg type "$1" '.linux.namespaces |= map(select(.type != $type))'; }

with() { config --arg type "$1" --arg path "${2-}" '.linux.namespaces += [{type: $type} + if $path == "" then {} else {path: $path} end]'; }

# ns KIND PID is the identity of a namespace.
ns() { readlink "/proc/$2/ns/$1"; }

@test "namespaces: those of config.json are the container's own, the others the host's" {
  without ipc
  runc run -d -b "$BUNDLE" "$ID"
  local pid kind
  pid=$(pid_of "$ID")
  for kind in mnt pid net uts; do
    [[ $(ns "$kind" "$pid") != "$(ns "$kind" self)" ]] || fail "$kind is the host's"
  done
  for kind in ipc user time; do
    [[ $(ns "$kind" "$pid") == "$(ns "$kind" self)" ]] || fail "$kind is not the host's"
  done
}

@test "namespaces: by path another container's are joined, by run and by exec" {
  runc run -d -b "$BUNDLE" "$ID"
  local pid kind other
  pid=$(pid_of "$ID")
  without network
  without ipc
  without uts
  with network "/proc/$pid/ns/net"
  with ipc "/proc/$pid/ns/ipc"
  with uts "/proc/$pid/ns/uts"
  config 'del(.hostname)'
  runc run -d -b "$BUNDLE" "$ID-2"
  other=$(pid_of "$ID-2")
  for kind in net ipc uts; do
    [[ $(ns "$kind" "$other") == "$(ns "$kind" "$pid")" ]] || fail "$kind is not the other container's"
  done
  [[ $(ns mnt "$other") != "$(ns mnt "$pid")" ]]
  runc exec "$ID-2" readlink /proc/self/ns/net
  stdout_is "$(ns net "$pid")"
}

@test "namespaces: a path that does not exist or is of another kind is refused" {
  without network
  with network "$DIR/none"
  refused "$DIR/none" run -b "$BUNDLE" "$ID"
  without network
  with network /proc/self/ns/uts
  refused "" run -b "$BUNDLE" "$ID"
  no_container "$ID"
  no_cgroups "$ID"
  nothing_alive
}

@test "namespaces: one that is there twice, or of no known kind, is refused" {
  with network
  refused "" run -b "$BUNDLE" "$ID"
  without network
  with parallel-universe
  refused parallel-universe run -b "$BUNDLE" "$ID"
  no_container "$ID"
}

# A user namespace, with a root file system that its root may use.
user_ns() {
  with user
  config '.linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
    | .linux.gidMappings = [{containerID: 0, hostID: 200000, size: 65536}]'
  # bats' directories are root's alone, and the way to the root file system goes
  # through them.
  local dir=$BUNDLE
  while [[ $dir != / ]]; do
    [[ $dir == /tmp ]] || chmod o+x "$dir"
    dir=${dir%/*}
    dir=${dir:-/}
  done
}

@test "namespaces: user maps ids, and root in there is nobody's root outside" {
  user_ns
  runc run -d -b "$BUNDLE" "$ID"
  local pid
  pid=$(pid_of "$ID")
  [[ $(ns user "$pid") != "$(ns user self)" ]]
  [[ $(awk '$1 == "Uid:" || $1 == "Gid:" { printf "%s ", $2 }' "/proc/$pid/status") == "100000 200000 " ]]
  runc exec "$ID" sh -c 'id -u; cat /proc/self/uid_map /proc/self/gid_map | tr -s " "'
  stdout_is $'0\n 0 100000 65536\n 0 200000 65536'
}

@test "namespaces: user without mappings is refused" {
  with user
  refused "no uid mappings" run -b "$BUNDLE" "$ID"
  no_container "$ID"
}

@test "namespaces: kill --wait of a container in a user namespace leaves nothing alive" {
  runc_waits
  user_ns
  start_six "$ID"
  runc kill --wait "$ID" KILL
  nothing_alive
}

has_time_ns() { [[ -e /proc/self/ns/time ]] || skip "no time namespaces (Linux 5.6)"; }

@test "namespaces: time shifts the clocks, for init and for exec" {
  has_time_ns
  local day=86400
  with time
  config --argjson secs "$((30 * day))" '.linux.timeOffsets = {boottime: {secs: $secs, nanosecs: 0},
    monotonic: {secs: $secs, nanosecs: 0}}'
  runc run -d -b "$BUNDLE" "$ID"
  runc exec "$ID" sh -c 'cut -d. -f1 /proc/uptime; cat /proc/self/timens_offsets | tr -s " "'
  (($(head -n 1 <<<"$stdout") > 30 * day))
  [[ $stdout =~ boottime[[:space:]]+2592000[[:space:]]+0 ]]
  [[ $(ns time "$(pid_of "$ID")") != "$(ns time self)" ]]
}

@test "namespaces: offsets without a time namespace, or of no known clock, are refused" {
  has_time_ns
  config '.linux.timeOffsets = {boottime: {secs: 5, nanosecs: 0}}'
  refused "" run -b "$BUNDLE" "$ID"
  with time
  config '.linux.timeOffsets = {sundial: {secs: 5, nanosecs: 0}}'
  refused "" run -b "$BUNDLE" "$ID"
  no_container "$ID"
}

@test "namespaces: in a cgroup namespace the container's cgroup is the root" {
  without cgroup
  with cgroup
  command_is cat /proc/self/cgroup
  runc run -b "$BUNDLE" "$ID"
  [[ $stdout != *"$ID"* ]] || fail "it sees its place in the host's cgroups:" "$stdout"
  without cgroup
  runc run -b "$BUNDLE" "$ID"
  stdout_has "$ID"
}

@test "namespaces: hostname and domain name are set in uts, and refused without" {
  config '.hostname = "inside" | .domainname = "example.org"'
  shell_is 'hostname; cat /proc/sys/kernel/domainname'
  runc run -b "$BUNDLE" "$ID"
  stdout_is $'inside\nexample.org'
  without uts
  refused "" run -b "$BUNDLE" "$ID"
  no_container "$ID"
}

@test "namespaces: sysctls are set in net and ipc, and refused in the host's" {
  config '.linux.sysctl = {"net.ipv4.ip_forward": "1", "kernel.shmmax": "65536"}'
  command_is cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmax
  runc run -b "$BUNDLE" "$ID"
  stdout_is $'1\n65536'
  without network
  refused net.ipv4.ip_forward run -b "$BUNDLE" "$ID"
  no_container "$ID"
}

@test "namespaces: a sysctl of the whole host is refused" {
  config '.linux.sysctl = {"vm.swappiness": "5"}'
  refused vm.swappiness run -b "$BUNDLE" "$ID"
  no_container "$ID"
}
