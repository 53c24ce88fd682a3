package kubernetes

import (
	"fmt"
	"time"

	"runcsync/tests/kubernetes/node"
)

func nested(s *scene) { nest(s, node.Object{"hostPID": false, "hostNetwork": false}) }

func nestedHost(s *scene) { nest(s, node.Object{}) }

// nest runs a containerd in a pod, and in that a container, whose cgroups are
// below those of the pod's container.
func nest(s *scene, changes node.Object) {
	name := s.name("pod")
	c := container("c", fmt.Sprintf(nestedScript, s.markOf(name)))
	c["securityContext"] = node.Object{"privileged": true}
	mounts := []any{node.Object{"name": "tmp", "mountPath": "/nested"}}
	volumes := []any{node.Object{"name": "tmp", "emptyDir": node.Object{"medium": "Memory"}}}
	for n, from := range []string{"/usr", "/lib", "/lib64", world.Engine, world.Programs[s.runtime], world.ImageFile} {
		volume := fmt.Sprintf("host%d", n)
		to := []string{"/usr", "/lib", "/lib64", "/engine", "/runc", "/image.tar"}[n]
		mounts = append(mounts, node.Object{"name": volume, "mountPath": to, "readOnly": true})
		volumes = append(volumes, node.Object{"name": volume, "hostPath": node.Object{"path": from}})
	}
	c["volumeMounts"] = mounts
	pod := with(s.object("pod", 2, c), node.Object{"volumes": volumes})
	s.start(with(pod, changes), 2)
	s.wait(time.Minute, "a container runs in the pod's containerd", func() bool { return s.has(name, " tail") })
	s.remove(name)
	s.seesGone(soon, name)
}

// The engine's programs, the runtime with its libraries and an image are the
// machine's. Whatever is not ended ends by itself.
const nestedScript = `export PATH=/bin:/usr/bin:/engine
cat >/nested/config.toml <<CONF
version = 3
root = "/nested/root"
state = "/nested/state"
disabled_plugins = ["io.containerd.cri.v1.runtime", "io.containerd.cri.v1.images", "io.containerd.grpc.v1.cri"]
[grpc]
  address = "/nested/socket"
[ttrpc]
  address = "/nested/ttrpc"
CONF
timeout 300 containerd --config /nested/config.toml &
until ctr --address /nested/socket version >/dev/null 2>&1; do sleep 0.1; done
ctr --address /nested/socket images import /image.tar
ctr --address /nested/socket run -d --runtime io.containerd.runc.v2 --runc-binary /runc --env %s \
  docker.io/library/busybox:tests nested timeout 300 tail -f /dev/null
wait`
