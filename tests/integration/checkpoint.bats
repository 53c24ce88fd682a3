load helpers

# criu_works: the criu of Debian 12 does not start on recent kernels.
criu_works() { command -v criu >/dev/null && criu check >/dev/null 2>&1; }

# All flags but those that need a peer or a previous dump.
flags_of_checkpoint=(
  --work-path work --tcp-established --tcp-skip-in-flight --link-remap --ext-unix-sk --shell-job
  --file-locks --manage-cgroups-mode soft --auto-dedup
)

# As for upstream's runtime, restore looks for a relative --image-path in the bundle,
# which is where it has gone by then.

# counting starts a container that counts in a file of its root, one up each
# time. Its standard streams are its own: criu cannot dump files of the host.
counting() {
  shell_is 'i=0; while :; do i=$((i + 1)); echo $i >/count.new; mv /count.new /count; sleep 0.05; done'
  config '.root.readonly = false'
  call_quietly run -d -b "$BUNDLE" "$ID"
  wait_for 10 counted_beyond 3
}

call_quietly() { timeout 60 "$RUNC" --root "$ROOT" "$@" </dev/null >/dev/null 2>&1 3>&- || fail "runc $* failed"; }

count() { cat "$BUNDLE/rootfs/count" 2>/dev/null || echo 0; }

counted_beyond() { (($(count) > $1)); }

# goes_on_from N: it counts, and has not started over, which would take it longer
# to get there than this test takes.
goes_on_from() { (($(count) >= $1)) && wait_for 10 counted_beyond "$(($1 + 1))"; }

@test "checkpoint, restore: a container goes on where it was" {
  local at pid
  criu_works || skip "no criu that works on this kernel"
  counting
  pid=$(pid_of "$ID")
  mkdir work
  runc checkpoint --image-path "$DIR/images" "${flags_of_checkpoint[@]}" "$ID"
  no_container "$ID"
  nothing_alive
  no_cgroups "$ID"
  [[ -s work/dump.log ]]
  at=$(count)
  call_quietly restore -d --image-path "$DIR/images" --work-path "$DIR/work" --pid-file "$DIR/pid" -b "$BUNDLE" "$ID"
  status_is "$ID" running
  [[ $(<pid) == "$(pid_of "$ID")" ]]
  goes_on_from "$at"
  [[ -z $HAS_WAIT ]] || {
    runc kill --wait "$ID" KILL
    nothing_alive
  }
}

@test "checkpoint --leave-running: the container goes on, its image can be restored once more" {
  local at
  criu_works || skip "no criu that works on this kernel"
  counting
  runc checkpoint --image-path "$DIR/images" --leave-running "$ID"
  status_is "$ID" running
  goes_on_from "$(count)"
  runc delete --force "$ID"
  at=$(count)
  call_quietly restore -d --image-path "$DIR/images" -b "$BUNDLE" "$ID"
  wait_for 10 counted_beyond 3
  ! counted_beyond "$at" || fail "went on at $at, where the dump was not made"
}

@test "checkpoint --pre-dump, --parent-path: a second dump builds on the first" {
  criu_works || skip "no criu that works on this kernel"
  criu check --feature mem_dirty_track >/dev/null 2>&1 || skip "this kernel does not track dirty memory"
  counting
  runc checkpoint --pre-dump --image-path "$DIR/images/first" "$ID"
  status_is "$ID" running
  runc checkpoint --image-path "$DIR/images/second" --parent-path ../first "$ID"
  no_container "$ID"
  call_quietly restore -d --image-path "$DIR/images/second" -b "$BUNDLE" "$ID"
  goes_on_from "$(count)"
}

@test "restore: in the foreground its exit status is the command's" {
  criu_works || skip "no criu that works on this kernel"
  shell_is 'while [ ! -e /go ]; do sleep 0.05; done; exit 7'
  config '.root.readonly = false'
  call_quietly run -d -b "$BUNDLE" "$ID"
  runc checkpoint --image-path "$DIR/images" "$ID"
  : >"$BUNDLE/rootfs/go"
  STDIN=/dev/null call "$RUNC" --root "$ROOT" restore --image-path "$DIR/images" -b "$BUNDLE" "$ID"
  ((status == 7)) || fail "status $status" "$stderr"
  no_container "$ID"
}

@test "checkpoint: every flag is taken; without a working criu the error says so" {
  runc run -d -b "$BUNDLE" "$ID"
  mkdir -p work images/previous
  call "$RUNC" --root "$ROOT" checkpoint --image-path "$DIR/images" --work-path work \
    --parent-path previous --leave-running --tcp-established --tcp-skip-in-flight --link-remap \
    --ext-unix-sk --shell-job --status-fd 5 --page-server 127.0.0.1:9 \
    --file-locks --pre-dump --manage-cgroups-mode soft --empty-ns network --auto-dedup "$ID"
  if ! criu_works; then
    ((status == 1))
    stderr_has riu
  fi
  [[ $stderr != *"not defined"* ]]
  status_is "$ID" running
}

@test "checkpoint --lazy-pages is taken" {
  runc run -d -b "$BUNDLE" "$ID"
  criu_works && skip "would wait for somebody to fetch the pages"
  refused riu checkpoint --image-path images --lazy-pages "$ID"
  status_is "$ID" running
}

@test "checkpoint: flags with bad values are refused before anything is dumped" {
  runc run -d -b "$BUNDLE" "$ID"
  refused "Use --page-server ADDRESS:PORT" checkpoint --image-path images --page-server nonsense "$ID"
  refused "Invalid port number" checkpoint --image-path images --page-server localhost:port "$ID"
  refused "--parent-path must be relative" checkpoint --image-path images --parent-path /abs "$ID"
  refused "invalid --parent-path" checkpoint --image-path images --parent-path none "$ID"
  refused 'is not supported' checkpoint --image-path images --empty-ns pid "$ID"
  refused "" checkpoint --image-path images --status-fd nonsense "$ID"
  status_is "$ID" running
}

@test "checkpoint: the current directory's checkpoint folder is the default image path" {
  runc run -d -b "$BUNDLE" "$ID"
  # The error speaks of the whole path.
  refused "$DIR/checkpoint/none" checkpoint --parent-path none "$ID"
  status_is "$ID" running
}

@test "checkpoint: a created or stopped container is refused" {
  runc create -b "$BUNDLE" "$ID"
  refused "Container cannot be checkpointed in created state" checkpoint --image-path images "$ID"
  runc delete --force "$ID"
  refused "container does not exist" checkpoint --image-path images "$ID"
  refused 'requires exactly 1 argument' checkpoint
}

@test "restore: every flag is taken; without an image, or a working criu, the error says so" {
  mkdir -p images work
  refused "" restore --image-path images --work-path work --tcp-established --ext-unix-sk --shell-job \
    --file-locks --manage-cgroups-mode soft --bundle "$BUNDLE" --detach --pid-file "$DIR/pid" \
    --no-subreaper --no-pivot --empty-ns network --auto-dedup --lsm-profile apparmor:x \
    --lsm-mount-context x "$ID"
  [[ $stderr != *"not defined"* ]]
  no_container "$ID"
  no_cgroups "$ID"
  refused "" restore --image-path images -b "$BUNDLE" -d --lazy-pages "$ID"
  [[ $stderr != *"not defined"* ]]
  no_container "$ID"
}

@test "restore --console-socket without a terminal is refused" {
  mkdir images
  refused "console socket" restore --image-path images -b "$BUNDLE" --console-socket "$DIR/sock" "$ID"
  no_container "$ID"
}

@test "restore: an id in use, a bad namespace and no arguments are refused" {
  mkdir images
  runc run -d -b "$BUNDLE" "$ID"
  refused "container with given ID already exists" restore --image-path images -b "$BUNDLE" "$ID"
  refused "is not supported" restore --image-path images --empty-ns pid -b "$BUNDLE" "$ID-2"
  refused 'requires exactly 1 argument' restore
}
