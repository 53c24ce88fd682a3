# What every engine's test file loads; it then loads its engine, a file of
# functions that do with that engine what all of them can do:
#
#   engine_settings              paths and commands, from $W; before anything else
#   engine_up, engine_down       start and end the daemon and what it needs
#   engine_run NAME PIDS CMD...  in the background; PIDS: private, host or a name
#   engine_exec NAME CMD...      engine_logs NAME        engine_is_running NAME
#   engine_kill NAME SIGNAL      engine_stop NAME SECONDS
#   engine_pause NAME            engine_update NAME      engine_restart NAME
#   engine_remove NAME...        by force, with all that belongs to them
#   engine_errors NAME           what the runtime has said, where stderr is not that
#
# Each leaves $status, $stdout and $stderr behind; `ok engine_...` fails the test
# if the status is not 0. $CLIENT is the engine's own command.
#
# The engine is told to use $W/bin/runc, a link to the runtime that the test is
# about. $KILL_WAIT is the wait that a container is started with, by the opt-in
# that the engine has; empty is none. It is below the 5 s that containerd's shim
# gives to a clean-up.

load ../integration/helpers

KILL_WAIT=4s
ANNOTATION=org.opencontainers.runc.kill.wait
IMAGE=bb
CONTRIB=$BATS_TEST_DIRNAME/../../contrib/engines

engine_errors() { echo "$stderr"; }

setup_file() {
  W=$BATS_FILE_TMPDIR
  DIR=$W/up
  CALLS=0
  mkdir -p "$W/bin" "$DIR"
  use_runtime "$RUNC"
  engine_settings
  engine_up
}

teardown_file() {
  W=$BATS_FILE_TMPDIR
  engine_settings
  engine_down
  # A shim that was left would keep bats waiting. This sees no process but the
  # suite's own, see script/engines.
  pkill -KILL -f "containerd-shim.*$W/" || true
}

setup() {
  W=$BATS_FILE_TMPDIR
  PREFIX=$SUITE-$BATS_TEST_NUMBER
  NAME=$PREFIX-ct
  DIR=$BATS_TEST_TMPDIR
  CALLS=0
  CALL_TIMEOUT=40
  HELPERS=()
  NAMES=()
  use_runtime "$RUNC"
  engine_settings
  BEFORE=$(things_on_disk)
}

# teardown removes the test's containers with the engine, and looks for itself.
teardown() {
  local report=() pid
  for pid in "${HELPERS[@]}"; do
    kill -TERM "$pid" 2>/dev/null || true
  done
  use_runtime "$RUNC"
  thaw_all
  ((${#NAMES[@]} == 0)) || engine_remove "${NAMES[@]}"
  poll 15 all_gone || report=("$(what_is_left)")
  clean_up_by_force
  ((${#report[@]} == 0)) || fail "left behind by this test:" "${report[@]}"
}

# use_runtime PATH is what an upgrade in place does: another program under the
# name that the engine knows.
use_runtime() {
  ln -s "$(realpath "$1")" "$W/bin/runc.new"
  mv -T "$W/bin/runc.new" "$W/bin/runc"
}

ok() {
  "$@"
  ((status == 0)) || fail "$* exited with $status" "$stdout" "$stderr"
}

# --- containers

# run NAME PIDS CMD... starts a container that teardown removes.
run_container() {
  NAMES+=("$1")
  ok engine_run "$@"
}

SIX='sleep 100 & setsid sleep 100 & (sleep 100 &)
  sh -c "sleep 100 & wait" & while :; do wait; sleep 1; done'

# run_six NAME PIDS starts six processes, and returns when they are there.
run_six() {
  local already
  already=$(living | wc -l)
  run_container "$1" "$2" sh -c "$SIX"
  wait_for 60 living_are $((already + 6))
}

# --- the observer: it asks no engine and no runtime

# living is the integration suite's; the cgroups of an engine that does not name
# them after the container are given by $CGROUPS.
living() {
  "$BIN/alive" -env "$(mark_of_test)" -cgroup "${CGROUPS:-$PREFIX-*}" || (($? == 1)) ||
    echo "the observer failed"
}

# cgroups_like, which the integration suite's clean-up asks, finds those of the
# test's containers and what is below them, whatever the pattern.
cgroups_like() {
  find /sys/fs/cgroup -mindepth 2 -type d \( -path "*/$PREFIX*" -o -name "${CGROUPS:-$PREFIX-*}" \) 2>/dev/null || true
}

# things_on_disk lists what containers of this engine have besides processes: the
# state directories of the runtime and the engine, mounts, and cgroups.
things_on_disk() {
  find "${STATE_DIRS[@]}" -mindepth 1 -maxdepth 1 -type d 2>/dev/null || true
  awk -v w="$W/" 'index($5, w) == 1 && $5 != "'"${OWN_MOUNT-}"'" { print "mount", $5 }' /proc/self/mountinfo
  cgroups_like | grep -vE "/($PREFIX|${MONITOR_CGROUP:-$PREFIX})\$" || true
}

what_is_left() {
  living
  comm -13 <(sort <<<"$BEFORE") <(things_on_disk | sort)
}

all_gone() { [[ -z $(what_is_left) ]]; }

# nothing_left is for the moment at which a removal has returned.
nothing_left() {
  local left
  left=$(what_is_left)
  [[ -z $left ]] || fail "left (pid, start, state, name; or a path):" "$left"
}

# --- stories that every engine's file tells

# remove_returns_to_nothing NAME...: the promise of the opt-in.
remove_returns_to_nothing() {
  ok engine_remove "$@"
  nothing_left
}

# kill_and_remove PIDS SIGNAL
kill_and_remove() {
  run_six "$NAME" "$1"
  ok engine_kill "$NAME" "$2"
  [[ $2 != KILL ]] || nothing_alive
  remove_returns_to_nothing "$NAME"
}

stop_and_remove() {
  run_six "$NAME" "$1"
  ok engine_stop "$NAME" 1
  # Here init ignores TERM, so it was SIGKILL that ended it.
  [[ $1 != private ]] || nothing_alive
  wait_for 30 none_living
  remove_returns_to_nothing "$NAME"
}

remove_running() {
  run_six "$NAME" "$1"
  remove_returns_to_nothing "$NAME"
}

remove_paused() {
  run_six "$NAME" "$1"
  ok engine_pause "$NAME"
  remove_returns_to_nothing "$NAME"
}

remove_from_shared_namespace() {
  run_six "$NAME-holder" private
  run_six "$NAME" "$NAME-holder"
  ok engine_remove "$NAME"
  # the holder's six are what is left
  living_are 6
  remove_returns_to_nothing "$NAME-holder"
}

remove_twenty() {
  local n names=()
  for n in {1..20}; do
    names+=("$NAME-$n")
    run_container "$NAME-$n" host sh -c 'sleep 100 & sleep 100'
  done
  wait_for 60 living_are_at_least 40
  remove_returns_to_nothing "${names[@]}"
}

living_are_at_least() { (($(living | wc -l) >= $1)); }

exec_and_restart() {
  NAMES+=("$NAME")
  ok engine_run "$NAME" "$1" sh -c "echo logged; $SIX"
  wait_for 60 living_are 6
  wait_for 30 logs_have "$NAME" logged
  ok engine_exec "$NAME" echo inside
  stdout_has inside
  engine_exec "$NAME" sh -c 'exit 5'
  ((status == 5)) || fail "the exit status of an exec is $status, not 5" "$stderr"
  ok engine_restart "$NAME"
  wait_for 60 living_are 6
  ok engine_exec "$NAME" echo again
  stdout_has again
  remove_returns_to_nothing "$NAME"
}

logs_have() {
  engine_logs "$1"
  [[ $stdout == *"$2"* ]]
}

update_memory() {
  run_six "$NAME" private
  ok engine_update "$NAME"
  local limits
  limits=$(find /sys/fs/cgroup -path "*$(engine_id "$NAME")*" \
    \( -name memory.limit_in_bytes -o -name memory.max \) -exec cat {} + 2>/dev/null || true)
  [[ $limits == *67108864* ]] || fail "the limit is not 64 MiB but $limits"
  remove_returns_to_nothing "$NAME"
}

# wrapper_for PATH makes $DIR/runc-sync, the wrapper to copy, for that runtime.
wrapper_for() {
  sed "s,/usr/local/sbin/runc,$1," "$CONTRIB/runc-sync" >"$DIR/runc-sync"
  chmod +x "$DIR/runc-sync"
}

# start_daemon CMD... returns when daemon_answers. bats waits for whoever has its
# descriptors, so a daemon gets none of them.
start_daemon() {
  "$@" </dev/null >>"$W/daemon.log" 2>&1 3>&- 4>&- 5>&- 6>&- &
  echo $! >"$W/daemon.pid"
  disown
  poll 60 daemon_answers || fail "$1 does not answer" "$(tail -n 20 "$W/daemon.log")"
}

# --- what does not outlive a SIGKILL

kill_daemon() {
  kill -KILL "$(<"$W/daemon.pid")"
  wait_for 30 ended "$(<"$W/daemon.pid")"
}

daemon_is_killed() {
  run_six "$NAME" host
  kill_daemon
  living_are 6
  daemon_up
  engine_is_running "$NAME"
  ok engine_exec "$NAME" echo still there
  remove_returns_to_nothing "$NAME"
}

# kill_shim ID
kill_shim() { kill -KILL "$(pgrep -f "containerd-shim.* -id $1( |$)")"; }

# upgrade_and_back starts containers with each runtime and ends them with the
# other. Upstream promises no more than that the end is near.
upgrade_and_back() {
  use_runtime "$UPSTREAM"
  run_six "$NAME-1" host
  run_six "$NAME-2" private
  run_six "$NAME-paused" host
  ok engine_pause "$NAME-paused"
  use_runtime "$RUNC"
  run_six "$NAME-3" host
  ok engine_exec "$NAME-1" echo across
  stdout_has across
  ok engine_stop "$NAME-1" 1
  ok engine_remove "$NAME-1"
  ok engine_remove "$NAME-2"
  ok engine_remove "$NAME-paused"
  wait_for 30 living_are 6
  run_six "$NAME-4" private
  use_runtime "$UPSTREAM"
  ok engine_exec "$NAME-3" echo back
  stdout_has back
  ok engine_stop "$NAME-3" 1
  ok engine_remove "$NAME-3"
  ok engine_remove "$NAME-4"
  wait_for 30 all_gone
}

# --- what does not die at once

# hang_container [PIDS CMD]: init and a child of it, or who CMD says, are in a
# system call that never ends.
hang_container() {
  local pids=${1-host} cmd=${2-'cat /hung/name & exec cat /hung/name'}
  mkdir -p "$DIR/hung"
  in_background hungfs "$BIN/hungfs" "$DIR/hung"
  HUNG=$!
  wait_for 60 mountpoint -q "$DIR/hung"
  MOUNT=$DIR/hung run_container "$NAME" "$pids" sh -c "$cmd"
  wait_for 60 cats_are "$(grep -o 'cat ' <<<"$cmd" | wc -l)" '.'
}

# cats_are N STATE
cats_are() { (($(living | grep -c " $2 cat\$") == $1)); }

# slow_container PIDS starts a container with a child that lives on for a second
# after it was sent SIGKILL: whoever does not wait is back by then. It has closed its
# output, for whose end some engines wait.
slow_container() {
  hang_container "$1" 'cat /hung/name </dev/null >/dev/null 2>&1 & exec sleep 100'
  let_go_after_a_second 3>&- 4>&- 5>&- 6>&- &
  HELPERS+=("$!")
}

# Once it was sent SIGKILL, the process is in state D.
let_go_after_a_second() { poll 60 cats_are 1 D && sleep 1 && kill -TERM "$HUNG"; }

kill_waits_for_the_slow() {
  slow_container "$1"
  ok engine_kill "$NAME" KILL
  nothing_alive
  remove_returns_to_nothing "$NAME"
}

remove_waits_for_the_slow() {
  slow_container "$1"
  remove_returns_to_nothing "$NAME"
}

# error_by_deadline SECONDS CMD...: where nothing can die, the engine fails within
# that time, and who is left is named. Then the processes are let go.
error_by_deadline() {
  local limit=$1 before
  shift
  hang_container
  before=$SECONDS
  "$@"
  ((status != 0)) || fail "$* claims success" "$stdout" "$stderr"
  ((status != 124)) || fail "$* hangs"
  ((SECONDS - before <= limit)) || fail "$* took $((SECONDS - before)) s" "$stderr"
  [[ $(engine_errors "$NAME") == *"2 processes still alive:"*"(cat) state D"* ]] ||
    fail "$* names nobody" "$(engine_errors "$NAME")"
  two_are_stuck
  release
  wait_for 30 none_living
}

two_are_stuck() {
  cats_are 2 D || fail "the two are not stuck any more:" "$(living)"
}

release() {
  kill -TERM "$HUNG"
  wait_for 30 ended "$HUNG"
}
