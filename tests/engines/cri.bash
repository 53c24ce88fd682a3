# containerd as a kubelet uses it: through its CRI, with crictl. Each container
# has a pod of its own, unless it is to share a PID namespace. The configuration
# is that of contrib/engines/containerd; the opt-in is the pod's annotation, or the
# wrapper. The CRI knows no signals: SIGKILL is a stop without grace.

load containerd-daemon

engine_settings() {
  CLIENT=("${CRICTL:-$BIN/crictl}" --config "$W/crictl.yaml")
  CGROUPS=$PREFIX
  STATE_DIRS=(/run/containerd/runc/k8s.io "$W/state/io.containerd.runtime.v2.task/k8s.io")
}

engine_up() {
  cat >"$W/crictl.yaml" <<CONF
runtime-endpoint: unix://$W/containerd.sock
image-endpoint: unix://$W/containerd.sock
timeout: 30
CONF
  wrapper_for "$W/bin/runc"
  mv "$DIR/runc-sync" "$W/bin/runc-sync"
  if containerd_2; then config_of_2; else config_of_1; fi >"$W/containerd.toml"
  daemon_up
  image_up
  umoci config --image "$W/image:$IMAGE" --config.cmd /bin/tail --config.cmd -f --config.cmd /dev/null
  tar -C "$W/image" -cf "$W/pod.tar" .
  ok ctr_import k8s.io docker.io/library/bb "$W/image.tar"
  ok ctr_import k8s.io docker.io/library/pod "$W/pod.tar"
}

# handlers FILE prints the file to copy, its handler once with the runtime itself, once
# with the wrapper.
handlers() {
  sed "s,/usr/local/sbin/runc-sync,$W/bin/runc," "$1"
  sed -n '/runtimes.runc-sync/,$p' "$1" | sed -e 's/runtimes.runc-sync/runtimes.wrapped/' -e "s,/usr/local/sbin,$W/bin,"
}

# Both print the daemon's own file, with what a machine without network and with few
# privileges needs.
config_of_1() {
  echo 'version = 2'
  daemon_paths
  handlers "$CONTRIB/containerd/config.toml" | grep -v '^version'
  cat <<'CONF'
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "docker.io/library/pod:bb"
  restrict_oom_score_adj = true
  disable_apparmor = true
CONF
}

config_of_2() {
  mkdir -p "$W/conf.d"
  handlers "$CONTRIB/containerd/50-runc-sync.toml" >"$W/conf.d/50-runc-sync.toml"
  echo 'version = 3'
  echo "imports = [\"$W/conf.d/*.toml\"]"
  daemon_paths
  cat <<'CONF'
[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "docker.io/library/pod:bb"
[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = true
  disable_apparmor = true
CONF
}

# The daemon answers before its CRI does.
daemon_answers() { timeout 5 "${CLIENT[@]}" version >/dev/null 2>&1; }

# A pod's own process is not counted: that it is gone the cgroups tell.
living() {
  "$BIN/alive" -env "$(mark_of_test)" -cgroup "${CGROUPS:-$PREFIX-*}" | grep -v ' tail$' || true
}

# create_and_start NAME starts it in the pod, by what engine_run has written.
create_and_start() {
  call "${CLIENT[@]}" create --no-pull "$(<"$DIR/$1.pod")" "$DIR/$1.json" "$DIR/$1.pod.json"
  ((status == 0)) || return 0
  tail -n 1 <<<"$stdout" >"$DIR/$1.id"
  call "${CLIENT[@]}" start "$(engine_id "$1")"
}

engine_run() {
  local name=$1 mode target=
  case $2 in
    private) mode=1 ;;
    host) mode=2 ;;
    *) mode=3 target=$(engine_id "$2") ;;
  esac
  # The network is the node's, which takes no plug-ins.
  jq -n --arg name "$name" --arg parent "/$PREFIX" --arg dir "$DIR" --arg wait "$KILL_WAIT" --arg key "$ANNOTATION" \
    --argjson pid "$((mode == 2 ? 2 : 1))" '{
      metadata: {name: $name, uid: $name, namespace: "tests"}, log_directory: $dir,
      annotations: (if $wait == "" then {} else {($key): $wait} end),
      linux: {cgroup_parent: $parent, security_context: {namespace_options: {network: 2, pid: $pid}}}
    }' >"$DIR/$name.pod.json"
  jq -n --arg name "$name" --arg mark "$(mark_of_test)" --arg mount "${MOUNT-}" \
    --argjson pid "$mode" --arg target "$target" '{
      metadata: {name: $name}, image: {image: "docker.io/library/bb:bb"}, log_path: ($name + ".log"),
      command: $ARGS.positional,
      envs: [{key: "PATH", value: "/bin"}, ($mark | capture("(?<key>.*)=(?<value>.*)"))],
      mounts: (if $mount == "" then [] else [{host_path: $mount, container_path: "/hung"}] end),
      linux: {security_context: {namespace_options: {network: 2, pid: $pid, target_id: $target}}}
    }' --args -- "${@:3}" >"$DIR/$name.json"
  if [[ -n $target ]]; then
    cp "$DIR/$2.pod" "$DIR/$name.pod"
  else
    call "${CLIENT[@]}" runp --runtime "${HANDLER:-runc-sync}" "$DIR/$name.pod.json"
    ((status == 0)) || return 0
    tail -n 1 <<<"$stdout" >"$DIR/$name.pod"
  fi
  create_and_start "$name"
}

# crictl itself exits with 1, and says what the command has.
engine_exec() {
  call "${CLIENT[@]}" exec -s "$(engine_id "$1")" "${@:2}"
  [[ ! $stderr =~ "exited with "([0-9]+) ]] || status=${BASH_REMATCH[1]}
}
engine_logs() { call "${CLIENT[@]}" logs "$(engine_id "$1")"; }
engine_stop() { call "${CLIENT[@]}" stop -t "$2" "$(engine_id "$1")"; }
engine_update() { call "${CLIENT[@]}" update --memory $((64 << 20)) "$(engine_id "$1")"; }
engine_is_running() { "${CLIENT[@]}" ps -q --no-trunc | grep -qx "$(engine_id "$1")"; }

# The CRI has no pause: this is somebody else's.
engine_pause() { call "$W/bin/runc" --root "${STATE_DIRS[0]}" pause "$(engine_id "$1")"; }

engine_kill() {
  [[ $2 == KILL ]] || fail "the CRI sends no $2"
  engine_stop "$1" 0
}

# A kubelet makes a new container in the same pod.
engine_restart() {
  engine_stop "$1" 0
  ((status == 0)) || return 0
  call "${CLIENT[@]}" rm "$(engine_id "$1")"
  ((status == 0)) || return 0
  create_and_start "$1"
}

# engine_remove: a container, or several, and then their pods, by the calls that a
# kubelet makes.
engine_remove() {
  local name pods=() ids=()
  for name in "$@"; do
    [[ ! -s $DIR/$name.id ]] || ids+=("$(engine_id "$name")")
    # One that shares its pod leaves it to the pod's first.
    [[ ! -s $DIR/$name.pod ]] || grep -q '"pid": 3' "$DIR/$name.json" || pods+=("$(<"$DIR/$name.pod")")
  done
  call "${CLIENT[@]}" rm -f "${ids[@]}"
  ((status == 0 && ${#pods[@]} > 0)) || return 0
  call "${CLIENT[@]}" rmp -f "${pods[@]}"
}

engine_id() { cat "$DIR/$1.id"; }
engine_version() { containerd --version | awk '{ print $1, $3 }'; }
