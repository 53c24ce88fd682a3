load helpers

# v1 FILE VALUE: the file of the container's cgroup, found in whichever v1
# hierarchy has it, holds the value.
v1() {
  local file
  file=$(find /sys/fs/cgroup -path "*/$ID/$1" | head -n 1)
  [[ -n $file ]] || fail "no $1 in the cgroups of $ID"
  [[ $(<"$file") == "$2" ]] || fail "$1 holds $(<"$file"), not $2"
}

start() {
  only_in_layouts hybrid v1
  runc run -d -b "$BUNDLE" "$ID"
}

@test "update --memory, --memory-reservation set limits in bytes" {
  start
  runc update --memory 64M --memory-reservation 32M "$ID"
  v1 memory.limit_in_bytes 67108864
  v1 memory.soft_limit_in_bytes 33554432
  runc update --memory=-1 "$ID"
}

@test "update --memory-swap is set, or refused where the kernel does not account for swap" {
  start
  runc update --memory 64M "$ID"
  call "$RUNC" --root "$ROOT" update --memory 64M --memory-swap 96M "$ID"
  if [[ -n $(find /sys/fs/cgroup -path "*/$ID/memory.memsw.limit_in_bytes") ]]; then
    ((status == 0))
    v1 memory.memsw.limit_in_bytes 100663296
  else
    [[ $status == 0 || -n $stderr ]]
  fi
}

@test "update --kernel-memory, --kernel-memory-tcp are ignored with a warning" {
  start
  runc update --kernel-memory 10M --kernel-memory-tcp 10M "$ID"
  [[ ${stderr,,} == *"kernel memory"* ]] || fail "no warning:" "$stderr"
}

@test "update --pids-limit sets the number of processes" {
  start
  runc update --pids-limit 20 "$ID"
  v1 pids.max 20
  runc update --pids-limit=-1 "$ID"
  v1 pids.max max
}

@test "update --cpu-share, --cpu-quota, --cpu-period set the scheduler's limits" {
  start
  runc update --cpu-share 200 --cpu-period 100000 --cpu-quota 50000 "$ID"
  v1 cpu.shares 200
  v1 cpu.cfs_period_us 100000
  v1 cpu.cfs_quota_us 50000
  runc update --cpu-quota=-1 "$ID"
  v1 cpu.cfs_quota_us -1
}

@test "update --cpu-burst, --cpu-idle reach the kernel's files" {
  start
  runc update --cpu-period 100000 --cpu-quota 50000 "$ID"
  runc update --cpu-burst 10000 "$ID"
  v1 cpu.cfs_burst_us 10000
  runc update --cpu-idle 1 "$ID"
  v1 cpu.idle 1
}

@test "update --cpu-rt-period, --cpu-rt-runtime are set, or refused by the kernel" {
  start
  call "$RUNC" --root "$ROOT" update --cpu-rt-period 1000000 --cpu-rt-runtime 1000 "$ID"
  if [[ -n $(find /sys/fs/cgroup -path "*/$ID/cpu.rt_period_us") && $status == 0 ]]; then
    v1 cpu.rt_runtime_us 1000
  else
    stderr_has cpu.rt_
  fi
}

@test "update --cpuset-cpus, --cpuset-mems pin the container" {
  start
  runc update --cpuset-cpus 0 --cpuset-mems 0 "$ID"
  v1 cpuset.cpus 0
  v1 cpuset.mems 0
}

@test "update --blkio-weight is set, or refused where the kernel has no weights" {
  start
  call "$RUNC" --root "$ROOT" update --blkio-weight 500 "$ID"
  if [[ -n $(find /sys/fs/cgroup -path "*/$ID/blkio*weight") ]]; then
    ((status == 0))
  else
    [[ $status == 0 || $stderr == *blkio* ]]
  fi
}

@test "update --resources (-r) reads JSON from a file or from standard input" {
  start
  echo '{ "pids": { "limit": 33 } }' >resources.json
  runc update --resources resources.json "$ID"
  v1 pids.max 33
  echo '{ "pids": { "limit": 44 }, "memory": { "limit": 67108864 } }' >resources.json
  STDIN=resources.json runc update -r - "$ID"
  v1 pids.max 44
  v1 memory.limit_in_bytes 67108864
}

@test "update --resources: a file that is missing or no JSON is refused" {
  start
  refused none.json update --resources "$DIR/none.json" "$ID"
  echo '{ "pids": ' >broken.json
  refused "" update --resources broken.json "$ID"
  one_line
}

@test "update --l3-cache-schema, --mem-bw-schema are refused without Intel RDT" {
  [[ ! -d /sys/fs/resctrl/info ]] || skip "this machine has Intel RDT"
  runc run -d -b "$BUNDLE" "$ID"
  refused "Intel RDT/CAT: l3 cache schema is not enabled" update --l3-cache-schema "L3:0=f" "$ID"
  refused "Intel RDT/MBA: memory bandwidth schema is not enabled" update --mem-bw-schema "MB:0=20" "$ID"
}

@test "update: values that are no numbers are refused by name" {
  runc run -d -b "$BUNDLE" "$ID"
  local flag
  for flag in memory memory-swap memory-reservation cpu-period cpu-quota cpu-burst cpu-share \
    cpu-rt-period cpu-rt-runtime cpu-idle; do
    refused "invalid value for $flag" update "--$flag" nonsense "$ID"
    one_line
  done
  refused "" update --pids-limit nonsense "$ID"
  refused "" update --blkio-weight nonsense "$ID"
}

@test "update: an unknown container and the wrong number of arguments are refused" {
  refused "container does not exist" update --pids-limit 5 "$ID"
  refused 'requires exactly 1 argument' update --pids-limit 5
  refused 'requires exactly 1 argument' update a b
}
