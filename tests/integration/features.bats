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

@test "features: arguments are refused" {
  refused 'requires exactly 0 argument' features extra
}
