package kubernetes

import (
	"fmt"
	"os"
	"time"

	"runcsync/tests/kubernetes/node"
)

// systemdNested: PID 1 of a privileged pod is systemd, in a Debian tree and a
// cgroup namespace of its own. Its service's cgroup is below the pod's.
func systemdNested(s *scene) {
	tree := os.Getenv("TREE")
	if tree == "" {
		s.Skip("there is no Debian tree (script/vm-root makes one)")
	}
	name := s.name("pod")
	c := container("c", fmt.Sprintf(systemdScript, s.markOf(name)))
	c["securityContext"] = node.Object{"privileged": true}
	c["volumeMounts"] = []any{
		node.Object{"name": "tree", "mountPath": "/debian", "readOnly": true},
		node.Object{"name": "tmp", "mountPath": "/nested"},
	}
	s.start(with(s.object("pod", 2, c), node.Object{
		"hostPID": false, "hostNetwork": false,
		"volumes": []any{
			node.Object{"name": "tree", "hostPath": node.Object{"path": tree}},
			node.Object{"name": "tmp", "emptyDir": node.Object{"medium": "Memory"}},
		},
	}), 1)
	s.wait(time.Minute, "a service of the pod's systemd runs", func() bool { return s.has(name, " tail") })
	s.row.Note = fmt.Sprintf("%d processes", len(s.inCgroup(s.get(name))))
	s.remove(name)
	s.seesGone(soon, name)
}

// The layout of cgroups is the machine's; busybox has no unshare that makes a
// namespace of them.
const systemdScript = `set -e
export PATH=/usr/sbin:/usr/bin:/bin
mkdir /nested/upper /nested/work /nested/tree
mount -t overlay -o lowerdir=/debian,upperdir=/nested/upper,workdir=/nested/work none /nested/tree
unit=/nested/tree/etc/systemd/system
mkdir -p $unit/multi-user.target.wants
cat >$unit/crowd.service <<UNIT
[Service]
Environment=%s
ExecStart=/bin/sh -c "sleep 300 & setsid sleep 300 & exec tail -f /dev/null"
UNIT
ln -s ../crowd.service $unit/multi-user.target.wants/
cat >/nested/tree/start <<'START'
set -e
mount --make-rprivate /
cd /nested/tree
mount -t proc none proc
mount -t sysfs none sys
mount -t tmpfs none run
mount --rbind /dev dev
if [ "$(stat -fc %%T /sys/fs/cgroup)" = cgroup2fs ]; then
  mount -t cgroup2 none sys/fs/cgroup
  options=systemd.unified_cgroup_hierarchy=1
else
  mount -t tmpfs none sys/fs/cgroup
  sed -n 's/^[0-9]*:\([^:]\+\):.*/\1/p' /proc/self/cgroup | while read -r names; do
    mkdir "sys/fs/cgroup/${names#name=}"
    case $names in name=*) names=none,$names ;; esac
    mount -t cgroup -o "$names" none "sys/fs/cgroup/${names#none,name=}"
  done
  [ -d sys/fs/cgroup/systemd ] || { mkdir sys/fs/cgroup/systemd && mount -t cgroup -o none,name=systemd none sys/fs/cgroup/systemd; }
  mkdir sys/fs/cgroup/unified
  mount -t cgroup2 none sys/fs/cgroup/unified
  options="systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=0"
fi
mkdir old
pivot_root . old
umount -l old
exec env container=pod PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --show-status=0 --log-target=null $options
START
for name in lib lib64 usr; do
  ln -s "/debian/$name" /
done
exec /usr/bin/unshare -C -m sh -e /nested/tree/start`
