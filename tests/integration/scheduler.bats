load helpers

# field N of /proc/PID/stat, counted behind the name; 41 is the policy, 19 nice.
field() {
  local stat
  stat=$(<"/proc/$2/stat")
  # shellcheck disable=SC2086 # split into fields
  set -- "$1" ${stat##*) }
  shift $(($1 - 2))
  echo "$1"
}

init_has() {
  local pid
  runc run -d -b "$BUNDLE" "$ID"
  pid=$(pid_of "$ID")
  [[ $(field 41 "$pid") == "$1" && $(field 19 "$pid") == "$2" ]] ||
    fail "policy $(field 41 "$pid"), nice $(field 19 "$pid")"
}

@test "scheduler: batch and nice" {
  config '.process.scheduler = {policy: "SCHED_BATCH", nice: 7}'
  init_has 3 7
}

@test "scheduler: idle" {
  config '.process.scheduler = {policy: "SCHED_IDLE"}'
  init_has 5 "$(nice)" # which the policy leaves as it is
}

@test "scheduler: exec has its own by --process, and the container's without" {
  config '.process.scheduler = {policy: "SCHED_BATCH", nice: 7}'
  runc run -d -b "$BUNDLE" "$ID"
  runc exec -d --pid-file pid "$ID" sleep 50
  [[ $(field 41 "$(<pid)") == 3 ]]
  jq '.process | .scheduler = {policy: "SCHED_OTHER", nice: 3}' "$BUNDLE/config.json" >process.json
  runc exec -d --pid-file pid --process process.json "$ID"
  [[ $(field 41 "$(<pid)") == 0 && $(field 19 "$(<pid)") == 3 ]]
}

@test "scheduler: a policy that does not exist is refused" {
  config '.process.scheduler = {policy: "SCHED_SOMEDAY"}'
  refused SCHED_SOMEDAY run -d -b "$BUNDLE" "$ID"
  no_container "$ID"
}
