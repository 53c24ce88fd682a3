# What ctr's and the CRI's files have in common: the daemon, and images.

# daemon_paths prints where the daemon has what is its own.
daemon_paths() {
  cat <<CONF
root = "$W/root"
state = "$W/state"
[grpc]
  address = "$W/containerd.sock"
[ttrpc]
  address = "$W/containerd.ttrpc"
CONF
}

# containerd_2 tells whether it is that: its configuration, plug-ins and words differ.
containerd_2() { [[ $(containerd --version | awk '{ print $3 }') =~ ^v?2\. ]]; }

daemon_up() { start_daemon containerd --config "$W/containerd.toml"; }

daemon_answers() { timeout 5 ctr --address "$W/containerd.sock" version >/dev/null 2>&1; }

engine_down() {
  kill -TERM "$(<"$W/daemon.pid")" || true
}

# image_up makes $W/image.tar.
image_up() {
  umoci init --layout "$W/image"
  umoci new --image "$W/image:$IMAGE"
  umoci insert --image "$W/image:$IMAGE" "$BASE_BUNDLE/rootfs" /
  tar -C "$W/image" -cf "$W/image.tar" .
}

# ctr_import NAMESPACE NAME FILE
ctr_import() {
  call ctr --address "$W/containerd.sock" --namespace "$1" images import --base-name "$2" "$3"
}
