load helpers

# holds V1-FILE VALUE V2-FILE VALUE: that file of the container's cgroup, found in
# whichever hierarchy has it, holds the value.
holds() {
  local file want=$2 name=$1
  [[ $LAYOUT != v2 ]] || name=$3 want=$4
  file=$(find /sys/fs/cgroup -path "*/$ID/$name" | head -n 1)
  [[ -n $file ]] || fail "no $name in the cgroups of $ID"
  [[ $(<"$file") == "$want" ]] || fail "$name holds $(<"$file"), not $want"
}

# start CONTROLLER... runs a container where the layout has the controllers.
start() {
  local name
  for name in "$@"; do
    has_controller "$name" || skip "no $name controller in cgroup layout $LAYOUT"
  done
  runc run -d -b "$BUNDLE" "$ID"
}

# kernel_has V1-FILE V2-FILE: a file that later kernels have only.
kernel_has() {
  [[ $LAYOUT != v2 ]] || shift
  [[ -n $(find /sys/fs/cgroup -path "*/$ID/$1") ]] || skip "this kernel has no $1"
}

@test "update --memory, --memory-reservation set limits in bytes" {
  start memory
  runc update --memory 64M --memory-reservation 32M "$ID"
  holds memory.limit_in_bytes 67108864 memory.max 67108864
  holds memory.soft_limit_in_bytes 33554432 memory.low 33554432
  runc update --memory=-1 "$ID"
}

@test "update --memory-swap is set, or refused where the kernel does not account for swap" {
  start memory
  runc update --memory 64M "$ID"
  call "$RUNC" --root "$ROOT" update --memory 64M --memory-swap 96M "$ID"
  if [[ -n $(find /sys/fs/cgroup -path "*/$ID/memory.memsw.limit_in_bytes" -o -path "*/$ID/memory.swap.max") ]]; then
    ((status == 0))
    # v1's limit is that of both together.
    holds memory.memsw.limit_in_bytes 100663296 memory.swap.max 33554432
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
  start pids
  runc update --pids-limit 20 "$ID"
  holds pids.max 20 pids.max 20
  runc update --pids-limit=-1 "$ID"
  holds pids.max max pids.max max
}

@test "update --cpu-share, --cpu-quota, --cpu-period set the scheduler's limits" {
  start cpu
  runc update --cpu-share 200 --cpu-period 100000 --cpu-quota 50000 "$ID"
  holds cpu.shares 200 cpu.weight 29
  holds cpu.cfs_period_us 100000 cpu.max "50000 100000"
  holds cpu.cfs_quota_us 50000 cpu.max "50000 100000"
  runc update --cpu-quota=-1 "$ID"
  holds cpu.cfs_quota_us -1 cpu.max "max 100000"
}

@test "update --cpu-burst, --cpu-idle reach the kernel's files" {
  start cpu
  kernel_has cpu.cfs_burst_us cpu.max.burst
  kernel_has cpu.idle cpu.idle
  runc update --cpu-period 100000 --cpu-quota 50000 "$ID"
  runc update --cpu-burst 10000 "$ID"
  holds cpu.cfs_burst_us 10000 cpu.max.burst 10000
  runc update --cpu-idle 1 "$ID"
  holds cpu.idle 1 cpu.idle 1
}

@test "update --cpu-rt-period, --cpu-rt-runtime are set, or refused by the kernel" {
  only_in_layouts hybrid v1
  start cpu
  call "$RUNC" --root "$ROOT" update --cpu-rt-period 1000000 --cpu-rt-runtime 1000 "$ID"
  if [[ -n $(find /sys/fs/cgroup -path "*/$ID/cpu.rt_period_us") && $status == 0 ]]; then
    holds cpu.rt_runtime_us 1000 "" ""
  else
    stderr_has cpu.rt_
  fi
}

@test "update --cpuset-cpus, --cpuset-mems pin the container" {
  start cpuset
  runc update --cpuset-cpus 0 --cpuset-mems 0 "$ID"
  holds cpuset.cpus 0 cpuset.cpus 0
  holds cpuset.mems 0 cpuset.mems 0
}

@test "update --blkio-weight is set, or refused where the kernel has no weights" {
  start
  call "$RUNC" --root "$ROOT" update --blkio-weight 500 "$ID"
  if [[ -n $(find /sys/fs/cgroup -path "*/$ID/blkio*weight" -o -path "*/$ID/io*.weight") ]]; then
    ((status == 0))
  else
    [[ $status == 0 || $stderr == *blkio* || $stderr == *io.weight* ]]
  fi
}

@test "update --resources (-r) reads JSON from a file or from standard input" {
  start pids memory
  echo '{ "pids": { "limit": 33 } }' >resources.json
  runc update --resources resources.json "$ID"
  holds pids.max 33 pids.max 33
  echo '{ "pids": { "limit": 44 }, "memory": { "limit": 67108864 } }' >resources.json
  STDIN=resources.json runc update -r - "$ID"
  holds pids.max 44 pids.max 44
  holds memory.limit_in_bytes 67108864 memory.max 67108864
}

@test "update --resources: a file that is missing or no JSON is refused" {
  runc run -d -b "$BUNDLE" "$ID"
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
