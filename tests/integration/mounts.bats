load helpers

# mount JSON... adds mounts to config.json.
mount_is() {
  local one
  for one in "$@"; do
    config --argjson mount "$one" '.mounts += [$mount]'
  done
}

# bind SOURCE DESTINATION [OPTIONS-JSON]
bind() {
  mount_is "$(jq -nc --arg from "$1" --arg to "$2" --argjson options "${3:-[\"bind\"]}" \
    '{destination: $to, source: $from, type: "bind", options: $options}')"
}

# what_is SCRIPT runs it in the container, and prints what that printed.
what_is() {
  shell_is "$1"
  runc run -b "$BUNDLE" "$ID"
}

source_dir() {
  mkdir -p "$DIR/src/sub"
  echo "of the host" >"$DIR/src/file"
}

@test "mounts: a directory and a file are bound, the destinations made" {
  source_dir
  config '.root.readonly = false'
  bind "$DIR/src" /new/dir
  bind "$DIR/src/file" /new/file
  what_is 'cat /new/dir/file /new/file; echo changed >/new/file'
  stdout_is $'of the host\nof the host'
  [[ $(<src/file) == changed ]]
}

@test "mounts: a relative source counts from the bundle" {
  mkdir "$BUNDLE/beside"
  echo here >"$BUNDLE/beside/file"
  bind beside /tmp
  what_is 'cat /tmp/file'
  stdout_is here
}

@test "mounts: a source that does not exist is refused by name and leaves nothing" {
  bind "$DIR/none" /tmp
  refused "$DIR/none" run -b "$BUNDLE" "$ID"
  no_container "$ID"
  no_cgroups "$ID"
}

@test "mounts: a read-only bind cannot be written, its source can" {
  source_dir
  bind "$DIR/src" /tmp '["bind", "ro"]'
  what_is 'cat /tmp/file; touch /tmp/x 2>&1; true'
  stdout_is "of the host"$'\n'"touch: /tmp/x: Read-only file system"
  touch src/x
}

@test "mounts: bind shows one file system, rbind those below it as well" {
  source_dir
  mount -t tmpfs none src/sub
  touch src/sub/below
  mkdir "$BUNDLE/rootfs/"{one,all}
  bind "$DIR/src" /one '["bind"]'
  bind "$DIR/src" /all '["rbind"]'
  what_is 'ls /one/sub; echo -; ls /all/sub'
  umount src/sub
  stdout_is $'-\nbelow'
}

@test "mounts: rro makes all below read-only, ro the top alone" {
  source_dir
  mount -t tmpfs none src/sub
  mkdir "$BUNDLE/rootfs/"{top,all}
  bind "$DIR/src" /top '["rbind", "ro"]'
  bind "$DIR/src" /all '["rbind", "rro"]'
  what_is 'touch /top/x || echo top; touch /top/sub/x && echo below; touch /all/x || echo top; touch /all/sub/x || echo below too'
  umount src/sub
  stdout_is $'top\nbelow\ntop\nbelow too'
}

@test "mounts: options that forbid reach the kernel" {
  mount_is '{"destination": "/tmp", "source": "t", "type": "tmpfs",
    "options": ["nosuid", "nodev", "noexec", "noatime", "nodiratime"]}'
  what_is 'grep " /tmp " /proc/self/mountinfo'
  local option
  for option in nosuid nodev noexec noatime; do
    stdout_has "$option"
  done
}

@test "mounts: a tmpfs has the size and mode that it was given" {
  mount_is '{"destination": "/tmp", "source": "t", "type": "tmpfs", "options": ["size=64k", "mode=1711"]}'
  what_is 'stat -c %a /tmp; dd if=/dev/zero of=/tmp/big bs=1k count=100 2>&1 | grep -o "No space.*"'
  stdout_is $'1711\nNo space left on device'
}

@test "mounts: tmpcopyup fills a tmpfs with what it hides" {
  mkdir "$BUNDLE/rootfs/full"
  echo hidden >"$BUNDLE/rootfs/full/file"
  mount_is '{"destination": "/full", "source": "t", "type": "tmpfs", "options": ["tmpcopyup"]}'
  what_is 'cat /full/file; echo new >/full/file'
  stdout_is hidden
  [[ $(<"$BUNDLE/rootfs/full/file") == hidden ]]
}

@test "mounts: they are made in the order of config.json" {
  source_dir
  mount_is '{"destination": "/tmp", "source": "t", "type": "tmpfs", "options": ["mode=755"]}'
  bind "$DIR/src" /tmp/deeper
  what_is 'cat /tmp/deeper/file; ls /tmp'
  stdout_is $'of the host\ndeeper'
}

@test "mounts: a symbolic link in the destination stays inside of the root" {
  source_dir
  mkdir "$DIR/outside"
  ln -s "../../../../../../../../../../../..$DIR/outside" "$BUNDLE/rootfs/link"
  config '.root.readonly = false'
  bind "$DIR/src" /link/here
  what_is 'cat /link/here/file'
  stdout_is "of the host"
  [[ -z $(ls -A outside) ]]
}

@test "mounts: nothing may be mounted over parts of /proc" {
  source_dir
  bind "$DIR/src" /proc/sys
  refused "/proc" run -b "$BUNDLE" "$ID"
  no_container "$ID"
}

# propagation OPTION: the container's mount of a shared directory, and then what
# mounts appear on the other side. It prints "in" if the host's reaches the
# container, and leaves the container's for the caller to look at.
propagation() {
  mkdir -p src/from-host src/from-container
  mount --bind src src
  mount --make-shared src
  bind "$DIR/src" /tmp "[\"rbind\", \"$1\"]"
  config '.linux.rootfsPropagation = "shared"'
  may CAP_SYS_ADMIN
  runc run -d -b "$BUNDLE" "$ID"
  mount -t tmpfs host src/from-host
  runc exec "$ID" sh -c 'mount -t tmpfs ct /tmp/from-container; ! grep -q " /tmp/from-host " /proc/mounts || echo in'
}

out() { grep -q " $DIR/src/from-container " /proc/mounts; }

@test "mounts: rslave lets the host's mounts in and none out" {
  propagation rslave
  stdout_is in
  ! out || fail "the container's mount is on the host"
}

@test "mounts: rprivate lets none in and none out" {
  propagation rprivate
  stdout_is ""
  ! out || fail "the container's mount is on the host"
}

@test "mounts: rshared lets mounts in and out" {
  propagation rshared
  stdout_is in
  out || fail "the container's mount is not on the host"
}

@test "mounts: the root's propagation is as config.json says" {
  local mode want
  for mode in private slave shared; do
    config --arg mode "$mode" '.linux.rootfsPropagation = $mode'
    case $mode in
      private) want='^- ' ;;
      slave) want='^master:[0-9]+ - ' ;;
      shared) want='^shared:[0-9]+ ' ;;
    esac
    mount --make-rshared /
    what_is 'grep " / / \| / [^ ]* " /proc/self/mountinfo | awk "\$5 == \"/\" { \$1 = \$2 = \$3 = \$4 = \$5 = \$6 = \"\"; print }" | sed "s/^ *//"'
    mount --make-rprivate /
    [[ $stdout =~ $want ]] || fail "$mode gives:" "$stdout"
  done
}

@test "mounts: a propagation that does not exist is refused" {
  config '.linux.rootfsPropagation = "sideways"'
  refused sideways run -b "$BUNDLE" "$ID"
  no_container "$ID"
}

# idmapped: a directory whose file is of user 1000 and group 1000, seen through a
# mapping. It needs a file system that can do it (Linux 5.12).
idmapped() {
  source_dir
  chown 1000:1000 src/file
  mount_is "$(jq -nc --arg from "$DIR/src" --argjson mapping "$1" --arg option "${2:-idmap}" '
    {destination: "/tmp", source: $from, type: "bind", options: ["bind", $option],
     uidMappings: $mapping, gidMappings: $mapping}')"
}

@test "mounts: idmap shows other owners, without changing them" {
  idmapped '[{"containerID": 1000, "hostID": 5000, "size": 1}]'
  shell_is 'stat -c %u:%g /tmp/file'
  call "$RUNC" --root "$ROOT" run -b "$BUNDLE" "$ID"
  [[ $stderr != *"failed to set MOUNT_ATTR_IDMAP"* ]] || skip "the file system cannot be idmapped"
  stdout_is 5000:5000
  [[ $(stat -c %u:%g src/file) == 1000:1000 ]]
}

@test "mounts: idmap with mappings for users alone is refused" {
  source_dir
  mount_is "$(jq -nc --arg from "$DIR/src" '{destination: "/tmp", source: $from, type: "bind",
    options: ["bind", "idmap"], uidMappings: [{containerID: 0, hostID: 5, size: 1}]}')"
  refused "" run -b "$BUNDLE" "$ID"
  no_container "$ID"
}

@test "mounts: what the container mounts is gone with it" {
  source_dir
  bind "$DIR/src" /tmp
  runc run -d -b "$BUNDLE" "$ID"
  runc delete --force "$ID"
  ! grep -q "$DIR" /proc/self/mountinfo || fail "mounts left:" "$(grep "$DIR" /proc/self/mountinfo)"
}
