load helpers

@test "--help (-h) lists the commands" {
  local flag command
  for flag in --help -h; do
    call "$RUNC" "$flag"
    ((status == 0))
    for command in checkpoint create delete events exec features kill list pause ps restore resume \
      run spec start state update; do
      grep -qE "^ +$command( |,|$)" <<<"$stdout" || fail "no $command in the help:" "$stdout"
    done
  done
}

@test "every command has --help, also where no container exists" {
  local command
  for command in checkpoint create delete events exec features kill list pause ps restore resume \
    run spec start state update; do
    call "$RUNC" "$command" --help
    ((status == 0)) || fail "$command --help exits with $status"
    stdout_has "$command"
  done
}

@test "--version (-v) prints name, specification, go and libseccomp" {
  local flag
  for flag in --version -v; do
    call "$RUNC" "$flag"
    ((status == 0))
    [[ $(head -n 1 <<<"$stdout") =~ ^runc\ version\ 1\.5\.2 ]]
    grep -q '^spec: 1\.' <<<"$stdout"
    grep -q '^go: go1\.' <<<"$stdout"
    grep -q '^libseccomp: ' <<<"$stdout"
  done
}

@test "--root: the file system's root is refused however it is spelled" {
  local root
  for root in / // /. /../.. ''; do
    call "$RUNC" --root "$root" list
    if [[ -z $root ]]; then
      # An empty root means the current directory.
      [[ $status == 0 ]] || stderr_has root
      continue
    fi
    ((status == 1))
    stderr_has "Option --root argument should not be set to /"
  done
}

@test "--root: a relative path counts from the current directory" {
  call "$RUNC" --root here run -d -b "$BUNDLE" "$ID"
  ((status == 0))
  [[ -s $DIR/here/$ID/state.json ]]
  call "$RUNC" --root here delete --force "$ID"
  ((status == 0))
}

@test "--root defaults to /run/runc for root; XDG_RUNTIME_DIR does not count" {
  XDG_RUNTIME_DIR=$DIR/xdg call "$RUNC" --help
  stdout_has /run/runc
  XDG_RUNTIME_DIR=$DIR/xdg call "$RUNC" list -q
  [[ ! -e $DIR/xdg ]]
}

@test "--log takes the errors, standard error has them as well" {
  RUNC_FLAGS=(--log "$DIR/log")
  refused "container does not exist" state "$ID"
  file_has log 'level=error msg="container does not exist"'
  refused "container does not exist" state "$ID-2"
  (($(grep -c "does not exist" log) == 2))
}

@test "--log-format json writes what engines parse" {
  RUNC_FLAGS=(--log "$DIR/log" --log-format json)
  refused "container does not exist" state "$ID"
  jq -es 'length == 1 and (.[0] | .level == "error" and .msg == "container does not exist"
    and (.time | test("^[0-9]{4}-")))' log
}

@test "--log-format text is the default, others are refused" {
  RUNC_FLAGS=(--log-format text)
  refused 'level=error msg="container does not exist"' state "$ID"
  RUNC_FLAGS=(--log-format xml)
  refused xml list
}

@test "--log: a file that cannot be written is refused" {
  RUNC_FLAGS=(--log "$DIR/nowhere/log")
  refused nowhere list
}

@test "--debug logs what is done" {
  RUNC_FLAGS=(--debug --log "$DIR/log" --log-format json)
  command_is true
  runc run -b "$BUNDLE" "$ID"
  jq -es 'map(.level) | index("debug") != null' log
}

@test "--rootless takes true, false and auto" {
  local value
  command_is true
  for value in true false auto; do
    RUNC_FLAGS=(--rootless "$value")
    runc run -b "$BUNDLE" "$ID-$value"
  done
  RUNC_FLAGS=(--rootless=maybe)
  refused "" run -b "$BUNDLE" "$ID"
  one_line
  no_cgroups "$ID"
}

@test "--systemd-cgroup wants systemd, or slice:prefix:name" {
  RUNC_FLAGS=(--systemd-cgroup)
  refused "" run -d -b "$BUNDLE" "$ID"
  [[ $stderr == *systemd* || $stderr == *cgroupsPath* ]]
  RUNC_FLAGS=()
  no_container "$ID"
  no_cgroups "$ID"
}

@test "an unknown flag is refused, before and after the command" {
  call "$RUNC" --no-such-flag list
  ((status == 1))
  stderr_has no-such-flag
  refused no-such-flag list --no-such-flag
  refused no-such-flag kill --no-such-flag "$ID"
  refused no-such-flag run --no-such-flag "$ID"
}

@test "an unknown command is refused" {
  own_behaviour
  refused nonsense nonsense
  one_line
}

# The table of docs/compatibility.md and the program's own help name the same
# flags; those that the help hides are upstream's obsolete ones.
@test "the help and the table of the documentation name the same flags" {
  own_behaviour
  local table=$BATS_TEST_DIRNAME/../../docs/compatibility.md command
  diff <(flags_in_table "$table" | sort -u) <(
    for command in "" checkpoint create delete events exec features kill list pause ps restore \
      resume run spec start state update; do
      # shellcheck disable=SC2086 # nothing, for the global flags
      "$RUNC" $command --help | flags_in_help "${command:-(global)}"
    done | sort -u
  )
}

flags_in_table() {
  awk -F ' *[|] *' '$3 ~ /^`-/ {
    gsub(/`/, "", $2); split($3, flag, "`")
    if (flag[2] !~ /^--(all|kernel-memory|kernel-memory-tcp)$/) print $2, flag[2]
  }' "$1"
}

# Every command has --help, so it counts as a global flag.
flags_in_help() {
  awk -v command="$1" '/OPTIONS:/ { on = 1 } on && /^ +-/ {
    sub(/,$/, "", $1)
    if ($1 != "--help" || command == "(global)") print command, $1
  }'
}
