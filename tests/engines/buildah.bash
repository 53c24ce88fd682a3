# buildah 1.28, whose `run` runs in the foreground and is the only user of a
# runtime; it has no exec, pause or removal of its own. The opt-in is
# --runtime-flag. engine_kill ends `buildah run` and waits until it has returned.

engine_settings() {
  CLIENT=(buildah --root "$W/root" --runroot "$W/run" --storage-driver overlay)
  OWN_MOUNT=$W/root/overlay
  # buildah takes --cgroup-parent for the container's own, so all runs of one working
  # container would be in it together. Two suites at once see each other's.
  CGROUPS='buildah-buildah*'
  STATE_DIRS=("$W/runc")
}

engine_up() {
  ok call "${CLIENT[@]}" from --ulimit nofile=1024:20000 --ulimit nproc=4096:4096 --name work scratch
  ok call "${CLIENT[@]}" copy -q work "$BASE_BUNDLE/rootfs" /
}

engine_down() { timeout 30 "${CLIENT[@]}" rm -a >/dev/null || true; }

# noting NAME is the runtime, and says when buildah asks for the container's state.
# It listens for TERM from right before the first time on; a TERM that comes earlier,
# though the container runs, ends buildah with 255 and leaves the container.
noting() {
  local runtime=$DIR/$1.runc
  [[ -x $runtime ]] || {
    printf '#!/bin/sh\ncase " $* " in *" state "*) : >"%s" ;; esac\nexec "%s" "$@"\n' "$DIR/$1.watched" "$W/bin/runc" >"$runtime"
    chmod 755 "$runtime"
  }
  echo "$runtime"
}

# listens NAME waits until buildah would be told of a signal.
listens() { wait_for 60 test -e "$DIR/$1.watched"; }

# run_args PIDS [NAME] sets $RUN.
run_args() {
  RUN=("${CLIENT[@]}" run --runtime "$(noting "${2-$NAME}")" --runtime-flag "root=$W/runc" --isolation oci --network none)
  [[ -z $KILL_WAIT ]] || RUN+=(--runtime-flag "kill-wait=$KILL_WAIT")
  # A private network beside the host's processes is more than buildah 1.43 manages
  # without nft(8).
  [[ $1 != host ]] || RUN+=(--pid host --network host)
  [[ -z ${MOUNT-} ]] || RUN+=(--volume "$MOUNT:/hung")
  RUN+=(--env "$(mark_of_test)" work)
}

engine_run() {
  local name=$1
  run_args "$2" "$name"
  shift 2
  "${RUN[@]}" "$@" </dev/null >"$DIR/$name.out" 2>"$DIR/$name.err" 3>&- 4>&- 5>&- 6>&- &
  echo $! >"$DIR/$name.pid"
  status=0
}

engine_kill() {
  local pid
  pid=$(<"$DIR/$1.pid")
  listens "$1"
  kill "-$2" "$pid"
  poll 60 ended "$pid" || fail "buildah run does not return" "$(<"$DIR/$1.err")"
  status=0
  wait "$pid" || status=$?
  stderr=$(<"$DIR/$1.err")
}

# engine_remove: buildah has removed a container when its run has returned.
engine_remove() {
  local name
  for name in "$@"; do
    listens "$name"
    kill -TERM "$(<"$DIR/$name.pid")" 2>/dev/null || true
  done
  for name in "$@"; do
    poll 60 ended "$(<"$DIR/$name.pid")"
  done
  status=0
}

engine_id() { basename "$W"/runc/buildah-*; }
engine_version() { buildah --version | cut -d' ' -f1,3; }
