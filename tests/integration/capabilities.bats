load helpers

# sets_are INH PRM EFF BND AMB, as lists of bit numbers: what the command printed
# of /proc/self/status.
sets_are() {
  local name value want bit sum
  for name in CapInh CapPrm CapEff CapBnd CapAmb; do
    want=$1
    shift
    value=$(awk -v name="$name:" '$1 == name { print $2 }' <<<"$stdout")
    sum=0
    for bit in $want; do
      sum=$((sum | 1 << bit))
    done
    ((16#$value == sum)) || fail "$name is $value, not the bits $want"
  done
}

status_of_init() {
  command_is cat /proc/self/status
  runc run -b "$BUNDLE" "$ID"
}

@test "capabilities: those of config.json and no others" {
  # KILL is bit 5, NET_BIND_SERVICE 10, AUDIT_WRITE 29: the default config.json.
  status_of_init
  sets_are "" "5 10 29" "5 10 29" "5 10 29" ""
}

@test "capabilities: each of the five sets by itself" {
  config '.process.capabilities = {
    bounding: ["CAP_CHOWN", "CAP_KILL", "CAP_SYS_ADMIN"], permitted: ["CAP_CHOWN", "CAP_KILL"],
    effective: ["CAP_KILL"], inheritable: ["CAP_KILL"], ambient: ["CAP_KILL"]} | .process.user.uid = 1000'
  # A user other than root keeps after exec what is ambient.
  status_of_init
  sets_are 5 5 5 "0 5 21" 5
}

@test "capabilities: none at all" {
  config '.process.capabilities = {}'
  status_of_init
  sets_are "" "" "" "" ""
}

@test "capabilities: without the object in config.json they are left as the caller's" {
  config 'del(.process.capabilities)'
  status_of_init
  diff <(grep CapBnd /proc/self/status) <(grep CapBnd <<<"$stdout")
}

@test "capabilities: a user other than root has none in effect" {
  config '.process.user = {uid: 1000, gid: 1000}'
  status_of_init
  sets_are "" "" "" "5 10 29" ""
}

@test "capabilities: exec has the container's, unless it is given more" {
  runc run -d -b "$BUNDLE" "$ID"
  runc exec "$ID" cat /proc/self/status
  sets_are "" "5 10 29" "5 10 29" "5 10 29" ""
  runc exec --cap CAP_CHOWN "$ID" cat /proc/self/status
  [[ $(awk '$1 == "CapEff:" { print $2 }' <<<"$stdout") == *21 ]]
}

@test "capabilities: an unknown name is told of and passed over" {
  config '.process.capabilities.bounding += ["CAP_MAKE_COFFEE"]'
  status_of_init
  stderr_has CAP_MAKE_COFFEE
  sets_are "" "5 10 29" "5 10 29" "5 10 29" ""
}
