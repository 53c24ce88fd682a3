load helpers

@test "ps: a table of the container's processes" {
  runc run -d -b "$BUNDLE" "$ID"
  runc ps "$ID"
  [[ $(head -n 1 <<<"$stdout") == *PID* ]]
  (($(wc -l <<<"$stdout") == 2))
  stdout_has "sleep 100"
}

@test "ps: options after the id go to ps" {
  runc run -d -b "$BUNDLE" "$ID"
  runc ps "$ID" -e -o pid,args
  [[ $(head -n 1 <<<"$stdout") =~ ^\ *PID\ +COMMAND$ ]]
}

@test "ps --format (-f) json is an array of pids" {
  start_six "$ID"
  runc ps --format json "$ID"
  stdout_json 'length == 6 and all(. > 0)'
  runc ps -f table "$ID"
  stdout_has PID
}

@test "ps: a format that does not exist, or no PID column, is refused" {
  runc run -d -b "$BUNDLE" "$ID"
  refused "invalid format option" ps --format yaml "$ID"
  refused "PID field" ps "$ID" -e -o args
}

@test "ps: an unknown container and no arguments are refused" {
  refused "container does not exist" ps "$ID"
  refused 'requires a minimum of 1 argument' ps
}
