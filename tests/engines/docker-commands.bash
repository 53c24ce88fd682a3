# What podman's command line has in common with docker's.

engine_exec() { call "${CLIENT[@]}" exec "$@"; }
engine_logs() { call "${CLIENT[@]}" logs "$1"; }
engine_kill() { call "${CLIENT[@]}" kill -s "$2" "$1"; }
engine_stop() { call "${CLIENT[@]}" stop -t "$2" "$1"; }
engine_pause() { call "${CLIENT[@]}" pause "$1"; }
engine_restart() { call "${CLIENT[@]}" restart -t 1 "$1"; }
engine_is_running() { [[ $("${CLIENT[@]}" inspect -f '{{.State.Status}}' "$1") == running ]]; }
engine_id() { "${CLIENT[@]}" inspect -f '{{.Id}}' "$1"; }
