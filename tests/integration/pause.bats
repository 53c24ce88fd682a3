load helpers

@test "pause and resume: nothing runs in between" {
  shell_is 'while :; do echo tick; sleep 0.1; done'
  runc run -d -b "$BUNDLE" "$ID"
  local out=$OUT before
  wait_for 10 file_has "$out" tick
  runc pause "$ID"
  status_is "$ID" paused
  before=$(stat -c %s "$out")
  sleep 0.5
  (($(stat -c %s "$out") == before))
  runc resume "$ID"
  status_is "$ID" running
  wait_for 10 grew "$out" "$before"
}

grew() { (($(stat -c %s "$1") > $2)); }

@test "pause: a paused, stopped or unknown container is refused" {
  runc run -d -b "$BUNDLE" "$ID"
  runc pause "$ID"
  refused "not running" pause "$ID"
  runc resume "$ID"
  runc kill "$ID" KILL
  wait_for 10 has_status "$ID" stopped
  refused "not running" pause "$ID"
  refused "container does not exist" pause "$ID-none"
}

@test "resume: a running or unknown container is refused" {
  runc run -d -b "$BUNDLE" "$ID"
  refused "container not paused" resume "$ID"
  refused "container does not exist" resume "$ID-none"
}

@test "pause, resume: the wrong number of arguments is refused" {
  refused 'requires exactly 1 argument' pause
  refused 'requires exactly 1 argument' pause a b
  refused 'requires exactly 1 argument' resume
  refused 'requires exactly 1 argument' resume a b
}
