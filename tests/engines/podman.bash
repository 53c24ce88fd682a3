# podman with conmon. The opt-in is an annotation; see contrib/engines/podman.

load docker-commands

engine_settings() {
  export CONTAINERS_CONF=$W/containers.conf
  CLIENT=(podman --root "$W/root" --runroot "$W/run" --tmpdir "$W/tmp" --storage-driver overlay)
  # What podman makes and removes for itself, in its own time.
  MONITOR_CGROUP=conmon
  OWN_MOUNT=$W/root/overlay
  # podman passes no --root
  STATE_DIRS=(/run/runc "$W/root/overlay-containers" "$W/run/overlay-containers")
}

# conf [SED...] prints the file to copy, for the runtime under test, with limits for
# a machine whose root may not raise its own.
conf() {
  sed -e "s,/usr/local/sbin/runc,$W/bin/runc," "$@" \
    -e '/^\[containers\]/a default_ulimits = ["nofile=1024:20000", "nproc=4096:4096"]\npids_limit = 0' \
    -e '/^\[engine\]/a cgroup_manager = "cgroupfs"\nevents_logger = "file"' \
    "$CONTRIB/podman/50-runc-sync.conf"
}

engine_up() {
  conf -e '/^annotations/d' >"$CONTAINERS_CONF"
  tar -C "$BASE_BUNDLE/rootfs" -cf "$W/image.tar" .
  ok call "${CLIENT[@]}" import -q "$W/image.tar" "$IMAGE"
}

engine_down() {
  timeout 60 "${CLIENT[@]}" rm -fa -t 0 >/dev/null || true
  umount "$W/root/overlay" || true
}

engine_run() {
  local name=$1 pids=$2 flags=()
  shift 2
  case $pids in
    private) ;;
    host) flags+=(--pid=host) ;;
    *) flags+=(--pid="container:$pids") ;;
  esac
  [[ -z $KILL_WAIT ]] || flags+=(--annotation "$ANNOTATION=$KILL_WAIT")
  [[ -z ${MOUNT-} ]] || flags+=(--volume "$MOUNT:/hung")
  call "${CLIENT[@]}" run -d --name "$name" --network none --cgroup-parent "/$PREFIX" \
    --env "$(mark_of_test)" "${flags[@]}" "$IMAGE" "$@"
}

# podman 5 throws away what the runtime says to a removal, and passes on what it says
# to a kill.
engine_errors() {
  podman_4 || call "${CLIENT[@]}" kill -s KILL "$1"
  echo "$stderr"
}

podman_4() { [[ $(podman --version) == *" 4."* ]]; }

engine_update() { call "${CLIENT[@]}" update --memory 64m "$1"; }
engine_remove() { call "${CLIENT[@]}" rm -f -t 0 "$@"; }
engine_version() { podman --version | cut -d' ' -f1,3; }
