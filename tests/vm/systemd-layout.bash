# systemd_layout v1|hybrid|v2 prints the options that have systemd use that cgroup
# layout: a kernel command line's, or, in namespaces, its own.
systemd_layout() {
  case $1 in
    v2) echo systemd.unified_cgroup_hierarchy=1 ;;
    hybrid) echo systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=0 ;;
    v1) echo systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=1 ;;
    *)
      echo "\"$1\" is no cgroup layout" >&2
      return 2
      ;;
  esac
}
