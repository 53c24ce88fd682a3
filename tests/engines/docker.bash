# docker 20.10 with the containerd that it starts itself. The opt-in is an
# argument in daemon.json; see contrib/engines/docker.

load docker-commands

engine_settings() {
  CLIENT=(docker -H "unix://$W/docker.sock")
  CGROUPS=$PREFIX
  STATE_DIRS=("$W"/exec/runtime-*/moby "$W/exec/containerd/daemon/io.containerd.runtime.v2.task/moby" "$W/data/containers")
}

engine_up() {
  # The file to copy, and beside its runtime one without the opt-in.
  jq --arg runc "$W/bin/runc" '
    .runtimes[].path = $runc | .runtimes.plain = {path: $runc} | ."live-restore" = true
  ' "$CONTRIB/docker/daemon.json" >"$W/daemon.json"
  daemon_up
  tar -C "$BASE_BUNDLE/rootfs" -cf "$W/image.tar" .
  ok call "${CLIENT[@]}" import "$W/image.tar" "$IMAGE"
}

# Another client of docker may come first in the PATH; the daemon is the package's.
daemon_up() {
  start_daemon dockerd --config-file "$W/daemon.json" --data-root "$W/data" --exec-root "$W/exec" \
    --host "unix://$W/docker.sock" --pidfile "$W/docker.pid" --bridge none \
    --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false
}

daemon_answers() { timeout 5 "${CLIENT[@]}" info >/dev/null 2>&1; }

engine_down() {
  kill -TERM "$(<"$W/daemon.pid")" || true
  poll 10 ended "$(<"$W/daemon.pid")" || true
  umount "$W/data" || true
}

engine_run() {
  local name=$1 pids=$2 flags=(--runtime runc-sync)
  shift 2
  case $pids in
    private) ;;
    host) flags+=(--pid=host) ;;
    *) flags+=(--pid="container:$pids") ;;
  esac
  [[ -n $KILL_WAIT ]] || flags[1]=plain
  [[ -z ${MOUNT-} ]] || flags+=(--volume "$MOUNT:/hung")
  call "${CLIENT[@]}" run -d --name "$name" --network none --cgroup-parent "/$PREFIX" \
    --env "$(mark_of_test)" "${flags[@]}" "$IMAGE" "$@"
}

# docker says that no exit event came; what the runtime said is in the shim's log.
engine_errors() { cat "$W/exec/containerd/daemon/io.containerd.runtime.v2.task/moby/$(engine_id "$1")/log.json"; }

engine_update() { call "${CLIENT[@]}" update --memory 64m --memory-swap 64m "$1"; }
engine_remove() { call "${CLIENT[@]}" rm -f "$@"; }
engine_version() { dockerd --version | awk '{ print "docker", $3 + 0 ? $3 : $0 }' | tr -d ,; }
