load helpers

# filter DEFAULT-ACTION RULES-JSON [EXTRA-JSON]
filter() {
  config --arg action "$1" --argjson rules "$2" --argjson extra "${3:-{\}}" '
    .linux.seccomp = {defaultAction: $action, syscalls: $rules} + $extra'
}

MKDIR='["mkdir", "mkdirat"]'

@test "seccomp: a call that is allowed works under a filter" {
  filter SCMP_ACT_ALLOW '[]'
  shell_is 'mkdir /dev/shm/x && echo made; grep Seccomp: /proc/self/status'
  runc run -b "$BUNDLE" "$ID"
  stdout_is $'made\nSeccomp:\t2'
}

@test "seccomp: errno makes a call fail, with EPERM or the number given" {
  filter SCMP_ACT_ALLOW "[{\"names\": $MKDIR, \"action\": \"SCMP_ACT_ERRNO\"}]"
  command_is mkdir /dev/shm/x
  runc_exits 1 run -b "$BUNDLE" "$ID"
  stderr_has "Operation not permitted"
  filter SCMP_ACT_ALLOW "[{\"names\": $MKDIR, \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 28}]"
  runc_exits 1 run -b "$BUNDLE" "$ID"
  stderr_has "No space left on device"
}

@test "seccomp: a rule for an argument holds for that value alone" {
  # kill of signal 10 only, the second argument.
  filter SCMP_ACT_ALLOW '[{"names": ["kill"], "action": "SCMP_ACT_ERRNO",
    "args": [{"index": 1, "value": 10, "op": "SCMP_CMP_EQ"}]}]'
  shell_is 'trap "" USR1 USR2; kill -USR1 $$ 2>&1; kill -USR2 $$ && echo USR2'
  runc run -b "$BUNDLE" "$ID"
  stdout_has "not permitted"
  stdout_has USR2
}

@test "seccomp: exec is under the filter as well" {
  filter SCMP_ACT_ALLOW "[{\"names\": $MKDIR, \"action\": \"SCMP_ACT_ERRNO\"}]"
  runc run -d -b "$BUNDLE" "$ID"
  runc_exits 1 exec "$ID" mkdir /dev/shm/x
  stderr_has "Operation not permitted"
}

@test "seccomp: kill ends the process" {
  filter SCMP_ACT_ALLOW "[{\"names\": $MKDIR, \"action\": \"SCMP_ACT_KILL_PROCESS\"}]"
  shell_is 'mkdir /dev/shm/x; echo "status $?"'
  runc run -b "$BUNDLE" "$ID"
  # SIGSYS is 31.
  stdout_has "status 159"
}

@test "seccomp: without no_new_privs the filter is there, too" {
  config '.process.noNewPrivileges = false'
  filter SCMP_ACT_ALLOW "[{\"names\": $MKDIR, \"action\": \"SCMP_ACT_ERRNO\"}]"
  command_is mkdir /dev/shm/x
  runc_exits 1 run -b "$BUNDLE" "$ID"
  stderr_has "Operation not permitted"
}

@test "seccomp: an action or an operator that does not exist is refused" {
  filter SCMP_ACT_SHRUG '[]'
  refused SCMP_ACT_SHRUG run -b "$BUNDLE" "$ID"
  filter SCMP_ACT_ALLOW '[{"names": ["kill"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 1, "value": 1, "op": "SCMP_CMP_SORT_OF"}]}]'
  refused SCMP_CMP_SORT_OF run -b "$BUNDLE" "$ID"
  no_container "$ID"
}

# notified starts the agent: it prints the state that comes with the descriptor,
# then each call that it is asked about, which it answers with EXDEV.
notified() {
  in_background agent "$BIN/recvfd" seccomp "$DIR/agent"
  wait_for 5 test -S "$DIR/agent"
  filter SCMP_ACT_ALLOW "[{\"names\": $MKDIR, \"action\": \"SCMP_ACT_NOTIFY\"}]" \
    "$(jq -nc --arg path "$DIR/agent" '{listenerPath: $path, listenerMetadata: "for the agent"}')"
}

@test "seccomp: notify asks the agent, whose answer is the call's" {
  notified
  command_is mkdir /dev/shm/x
  runc_exits 1 run -b "$BUNDLE" "$ID"
  # "Cross-device link", which mkdir has no other way to come to.
  stderr_has ross-device
  wait_for 10 ended "${HELPERS[0]}"
  head -n 1 agent.out | jq -e --arg id "$ID" '.fds == ["seccompFd"] and .metadata == "for the agent"
    and .state.id == $id and .pid > 0'
  file_has agent.out '^asked '
}

@test "seccomp: notify for exec names the container's state and the process" {
  notified
  runc run -d -b "$BUNDLE" "$ID"
  wait_for 10 file_has agent.out '"metadata"'
  in_background second "$BIN/recvfd" seccomp "$DIR/agent"
  wait_for 5 test -S "$DIR/agent"
  runc_exits 1 exec "$ID" mkdir /dev/shm/x
  stderr_has ross-device
  wait_for 10 ended "${HELPERS[1]}"
  head -n 1 second.out | jq -e --arg id "$ID" --argjson pid "$(pid_of "$ID")" '.state.id == $id
    and .state.pid == $pid and .pid != $pid'
}

@test "seccomp: notify without an agent's socket, or with nobody behind it, is refused" {
  filter SCMP_ACT_ALLOW "[{\"names\": $MKDIR, \"action\": \"SCMP_ACT_NOTIFY\"}]"
  refused "" run -b "$BUNDLE" "$ID"
  filter SCMP_ACT_ALLOW "[{\"names\": $MKDIR, \"action\": \"SCMP_ACT_NOTIFY\"}]" "{\"listenerPath\": \"$DIR/nobody\"}"
  refused "$DIR/nobody" run -b "$BUNDLE" "$ID"
  no_container "$ID"
  nothing_alive
}

@test "seccomp: notify for write is refused, runc needs it itself" {
  filter SCMP_ACT_ALLOW '[{"names": ["write"], "action": "SCMP_ACT_NOTIFY"}]' "{\"listenerPath\": \"$DIR/agent\"}"
  refused "" run -b "$BUNDLE" "$ID"
  no_container "$ID"
}
