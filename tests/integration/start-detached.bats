load helpers

@test "run --detach: the container outlives its caller, whose child it no longer is" {
  shell_is 'while [ ! -e /tmp/go ]; do sleep 0.05; done; echo later; sleep 100'
  config '.root.readonly = false'
  runc run --detach -b "$BUNDLE" "$ID"
  local out=$OUT
  [[ ! -s $out ]]
  touch "$BUNDLE/rootfs/tmp/go"
  wait_for 10 file_has "$out" later
  status_is "$ID" running
  [[ $(awk '$1 == "PPid:" { print $2 }' "/proc/$(pid_of "$ID")/status") != "$BASHPID" ]]
}

@test "run --detach: user and groups of config.json are the process's" {
  config '.process.user = {uid: 1000, gid: 2000, additionalGids: [3000]}'
  runc run -d --pid-file pid -b "$BUNDLE" "$ID"
  local status
  status=$(<"/proc/$(<pid)/status")
  [[ $status =~ Uid:[[:space:]]1000[[:space:]]1000 ]]
  [[ $status =~ Gid:[[:space:]]2000[[:space:]]2000 ]]
  [[ $status =~ Groups:[[:space:]]3000 ]]
}

@test "run --detach: a command that ends leaves a stopped container, whatever its status" {
  shell_is 'exit 3'
  runc run -d -b "$BUNDLE" "$ID"
  wait_for 10 has_status "$ID" stopped
  runc delete "$ID"
  no_container "$ID"
}

@test "run --detach: a pid file that cannot be written leaves nothing" {
  refused "no such file" run -d --pid-file nowhere/pid -b "$BUNDLE" "$ID"
  no_container "$ID"
  no_cgroups "$ID"
}

@test "create and start: several containers run side by side" {
  local n
  for n in 1 2 3; do
    runc create -b "$BUNDLE" "$ID-$n"
  done
  for n in 1 2 3; do
    runc start "$ID-$n"
  done
  wait_for 10 living_are 3
  runc list -q
  stdout_is "$ID-1"$'\n'"$ID-2"$'\n'"$ID-3"
}
