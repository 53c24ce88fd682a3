# What every test file loads. A test calls the runtime by
#
#   runc ARGS...             it must succeed
#   runc_exits N ARGS...     it must exit with status N
#   refused TEXT ARGS...     it must fail, with TEXT in its error if it is a runc
#
# each of which leaves $status, $stdout and $stderr behind. The runtime keeps
# its state below the test's own temporary directory, in $ROOT; $BUNDLE is a
# bundle of the test's own and $ID a container name of its own.
#
# Whatever a test does, teardown deletes its containers with the runtime under
# test, and then looks for itself: a process or a cgroup of theirs that is still
# there fails the test.

bats_require_minimum_version 1.8.0

# The environment entry by which all processes of a test's containers are known.
mark_of_test() { echo "RUNC_TEST=$PREFIX"; }

setup() {
  PREFIX=rt-${SUITE-$$}-$BATS_TEST_NUMBER # process IDs repeat in PID namespaces
  ID=$PREFIX-ct
  DIR=$BATS_TEST_TMPDIR
  ROOT=$DIR/state
  BUNDLE=$DIR/bundle
  RUNC_FLAGS=()
  [[ ${DRIVER-} != systemd ]] || RUNC_FLAGS=(--systemd-cgroup)
  CALLS=0
  HELPERS=()
  LENDER=
  new_bundle "$BUNDLE"
  cd "$DIR" || return 1
  [[ -z ${LEAN-} ]] || lean
}

# Bats notes where it is before each command, which is a quarter of a test's CPU
# time. With LEAN=1 it does not: it then names setup for the place of any failure,
# and the place itself is in the output.
lean() {
  trap - DEBUG
  trap 'echo "failed at ${BASH_SOURCE[0]##*/}:$LINENO: $BASH_COMMAND" >&2; bats_error_trap' ERR
}

teardown() {
  local id pid report=()
  for pid in "${HELPERS[@]}"; do
    kill -KILL "$pid" 2>/dev/null || true
  done
  thaw_all
  for id in "$ROOT"/*/; do
    [[ -d $id ]] || continue
    id=$(basename "$id")
    timeout 30 "$RUNC" --root "$ROOT" delete --force "$id" 3>&- >/dev/null 2>"$DIR/delete.err" ||
      report+=("delete --force $id: $(<"$DIR/delete.err")")
  done
  # delete --force alone promises no more than that the end is near.
  poll 3 nothing_left || {
    report+=("still alive (pid, start, state, name):" "$(living)" "cgroups left:" "$(cgroups_like "$(cgroup_name "$PREFIX-*")")")
    clean_up_by_force
  }
  umount_all
  ((${#report[@]} == 0)) || fail "left behind by this test" "${report[@]}"
}

# What a test has mounted below its directory, which is in the way of removing it.
umount_all() {
  local at
  while read -r _ at _; do
    [[ $at != "$DIR"/* ]] || umount -l "$at" 2>/dev/null || true
  done </proc/self/mounts
}

# Scratch cgroups are the test's own doing, so they are removed without a word.
nothing_left() {
  local dir own
  own=$(cgroup_name "$PREFIX-*")
  none_living || return 1
  while read -r dir; do
    # shellcheck disable=SC2053 # a pattern
    [[ ${dir##*/} != $own ]] || return 1
    rmdir "$dir" 2>/dev/null || true
  done < <(cgroups_like "*$PREFIX*" | sort -r)
}

# clean_up_by_force takes no runtime's help.
clean_up_by_force() {
  local pid dir
  while read -r pid _; do
    kill -KILL "$pid" 2>/dev/null || true
  done < <(living)
  poll 2 none_living || true
  while read -r dir; do
    rmdir "$dir" 2>/dev/null || true
  done < <(cgroups_like "*$PREFIX*" | sort -r)
}

thaw_all() {
  local dir
  while read -r dir; do
    [[ ! -f $dir/freezer.state ]] || echo THAWED >"$dir/freezer.state" || true
    [[ ! -f $dir/cgroup.freeze ]] || echo 0 >"$dir/cgroup.freeze" || true
  done < <(cgroups_like "*$PREFIX*")
}

# --- calling the runtime

# call runs a command with its output in files: a container that lives on keeps
# them open, and nobody waits for it to close them. A pause is tried again if
# libcontainer gave it up: it reads a cgroup v1 freezer a thousand times, and on a
# busy machine the processes may not have been scheduled by then.
call() {
  local tries
  for ((tries = 1; tries <= 20; tries++)); do
    call_once "$@"
    [[ " $* " == *" pause "* && $stderr == *"unable to freeze"* ]] || break
  done
}

call_once() {
  CALLS=$((CALLS + 1))
  OUT=$DIR/call.$CALLS.out
  status=0
  timeout -k 5 "${CALL_TIMEOUT:-60}" "$@" <"${STDIN:-/dev/null}" \
    >"$OUT" 2>"$DIR/call.$CALLS.err" 3>&- || status=$?
  # Bash leaves out the null bytes of a terminal's or a log's output, and says so.
  { stdout=$(<"$OUT") && stderr=$(<"$DIR/call.$CALLS.err"); } 2>/dev/null
}

runc_exits() {
  local want=$1
  shift
  call "$RUNC" --root "$ROOT" "${RUNC_FLAGS[@]}" "$@"
  ((status == want)) || fail "runc $* exited with $status, not $want" "$stdout" "$stderr"
}

runc() {
  local since=${EPOCHREALTIME/[.,]/}
  if [[ -n ${POLLING-} && " $* " == *" --wait "* ]]; then
    polled "$@"
  else
    runc_exits 0 "$@"
  fi
  [[ -z ${TIMES-} || " $* " != *" --wait "* ]] ||
    printf '%s\t%d\n' "$BATS_TEST_DESCRIPTION" $((${EPOCHREALTIME/[.,]/} - since)) >>"$TIMES"
}

# polled ARGS... is what a suite has to do whose runtime has no --wait, and what
# runc's own does: ask every 0.2 s, ten times, whether kill -0 still finds one of
# the processes. script/compare-polling compares that with --wait.
polled() {
  local pids=() line turn arg args=()
  while read -r line _; do
    # A process of another container, which is to live on, is not asked.
    [[ $line == "${LENDER%%:*}" ]] || pids+=("$line")
  done < <(living)
  for arg in "$@"; do
    [[ $arg == --wait ]] || args+=("$arg")
  done
  runc_exits 0 "${args[@]}"
  for ((turn = 1; ; turn++)); do
    any_answers "${pids[@]}" || return 0
    ((turn < 10)) || fail "after ten times 0.2 s one of these still answers: ${pids[*]}"
    sleep 0.2
  done
}

any_answers() {
  local pid
  for pid in "$@"; do
    ! kill -0 "$pid" 2>/dev/null || return 0
  done
  return 1
}

refused() {
  local text=$1
  shift
  call "$RUNC" --root "$ROOT" "${RUNC_FLAGS[@]}" "$@"
  ((status != 0)) || fail "runc $* was not refused" "$stdout" "$stderr"
  ((status < 124)) || fail "runc $* ended with status $status" "$stderr"
  [[ -z $RUNC_VERSION ]] || stderr_has "$text"
}

# in_background NAME CMD... starts a helper whose output goes to $DIR/NAME.out;
# it is ended with the test.
in_background() {
  local name=$1
  shift
  timeout -k 1 60 "$@" </dev/null >"$DIR/$name.out" 2>"$DIR/$name.err" 3>&- &
  HELPERS+=("$!")
}

# runc_waits skips the test where the runtime has no --wait.
runc_waits() {
  [[ -n $HAS_WAIT ]] || skip "this runtime has no --wait"
}

# own_behaviour skips a test of what upstream's runtime is known to do otherwise;
# with EVERYTHING=1 it lets the test fail.
own_behaviour() {
  [[ -n ${EVERYTHING-} ]] || [[ $RUNC_VERSION == *+sync* ]] || skip "known to be otherwise with upstream's runtime"
}

only_in_layouts() {
  [[ " $* " == *" $LAYOUT "* ]] || skip "not in cgroup layout $LAYOUT"
}

# has_controller NAME: the layout has it; a v2 view of a host with v1 has none of
# those that v1 has.
has_controller() {
  if [[ $LAYOUT == v2 ]]; then
    [[ " $(</sys/fs/cgroup/cgroup.controllers) " == *" $1 "* ]]
  else
    grep -qE "^cgroup [^ ]+ cgroup ([^ ]*,)?$1(,| )" /proc/self/mounts
  fi
}

# --- bundles

# new_bundle DIR: a root file system of hard links, for which reason a test adds
# files to it but changes none.
new_bundle() {
  local text
  cp -al "$BASE_BUNDLE" "$1"
  text=$(<"$BASE_BUNDLE/config.json")
  rm "$1/config.json"
  echo "${text/MARK_OF_TEST/$(mark_of_test)}" >"$1/config.json"
}

# config [--bundle DIR] JQ-ARGS... edits config.json.
config() {
  local bundle=$BUNDLE
  if [[ $1 == --bundle ]]; then
    bundle=$2
    shift 2
  fi
  # Not as an argument: after --args jq takes it for one of those.
  jq -c "$@" <"$bundle/config.json" >"$bundle/config.json.new" &&
    mv "$bundle/config.json.new" "$bundle/config.json"
}

# command ARGS... is what the container's init runs.
command_is() { config '.process.args = $ARGS.positional' --args -- "$@"; }

shell_is() { command_is sh -c "$1"; }

# may CAPABILITY...: processes of the container have these as well.
may() {
  config '.process.capabilities |= map_values(. + $ARGS.positional | unique)' --args -- "$@"
}

# exchange OLD NEW: one text of config.json for another, at less cost than jq.
exchange() {
  local text
  text=$(<"$BUNDLE/config.json")
  [[ $text == *"$1"* ]] || fail "config.json has no $1"
  echo "${text/"$1"/$2}" >"$BUNDLE/config.json"
}

host_pidns() { exchange '{"type":"pid"},' ''; }

# start_six ID [RUN-FLAGS...] starts six processes, of all kinds (setup_suite has
# the script), and returns when all are there.
start_six() {
  six_processes
  runc run -d -b "$BUNDLE" "${@:2}" "$1"
  wait_for 10 living_are 6
}

six_processes() { exchange '"args":["sleep","100"]' '"args":["six"]'; }

# --- the observer: it reads /proc and /sys/fs/cgroup, and asks no runtime

living() { "$BIN/alive" -env "$(mark_of_test)" -cgroup "$(cgroup_name "$PREFIX-*")" || (($? == 1)); }

living_are() { (($(living | wc -l) == $1)); }

none_living() { [[ -z $(living) ]]; }

# identity PID tells a process from a later one with the same pid.
identity() {
  local stat
  stat=$(<"/proc/$1/stat") || return 1
  stat=${stat##*) }
  # shellcheck disable=SC2086 # split into fields
  set -- "$1" $stat
  [[ $2 != [ZX] ]] && echo "$1:${21}"
}

same_process_lives() { [[ $(identity "${1%%:*}" 2>/dev/null) == "$1" ]]; }

# Other containers' cgroups may go while find walks over them, which it calls a
# failure.
cgroups_like() { find /sys/fs/cgroup -type d -name "$1" 2>/dev/null || true; }

# cgroup_name ID is what the last part of the path of the container's cgroups is:
# with systemd these are a scope.
cgroup_name() {
  if [[ ${DRIVER-} == systemd ]]; then echo "runc-$1.scope"; else echo "$1"; fi
}

cgroups_of() { cgroups_like "$(cgroup_name "$1")"; }

# scratch is the name of a cgroup of the test's own. The runtime makes parents of
# a container's cgroup that are missing, and leaves them; so does teardown's
# report.
scratch() { echo "scratch-$PREFIX"; }

# --- asserting

fail() {
  printf '%s\n' "$@" >&2
  return 1
}

stdout_is() { [[ $stdout == "$1" ]] || fail "standard output is not \"$1\" but:" "$stdout"; }

stdout_has() { [[ $stdout == *"$1"* ]] || fail "standard output lacks \"$1\":" "$stdout"; }

stderr_has() { [[ $stderr == *"$1"* ]] || fail "standard error lacks \"$1\":" "$stderr"; }

# one_line: an error a person can read has one line.
one_line() { (($(wc -l <<<"$stderr") == 1)) || fail "more than one line:" "$stderr"; }

# stdout_json FILTER [JQ-ARGS]: the filter holds for the JSON on standard output.
stdout_json() {
  jq -e "$@" <<<"$stdout" >/dev/null || fail "\"$*\" does not hold for:" "$stdout"
}

# A state is asked for so often that the time to start jq would show.
in_state() { [[ $stdout =~ \"$1\":\ *\"?([^,\"]*) && ${BASH_REMATCH[1]} == "$2" ]]; }

status_is() {
  runc state "$1"
  in_state status "$2" || fail "$1 is not $2:" "$stdout"
}

pid_of() {
  runc state "$1"
  [[ $stdout =~ \"pid\":\ *([0-9]+) ]] && echo "${BASH_REMATCH[1]}"
}

no_container() {
  refused "container does not exist" state "$1"
  [[ ! -e $ROOT/$1 ]] || fail "the state directory of $1 is still there"
}

# nothing_alive: to be asked right after a --wait, which has left nothing to
# wait for.
nothing_alive() {
  local now
  now=$(living)
  [[ -z $now ]] || fail "still alive (pid, start, state, name):" "$now"
}

# no_members ID: the container's cgroups, where there still are any, are empty at
# any depth, in every hierarchy. A threaded cgroup lists threads only.
no_members() {
  local list line
  while read -r list; do
    line=
    { read -r line <"$list" || read -r line <"${list%.procs}.threads"; } 2>/dev/null || true
    [[ -z $line ]] || fail "in ${list%/*}: $line" || return 1
  done < <(find /sys/fs/cgroup -path "*/$(cgroup_name "$1")/*" -name cgroup.procs 2>/dev/null)
}

no_cgroups() {
  local now
  now=$(cgroups_of "$1")
  [[ -z $now ]] || fail "cgroups left:" "$now"
}

# --- waiting, for contracts that are asynchronous; always with a bound

# poll SECONDS CMD... returns 1 if the command does not succeed within the time.
poll() {
  local until=$((SECONDS + $1 + 1))
  shift
  until "$@"; do
    ((SECONDS < until)) || return 1
    sleep 0.02
  done
}

# wait_for SECONDS CMD...
wait_for() {
  local seconds=$1
  shift
  poll "$seconds" "$@" || fail "not within $seconds s: $*"
}

# child_of PID is the process that a helper in the background has started.
child_of() {
  local child
  read -r child _ <"/proc/$1/task/$1/children" || true # it ends without a newline
  echo "$child"
}

# child_has_pidfd PID: that process holds another one by descriptor, as a runtime
# that waits for it does.
child_has_pidfd() { [[ -n $(find "/proc/$(child_of "$1")/fd" -lname 'anon_inode:*pidfd*' 2>/dev/null) ]]; }

# ended PID: a helper in the background is over.
ended() { ! kill -0 "$1" 2>/dev/null; }

file_has() { grep -qs -e "$2" "$1"; }

has_status() {
  local stdout
  stdout=$("$RUNC" --root "$ROOT" state "$1" 2>/dev/null) && in_state status "$2"
}
