load ../integration/helpers

# A Debian with the distribution's own runc, made once.
setup_file() {
  export TREE=$BATS_FILE_TMPDIR/debian
  local sources=()
  mapfile -t sources < <(find /etc/apt/sources.list /etc/apt/sources.list.d -type f \( -name '*.list' -o -name '*.sources' \) -exec grep -lE '^(deb |Types:)' {} +)
  local release
  # shellcheck source=/dev/null
  release=$(. /etc/os-release && echo "$VERSION_CODENAME")
  # In a mount namespace, since it mounts into the tree.
  timeout 400 unshare -m --propagation private mmdebstrap --mode=root --variant=essential --include=runc,mount \
    --format=directory "$release" "$TREE" "${sources[@]}" </dev/null >"$BATS_FILE_TMPDIR/log" 2>&1 3>&- ||
    fail "mmdebstrap made no tree" "$(tail -n 20 "$BATS_FILE_TMPDIR/log")"
}

package() {
  local found=("$BATS_TEST_DIRNAME"/../../dist/*."$1")
  ((${#found[@]} == 1)) || fail "not one package:" "${found[@]}"
  echo "${found[0]}"
}

# in_tree CMD... runs a command that sees the tree as its whole file system,
# with a /run of its own, in a mount namespace that ends with it.
in_tree() {
  timeout 120 unshare -m --propagation private bash -ec '
    tree=$1
    shift
    mount --bind "$tree" "$tree"
    for dir in proc sys dev; do mount --rbind "/$dir" "$tree/$dir"; done
    mount -t tmpfs none "$tree/run"
    cd "$tree"
    pivot_root . .
    umount -l .
    cd /
    exec /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"' in_tree "$TREE" "$@" </dev/null 3>&-
}

# contents DIR lists what is there, but for what dpkg and rpm note down for
# themselves. Whether a directory has become larger does not matter.
contents() {
  (cd "$1" && find . -path ./var/lib/dpkg -prune -o -path ./root/.rpmdb -prune -o -name dpkg.log -prune -o \
    \( -type d -printf '%p %m %U:%G\n' -o -printf '%p %m %U:%G %s %l\n' \) | sort)
}

nothing_has_changed() {
  local left
  left=$(diff "$DIR/before" <(contents "$1")) || fail "not as before the installation:" "$left"
}

@test "deb: stands beside a distribution's runc, runs a container, leaves nothing" {
  local deb script
  deb=$(package deb)
  contents "$TREE" >"$DIR/before"
  cp "$deb" "$TREE/tmp/runc-sync.deb"
  in_tree dpkg -i /tmp/runc-sync.deb
  rm "$TREE/tmp/runc-sync.deb"

  # The distribution's is what it was, and what its name calls.
  [[ $(in_tree runc --version | head -n 1) != *+sync* ]]
  [[ $(in_tree runc-sync --version | head -n 1) == "runc version $("$BATS_TEST_DIRNAME/../../script/version")" ]]
  [[ -z $(comm -12 <(files_of runc) <(files_of runc-sync)) ]] || fail "files that both packages have"
  grep -q . <(zcat "$TREE/usr/share/man/man8/runc-sync-kill.8.gz")
  grep -q 'Apache License' "$TREE/usr/share/doc/runc-sync/copyright"

  six_processes
  config --arg path "/$ID" '.linux.cgroupsPath = $path'
  cp -a "$BUNDLE" "$TREE/tmp/bundle"
  script='
    runc-sync run -d -b /tmp/bundle "$1"
    runc-sync exec "$1" echo entered
    runc-sync kill --wait --format json "$1" KILL
    runc-sync delete --wait "$1"
    test -z "$(ls /run/runc)"'
  in_tree sh -ec "$script" sh "$ID" >"$DIR/out"
  grep -qx entered "$DIR/out"
  grep -q '"drained":true' "$DIR/out"
  none_living
  [[ -z $(cgroups_like "$ID") ]]
  rm -rf "$TREE/tmp/bundle"

  in_tree dpkg --purge runc-sync
  nothing_has_changed "$TREE"
}

files_of() { in_tree dpkg -L "$1" | while read -r file; do [[ -d $TREE$file ]] || echo "$file"; done | sort; }

@test "deb: an example configuration for each engine names the runtime that is installed" {
  local file examples=$BATS_TEST_DIRNAME/../../contrib/engines
  [[ -d $examples ]] || skip "there are no examples yet"
  dpkg-deb -x "$(package deb)" "$DIR/deb"
  cd "$DIR/deb/usr/share/doc/runc-sync/engines"
  diff <(cd "$examples" && find . -type f | sort) <(find . -type f | sort)
  ! grep -rn /usr/local . || fail "examples that name what is not there"
  while read -r file; do
    [[ -x $DIR/deb/$file ]] || fail "an example names $file, which is not there"
  done < <(grep -rhoE '/usr/lib/runc-sync/[a-z-]+' . | sort -u)
}

@test "rpm: has what the deb has, and leaves nothing" {
  local rpm root=$DIR/root
  rpm=$(package rpm)
  dpkg-deb -x "$(package deb)" "$DIR/deb"
  mv "$DIR/deb/usr/share/zsh/vendor-completions" "$DIR/deb/usr/share/zsh/site-functions"
  diff <(cd "$DIR/deb" && find . ! -type d | cut -c 2- | sort) <(rpm -qlvp "$rpm" | awk '!/^d/ { print $9 }' | sort)

  mkdir -p "$root"
  rpm --root "$root" --initdb
  mkdir -p "$root"/usr/{bin,lib,share/{bash-completion/completions,doc,fish/vendor_completions.d,man/man8,zsh/site-functions}}
  contents "$root" >"$DIR/before"
  # Without dependencies: this root has neither a shell nor a file system package.
  rpm --root "$root" -i --nodeps "$rpm"
  [[ $("$root/usr/bin/runc-sync" --version | head -n 1) == *+sync* ]]
  rpm --root "$root" -e --nodeps runc-sync
  nothing_has_changed "$root"
}
