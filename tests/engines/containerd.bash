# containerd 1.6 with its client ctr. The opt-in is an annotation, or the wrapper
# contrib/engines/runc-sync for all containers.

load containerd-daemon

engine_settings() {
  CLIENT=(ctr --address "$W/containerd.sock")
  RUNC_ROOT=$W/runc/default
  STATE_DIRS=("$RUNC_ROOT" "$W/state/io.containerd.runtime.v2.task/default")
}

engine_up() {
  {
    echo 'version = 2'
    echo 'disabled_plugins = ["io.containerd.grpc.v1.cri"]'
    daemon_paths
  } >"$W/containerd.toml"
  daemon_up
  image_up
  ok ctr_import default l/bb "$W/image.tar"
}

engine_run() {
  local name=$1 pids=$2 flags=()
  shift 2
  case $pids in
    private) ;;
    host) flags+=(--with-ns "pid:/proc/self/ns/pid") ;;
    *) flags+=(--with-ns "pid:/proc/$(init_of "$pids")/ns/pid") ;;
  esac
  [[ -z $KILL_WAIT ]] || flags+=(--annotation "$ANNOTATION=$KILL_WAIT")
  [[ -z ${MOUNT-} ]] || flags+=(--mount "type=bind,src=$MOUNT,dst=/hung,options=rbind")
  call "${CLIENT[@]}" run -d --runtime io.containerd.runc.v2 --runc-binary "${BINARY:-$W/bin/runc}" \
    --runc-root "$W/runc" --log-uri "file://$W/$name.log" --env "$(mark_of_test)" \
    "${flags[@]}" "l/bb:$IMAGE" "$name" "$@"
}

init_of() { "${CLIENT[@]}" task ls | awk -v name="$1" '$1 == name { print $2 }'; }

engine_exec() {
  local name=$1
  shift
  EXECS=$((${EXECS-0} + 1))
  call "${CLIENT[@]}" task exec --exec-id "exec$EXECS" "$name" "$@"
}

engine_logs() { call cat "$W/$1.log"; }
engine_kill() { call "${CLIENT[@]}" task kill -s "$2" "$1"; }

# containerd leaves the grace time to its callers.
engine_stop() {
  call "${CLIENT[@]}" task kill -s TERM "$1"
  poll "$2" task_stopped "$1" || call "${CLIENT[@]}" task kill -s KILL "$1"
}

task_stopped() { ! engine_is_running "$1"; }
engine_is_running() { "${CLIENT[@]}" task ls | grep -qE "^$1 .*RUNNING"; }
engine_pause() { call "${CLIENT[@]}" task pause "$1"; }

engine_restart() {
  call "${CLIENT[@]}" task kill -s KILL "$1"
  call "${CLIENT[@]}" task rm -f "$1"
  call "${CLIENT[@]}" task start -d --log-uri "file://$W/$1.log" "$1"
}

# engine_remove removes all at once.
engine_remove() {
  # shellcheck disable=SC2016 # for the inner shell
  call bash -c '
    socket=$1 status=0 pids=()
    shift
    for name; do
      { ctr -a "$socket" task rm -f "$name" && ctr -a "$socket" container rm "$name"; } &
      pids+=($!)
    done
    for pid in "${pids[@]}"; do
      wait "$pid" || status=$?
    done
    exit "$status"' remove "$W/containerd.sock" "$@"
}

engine_id() { echo "$1"; }
engine_version() { containerd --version | awk '{ print $1, $3 }'; }
