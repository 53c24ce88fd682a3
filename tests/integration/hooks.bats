load helpers

# hook KIND SCRIPT [EXTRA-JSON] adds a shell script as a hook of that kind. All
# are run outside of the container's root, but startContainer's.
hook() {
  local shell=/bin/sh
  [[ $1 == startContainer ]] || shell=$(command -v bash)
  config --arg kind "$1" --arg shell "$shell" --arg script "$2" --argjson extra "${3:-{\}}" '
    .hooks[$kind] += [{path: $shell, args: ["sh", "-c", $script], env: ["PATH=/usr/bin:/bin"]} + $extra]'
}

# log_of KIND: a script that notes the kind, and the status that the hook is told.
log_of() {
  local log=$BUNDLE/rootfs/log
  [[ $1 != startContainer ]] || log=/log
  echo "read -r state; s=\${state#*'\"status\":\"'}; echo $1 \${s%%'\"'*} >>$log"
}

ALL_KINDS=(prestart createRuntime createContainer startContainer poststart poststop)

all_kinds_log() {
  local kind
  config '.root.readonly = false'
  for kind in "${ALL_KINDS[@]}"; do
    hook "$kind" "$(log_of "$kind")"
  done
}

log_is() { diff <(printf '%s\n' "$@") "$BUNDLE/rootfs/log"; }

# poststart runs when init has been made, which is before start: upstream's
# library does so, and its callers have come to know it.
@test "hooks: all six kinds run in order, each at its time" {
  all_kinds_log
  shell_is 'echo command >>/log; sleep 100'
  runc create -b "$BUNDLE" "$ID"
  log_is "prestart creating" "createRuntime creating" "createContainer creating" "poststart created"
  rm "$BUNDLE/rootfs/log"
  runc start "$ID"
  wait_for 10 file_has "$BUNDLE/rootfs/log" command
  log_is "startContainer created" command
  rm "$BUNDLE/rootfs/log"
  runc delete --force "$ID"
  log_is "poststop stopped"
}

@test "hooks: run calls all six, the last when the command is over" {
  all_kinds_log
  command_is true
  runc run -b "$BUNDLE" "$ID"
  log_is "prestart creating" "createRuntime creating" "createContainer creating" "poststart created" \
    "startContainer created" "poststop stopped"
}

@test "hooks: several of a kind run in the order of config.json" {
  local n
  for n in 1 2 3; do
    hook createRuntime "echo $n >>'$DIR/order'"
  done
  runc create -b "$BUNDLE" "$ID"
  [[ $(tr '\n' ' ' <order) == "1 2 3 " ]]
}

@test "hooks: the state on standard input names the container" {
  config '.annotations["hello"] = "world"'
  hook createRuntime "cat >'$DIR/state.json'"
  runc create --pid-file pid -b "$BUNDLE" "$ID"
  jq -e --arg id "$ID" --arg bundle "$BUNDLE" --argjson pid "$(<pid)" '.id == $id and .bundle == $bundle
    and .pid == $pid and .annotations.hello == "world" and (.ociVersion | startswith("1."))' state.json
}

@test "hooks: the environment is the one given, and nothing of the caller's" {
  hook createRuntime "env >'$DIR/env'" '{"env": ["ONLY=this"]}'
  export SECRET_OF_THE_CALLER=1
  runc create -b "$BUNDLE" "$ID"
  grep -qx ONLY=this env
  ! grep -q SECRET env || fail "the caller's environment is there"
}

@test "hooks: one that fails before the start leaves no container" {
  local kind
  for kind in prestart createRuntime createContainer; do
    new_bundle "$DIR/$kind"
    BUNDLE=$DIR/$kind
    hook "$kind" 'echo the reason >&2; exit 5'
    refused "error running $kind hook #0" run -d -b "$BUNDLE" "$ID-$kind"
    stderr_has "the reason"
    no_container "$ID-$kind"
    no_cgroups "$ID-$kind"
  done
  wait_for 10 none_living
}

@test "hooks: a startContainer hook that fails keeps the command from running" {
  hook startContainer 'echo the reason >&2; exit 5'
  command_is echo ran
  # The status of the init that could not become the command.
  runc_exits 255 run -b "$BUNDLE" "$ID"
  stderr_has "error running startContainer hook #0"
  stdout_is ""
  stderr_has "the reason"
  no_container "$ID"
}

@test "hooks: a poststart hook that fails ends the container" {
  hook poststart 'exit 5'
  refused "error running poststart hook #0" run -d -b "$BUNDLE" "$ID"
  wait_for 10 none_living
}

@test "hooks: a poststop hook that fails is told of, and does not keep the container" {
  hook poststop 'exit 5'
  runc run -d -b "$BUNDLE" "$ID"
  refused "error running poststop hook #0" delete --force "$ID"
  no_container "$ID"
}

@test "hooks: one that takes longer than its timeout is ended" {
  hook createRuntime 'exec sleep 20' '{"timeout": 1}'
  CALL_TIMEOUT=10
  refused "hook ran past specified timeout of 1" create -b "$BUNDLE" "$ID"
  no_container "$ID"
}

@test "hooks: a program that does not exist is named" {
  config '.hooks.createRuntime = [{path: "/no/such/program"}]'
  refused /no/such/program create -b "$BUNDLE" "$ID"
  no_container "$ID"
}

@test "hooks: a relative path is refused" {
  config '.hooks.createRuntime = [{path: "bin/true"}]'
  refused "" create -b "$BUNDLE" "$ID"
  no_container "$ID"
}

@test "hooks: delete --wait runs poststop when nothing of the container lives" {
  runc_waits
  host_pidns
  hook poststop "'$BIN/alive' -cgroup '$ID' >'$DIR/alive'; true"
  start_six "$ID"
  runc delete --force --wait "$ID"
  [[ -e alive && ! -s alive ]] || fail "alive at the time of the hook:" "$(<alive)"
}
