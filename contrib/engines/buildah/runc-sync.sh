# shellcheck shell=sh
# /etc/profile.d/runc-sync.sh: what buildah run uses, and a wrapper whose kills and
# removals wait.
export BUILDAH_ISOLATION=oci
export BUILDAH_RUNTIME=/usr/local/sbin/runc-sync
