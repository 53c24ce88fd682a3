load helpers

@test "features: prints the specification's structure" {
  runc features
  stdout_json '
    (.ociVersionMin | startswith("1.")) and (.ociVersionMax | startswith("1."))
    and (.hooks | index("poststop")) and (.mountOptions | index("bind"))
    and (.linux.namespaces | index("pid")) and (.linux.capabilities | index("CAP_KILL"))
    and .linux.cgroup.v1 and .linux.cgroup.v2 and .linux.seccomp.enabled
    and (.annotations | has("org.opencontainers.runc.version"))'
}

# What is told has to be true: that it is taken, and by both commands.
@test "features: tells whether kill and delete take --wait" {
  runc features
  if [[ -z $HAS_WAIT ]]; then
    stdout_json '.annotations | has("runcsync.wait.enabled") | not'
    return
  fi
  stdout_json '.annotations["runcsync.wait.enabled"] == "true"'
  runc run -d -b "$BUNDLE" "$ID"
  runc kill --wait --timeout 10s "$ID" KILL
  runc delete --force --wait --timeout 10s "$ID"
}

@test "features: arguments are refused" {
  refused 'requires exactly 0 argument' features extra
}
