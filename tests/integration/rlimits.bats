load helpers

limit() { config --argjson limits "$1" '.process.rlimits = $limits'; }

# has_limits NAME SOFT HARD: soft and hard limit of a line of /proc/self/limits.
has_limits() {
  [[ $stdout =~ "$1"[[:space:]]+"$2"[[:space:]]+"$3"[[:space:]] ]] || fail "not $2 and $3:" "$(grep "$1" <<<"$stdout")"
}

@test "rlimits: soft and hard limits of config.json are init's" {
  limit '[{"type": "RLIMIT_NOFILE", "soft": 200, "hard": 300}, {"type": "RLIMIT_CORE", "soft": 0, "hard": 0},
    {"type": "RLIMIT_NPROC", "soft": 500, "hard": 600}]'
  command_is cat /proc/self/limits
  runc run -b "$BUNDLE" "$ID"
  has_limits "Max open files" 200 300
  has_limits "Max core file size" 0 0
  has_limits "Max processes" 500 600
}

@test "rlimits: exec has the container's" {
  limit '[{"type": "RLIMIT_NOFILE", "soft": 200, "hard": 300}]'
  runc run -d -b "$BUNDLE" "$ID"
  runc exec "$ID" cat /proc/self/limits
  has_limits "Max open files" 200 300
}

@test "rlimits: exec --process has its own" {
  runc run -d -b "$BUNDLE" "$ID"
  jq '.process | .args = ["cat", "/proc/self/limits"] | .rlimits = [{type: "RLIMIT_NOFILE", soft: 70, hard: 80}]' \
    "$BUNDLE/config.json" >process.json
  runc exec --process process.json "$ID"
  has_limits "Max open files" 70 80
}

@test "rlimits: without any in config.json the caller's hold" {
  local soft hard
  limit '[]'
  command_is cat /proc/self/limits
  soft=150 hard=250
  call bash -c 'ulimit -Sn "$1" && ulimit -Hn "$2" && shift 2 && exec "$@"' limited "$soft" "$hard" \
    "$RUNC" --root "$ROOT" run -b "$BUNDLE" "$ID"
  has_limits "Max open files" "$soft" "$hard"
}

@test "rlimits: a type that does not exist is refused" {
  limit '[{"type": "RLIMIT_PATIENCE", "soft": 1, "hard": 1}]'
  refused RLIMIT_PATIENCE run -b "$BUNDLE" "$ID"
  no_container "$ID"
}

@test "rlimits: a soft limit above the hard one is refused" {
  limit '[{"type": "RLIMIT_NOFILE", "soft": 300, "hard": 200}]'
  refused "" run -b "$BUNDLE" "$ID"
  no_container "$ID"
  nothing_alive
}
