load helpers

running() { runc run -d -b "$BUNDLE" "$ID"; }

@test "exec: output and exit status of the command come back" {
  running
  runc_exits 9 exec "$ID" sh -c 'echo out; echo err >&2; exit 9'
  stdout_is out
  stderr_has err
}

@test "exec: flags after the id belong to the command" {
  running
  runc exec "$ID" echo -d --tty -u 5
  stdout_is "-d --tty -u 5"
}

@test "exec: standard input reaches the command" {
  running
  echo inside >"$DIR/in"
  STDIN=$DIR/in runc exec "$ID" cat
  stdout_is inside
}

@test "exec --detach (-d) --pid-file leaves the process running" {
  running
  runc exec --detach --pid-file "$DIR/pid" "$ID" sleep 50
  local process
  process=$(identity "$(<"$DIR/pid")")
  same_process_lives "$process"
  runc exec -d "$ID" sleep 50
  wait_for 10 living_are 3
}

@test "exec --cwd sets the working directory" {
  running
  runc exec --cwd /tmp "$ID" pwd
  stdout_is /tmp
}

@test "exec --env (-e) sets variables, commas and all" {
  running
  runc exec --env A=1,2 --env B=3 "$ID" sh -c 'echo "$A $B"'
  stdout_is "1,2 3"
  runc exec -e A=5 "$ID" sh -c 'echo $A'
  stdout_is 5
}

@test "exec --user (-u) sets user and group" {
  running
  runc exec --user 1000:2000 "$ID" sh -c 'echo $(id -u) $(id -g)'
  stdout_is "1000 2000"
  runc exec -u 5 "$ID" id -u
  stdout_is 5
}

@test "exec --additional-gids (-g) adds groups" {
  running
  runc exec --additional-gids 77 --additional-gids 88 "$ID" id -G
  stdout_has 77
  stdout_has 88
  runc exec -g 99 "$ID" id -G
  stdout_has 99
}

@test "exec: users and groups that are no numbers are refused" {
  running
  runc_exits 255 exec --user root "$ID" true
  stderr_has "bad uid"
  runc_exits 255 exec --user 0:wheel "$ID" true
  stderr_has "bad gid"
  runc_exits 255 exec --additional-gids=-1 "$ID" true
  stderr_has "additional-gids must be a positive number"
}

@test "exec --process (-p) takes the process from a file" {
  running
  jq '.process | .args = ["sh", "-c", "echo $HELLO; pwd"] | .cwd = "/tmp" | .env += ["HELLO=hi"]' \
    "$BUNDLE/config.json" >process.json
  runc exec --process process.json "$ID"
  stdout_is $'hi\n/tmp'
  runc exec -p "$DIR/process.json" "$ID"
  stdout_is $'hi\n/tmp'
}

@test "exec --process: a file that is missing or no JSON is refused" {
  running
  runc_exits 255 exec --process "$DIR/none.json" "$ID"
  stderr_has none.json
  echo '{' >broken.json
  runc_exits 255 exec --process broken.json "$ID"
  one_line
}

# child_opens_fifo PID: a thread of the process that this one has started waits for
# somebody who opens a FIFO's other end.
child_opens_fifo() { cat "/proc/$(child_of "$1")"/task/*/wchan 2>/dev/null | grep -qE 'wait_for_partner|fifo_open'; }

@test "exec --process: one that still reads its process is in no kill's way" {
  runc_waits
  running
  mkfifo process.fifo
  in_background exec "$RUNC" --root "$ROOT" exec -p "$DIR/process.fifo" "$ID"
  local waiter=${HELPERS[0]}
  wait_for 10 child_opens_fifo "$waiter"
  runc kill --wait "$ID" KILL
  nothing_alive
  ! ended "$waiter" || fail "it did not wait"
  jq .process "$BUNDLE/config.json" >process.fifo
  local ended=0
  wait "$waiter" || ended=$?
  ((ended == 255)) || fail "it ended with status $ended"
  file_has "$DIR/exec.err" "cannot exec in a stopped container" || fail "it said:" "$(<"$DIR/exec.err")"
}

@test "exec: where the exec fence can't be entered it is refused" {
  own_behaviour
  running
  rm -f "$ROOT/.exec-fence@"
  mkdir "$ROOT/.exec-fence@"
  runc_exits 255 exec -d "$ID" sleep 50
  stderr_has "exec fence"
  one_line
  living_are 1
  rmdir "$ROOT/.exec-fence@"
  runc exec "$ID" true
}

@test "exec --cap (-c) adds capabilities" {
  running
  # CAP_SYS_PTRACE is bit 19 and CAP_SYS_NICE bit 23; neither is in the default set.
  runc exec --cap CAP_SYS_PTRACE --cap CAP_SYS_NICE "$ID" grep CapEff /proc/self/status
  local caps=$((16#${stdout##*[[:space:]]}))
  ((caps & 1 << 19 && caps & 1 << 23))
  runc exec -c CAP_SYS_NICE "$ID" grep CapEff /proc/self/status
  caps=$((16#${stdout##*[[:space:]]}))
  ((!(caps & 1 << 19) && caps & 1 << 23))
}

@test "exec --no-new-privs sets the bit" {
  config '.process.noNewPrivileges = false'
  running
  runc exec "$ID" grep NoNewPrivs /proc/self/status
  stdout_has 0
  runc exec --no-new-privs "$ID" grep NoNewPrivs /proc/self/status
  stdout_has 1
}

@test "exec --apparmor, --process-label: refused where the kernel has no such module" {
  running
  [[ -d /sys/kernel/security/apparmor ]] || {
    runc_exits 255 exec --apparmor profile "$ID" true
    stderr_has pparmor
  }
  [[ -d /sys/fs/selinux ]] || {
    # Without SELinux a label has nothing to act on.
    call "$RUNC" --root "$ROOT" exec --process-label system_u:system_r:x_t:s0 "$ID" true
    [[ $status == 0 || $stderr == *elinux* ]]
  }
}

@test "exec --cgroup runs the process in an existing sub-cgroup" {
  running
  local pid dir args=()
  pid=$(pid_of "$ID")
  while read -r dir; do
    mkdir "$dir/sub"
  done < <(cgroups_of "$ID")
  if [[ $LAYOUT == v2 ]]; then
    args=(--cgroup sub)
  else
    args=(--cgroup "freezer,pids:sub" --cgroup devices:sub)
  fi
  runc exec "${args[@]}" "$ID" cat /proc/self/cgroup
  stdout_has /sub
}

@test "exec --cgroup: one that does not exist, or is malformed, is refused" {
  local nowhere=pids:nowhere
  # On v2 there are no controllers to name.
  [[ $LAYOUT != v2 ]] || nowhere=nowhere
  running
  runc_exits 255 exec --cgroup "$nowhere" "$ID" true
  runc_exits 255 exec --cgroup :x "$ID" true
  stderr_has "empty <controller> prefix"
  runc_exits 255 exec --cgroup pids:a --cgroup pids:b "$ID" true
  stderr_has "specified multiple times"
  runc_exits 255 exec --cgroup pids:a --cgroup b "$ID" true
  stderr_has "missing <controller>: prefix"
}

@test "exec --ignore-paused starts in a paused container, which is else refused" {
  running
  runc pause "$ID"
  runc_exits 255 exec "$ID" true
  stderr_has "cannot exec in a paused container (use --ignore-paused to override)"
  in_background exec "$RUNC" --root "$ROOT" exec --ignore-paused "$ID" echo thawed
  wait_for 10 living_are 2
  runc resume "$ID"
  wait_for 10 file_has "$DIR/exec.out" thawed
}

@test "exec --ignore-paused in a running container" {
  running
  runc exec --ignore-paused "$ID" echo fine
  stdout_is fine
}

@test "exec: a stopped container is refused" {
  command_is true
  running
  wait_for 10 has_status "$ID" stopped
  runc_exits 255 exec "$ID" true
  stderr_has "cannot exec in a stopped container"
}

@test "exec: an unknown container is refused" {
  runc_exits 255 exec "$ID" true
  stderr_has "container does not exist"
}

@test "exec: a command that does not exist exits 255" {
  running
  runc_exits 255 exec "$ID" no-such-command
  stderr_has no-such-command
}

@test "exec: no command is refused" {
  running
  runc_exits 255 exec "$ID"
  stderr_has "exec args cannot be empty"
}

@test "exec: no id is refused" {
  refused 'requires a minimum of 1 argument' exec
}

@test "exec: a created container can be exec'd into" {
  runc create -b "$BUNDLE" "$ID"
  runc exec "$ID" echo early
  stdout_is early
}
