load helpers

@test "spec: writes a config.json that runs" {
  mkdir new
  cd new
  runc spec
  jq -e '.ociVersion and .process.args == ["sh"] and .root.path == "rootfs" and .process.terminal' config.json
  cp -a "$BUNDLE/rootfs" .
  config --bundle . '.process.terminal = false | .process.args = ["echo", "it runs"]'
  runc run "$ID"
  stdout_is "it runs"
}

@test "spec --bundle (-b) writes into the bundle" {
  mkdir one two
  runc spec --bundle one
  runc spec -b "$DIR/two"
  cmp one/config.json two/config.json
}

@test "spec --rootless maps the caller and drops what only root may do" {
  mkdir new
  runc spec --rootless --bundle new
  jq -e --argjson uid "$(id -u)" '
    (.linux.namespaces | map(.type) | index("user"))
    and .linux.uidMappings == [{containerID: 0, hostID: $uid, size: 1}]
    and (.linux | has("resources") | not)
    and (.mounts | map(.options // [] | map(select(startswith("gid=")))) | flatten == [])' new/config.json
}

@test "spec: an existing config.json is not overwritten" {
  local before
  before=$(<"$BUNDLE/config.json")
  refused "File config.json exists. Remove it first" spec -b "$BUNDLE"
  [[ $(<"$BUNDLE/config.json") == "$before" ]]
}

@test "spec: a bundle that is no directory, and arguments, are refused" {
  refused nowhere spec -b "$DIR/nowhere"
  refused 'requires exactly 0 argument' spec extra
}
