load helpers

@test "--no-pivot: the container sees its own root and no mount of the host" {
  mkdir outside
  mount -t tmpfs of-the-host outside
  shell_is 'cat /etc/passwd; grep of-the-host /proc/mounts; ls -d /work /home 2>/dev/null; true'
  runc run --no-pivot -b "$BUNDLE" "$ID"
  umount outside
  stdout_is root:x:0:0:root:/root:/bin/sh
}

@test "--no-pivot: mounts and the read-only root are as they are without it" {
  echo text >file
  config --arg from "$DIR/file" '.mounts += [{destination: "/etc/group", source: $from, type: "bind", options: ["bind"]}]'
  shell_is 'cat /etc/group; touch /x 2>&1; true'
  runc run --no-pivot -b "$BUNDLE" "$ID"
  stdout_is $'text\ntouch: /x: Read-only file system'
}

@test "--no-pivot: exec into such a container sees the same root" {
  runc run -d --no-pivot -b "$BUNDLE" "$ID"
  runc exec "$ID" cat /etc/passwd
  stdout_is root:x:0:0:root:/root:/bin/sh
}
