# bats runs setup_suite once before all files: it makes the root file system and
# the config.json that every test starts from.

setup_suite() {
  export RUNC=${RUNC:-$BATS_TEST_DIRNAME/../../runc}
  export BIN=$BATS_TEST_DIRNAME/../cmd/_bin
  export UPSTREAM=$BIN/upstream-runc
  HAS_WAIT=$("$RUNC" kill --help | grep -e --wait || true)
  HAS_KEEP=$("$RUNC" run --help | grep -e --keep || true)
  export HAS_WAIT HAS_KEEP
  # Upstream's words are the interface that callers have come to read; another
  # runtime may have words of its own, and no version of runc.
  RUNC_VERSION=$("$RUNC" --version | grep '^runc version' || true)
  export RUNC_VERSION
  export BASE_BUNDLE=$BATS_SUITE_TMPDIR/base

  mkdir -p "$BASE_BUNDLE"/rootfs/{bin,dev,etc,proc,root,run,sys,tmp}
  cp "$(command -v busybox)" "$BASE_BUNDLE/rootfs/bin/busybox"
  # Symbolic links: each bundle is one of hard links, and an inode has no more
  # than 65,000 of those on ext4.
  chroot "$BASE_BUNDLE/rootfs" /bin/busybox --install -s /bin
  echo 'root:x:0:0:root:/root:/bin/sh' >"$BASE_BUNDLE/rootfs/etc/passwd"
  echo 'root:x:0:' >"$BASE_BUNDLE/rootfs/etc/group"

  # Init, a child, one in a session of its own, one orphaned, and a shell with a
  # child. Init itself sleeps only while its children live, so they are six.
  cat >"$BASE_BUNDLE/rootfs/bin/six" <<'SIX'
#!/bin/sh
sleep 100 &
setsid sleep 100 &
(sleep 100 &)
sh -c "sleep 100 & wait" &
while :; do
  wait
  sleep 1
done
SIX
  chmod 755 "$BASE_BUNDLE/rootfs/bin/six"

  "$RUNC" spec --bundle "$BASE_BUNDLE" || {
    echo "$RUNC cannot write a config.json" >&2
    return 1
  }
  # A test that wants a terminal says so. MARK_OF_TEST becomes the entry of the
  # environment by which a test knows its processes.
  jq -c '.process.terminal = false | .process.args = ["sleep", "100"]
    | .process.env += ["MARK_OF_TEST"]' "$BASE_BUNDLE/config.json" >"$BASE_BUNDLE/config.json.new"
  mv "$BASE_BUNDLE/config.json.new" "$BASE_BUNDLE/config.json"
  [[ -n $RUNC_VERSION ]] || runs_here
}

# Another runtime may not know the machine's cgroup layout, or ask for capabilities
# that root lacks here: better said once than by every test.
runs_here() {
  local said bundle=$BATS_SUITE_TMPDIR/first id=first-${SUITE-$$}
  cp -al "$BASE_BUNDLE" "$bundle"
  jq -c '.process.args = ["true"]' "$BASE_BUNDLE/config.json" >"$bundle/config.json.new"
  mv "$bundle/config.json.new" "$bundle/config.json"
  said=$("$RUNC" --root "$BATS_SUITE_TMPDIR/state" run -b "$bundle" "$id" 2>&1 </dev/null) || {
    echo "$RUNC runs no container here: $said" >&2
    find /sys/fs/cgroup -type d -name "$id" -exec rmdir {} + 2>/dev/null || true
    return 1
  }
}
