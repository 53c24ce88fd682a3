package kubernetes

import (
	"fmt"
	"regexp"
	"time"

	"runcsync/tests/kubernetes/node"
)

// In the order of users' pain.
var cases = []story{
	{name: "hostPID, children that fork", tell: forkingChildren},
	{name: "hostPID, sixty processes", tell: manyProcesses},
	{name: "hostPID, one is slow to die", tell: slowChild},
	{name: "one is slow to die", tell: slowPrivate},
	{name: "shareProcessNamespace, sidecar", tell: sidecar},
	{name: "preStop and grace period run out", tell: preStop},
	{name: "force, grace period 0", tell: forced, byNature: true},
	{name: "exec probe every second", tell: probed},
	{name: "none can die", tell: stuck},
	{name: "init dies, a child can't", tell: stuckChild},
	{name: "out of memory, restarted", tell: outOfMemory},
	{name: "fifty pods at once", tell: fifty},
	{name: "kubelet is SIGKILLed", tell: kubeletKilled},
	{name: "containerd is SIGKILLed", tell: containerdKilled},
	{name: "the shim is SIGKILLed", tell: shimKilled, engines: regexp.MustCompile(`^mount .*/sandboxes/[0-9a-f]+/shm$`)},
	{name: "node drain", tell: drained},
	{name: "deleted before they are ready", tell: deletedEarly},
	{name: "the runtime is SIGKILLed in create", tell: createKilled},
	{name: "sandbox moved to another cgroup", tell: sandboxMoved},
	{name: "container moved to another cgroup", tell: processesMoved, byNature: true, engines: regexp.MustCompile(`^process [0-9]+ (sh|sleep)$`)},
	{name: "privileged, containerd nested", tell: nested},
	{name: "the same with hostPID", tell: nestedHost},
	{name: "privileged, systemd nested", tell: systemdNested},
}

const (
	// six processes, whose init is not ended by TERM where it is PID 1.
	six = `sleep 300 & setsid sleep 300 & (sleep 300 &)
sh -c "sleep 300 & wait" & while :; do wait; sleep 1; done`
	// forking goes on for two minutes at the most. It is some twenty processes at
	// any time: the shim of a container without a PID namespace takes a second for
	// each exit above 32 while it waits for a runtime.
	forking = `for n in 1 2 3; do
  timeout 120 sh -c 'while :; do sleep 0.1 & sleep 0.02; done' &
done
setsid sleep 300 &
wait`
)

// deaf makes a script's shell, and what it starts, ignore TERM.
func deaf(script string) string { return "trap '' TERM\n" + script }

func forkingChildren(s *scene) {
	pod := s.object("pod", 2, container("c", forking))
	s.start(pod, 12)
	s.remove(nameOf(pod))
	s.seesGone(soon, nameOf(pod))
}

// manyProcesses are more than the shim's queue of exits takes.
func manyProcesses(s *scene) {
	pod := s.object("pod", 2, container("c", `for n in $(seq 60); do sleep 300 & done; wait`))
	s.start(pod, 61)
	s.remove(nameOf(pod))
	s.wait(soon, "the processes are dead", func() bool { return len(s.living(nameOf(pod))) == 0 })
	s.row.Note = fmt.Sprintf("all dead after %d ms", time.Since(s.since).Milliseconds())
	s.seesGone(2*time.Minute, nameOf(pod))
}

func sidecar(s *scene) {
	pod := with(s.object("pod", 2, container("main", six), container("sidecar", deaf(forking))), node.Object{
		"hostPID": false, "hostNetwork": false, "shareProcessNamespace": true,
	})
	s.start(pod, 18)
	s.remove(nameOf(pod))
	s.seesGone(soon, nameOf(pod))
}

func preStop(s *scene) {
	c := container("c", deaf(six))
	c["lifecycle"] = node.Object{"preStop": node.Object{"exec": node.Object{
		"command": []any{"sh", "-c", "sleep 300 & sleep 300"},
	}}}
	pod := s.object("pod", 3, c)
	s.start(pod, 6)
	s.remove(nameOf(pod))
	s.seesGone(soon, nameOf(pod))
}

// forced: the API does not wait for the node, so that all live when the object
// is gone; it is the end that counts. A pod of the same name follows at once.
func forced(s *scene) {
	pod := s.object("pod", 30, container("c", deaf(six)))
	s.start(pod, 6)
	s.removeNow(nameOf(pod))
	s.seesGone(soon, nameOf(pod))
	s.wait(soon, "the processes of the pod are gone", func() bool {
		s.row.Late = time.Since(s.since).Milliseconds() - s.row.Gone
		return len(s.living(nameOf(pod))) == 0
	})
	s.start(with(pod, node.Object{"terminationGracePeriodSeconds": 1}), 6)
	s.delete(nameOf(pod))
	s.wait(soon, "the second pod is gone", func() bool { return s.get(nameOf(pod)).Metadata.Name == "" })
}

// probed: each probe leaves a process, which is one of the container's.
func probed(s *scene) {
	c := container("c", deaf(six))
	c["livenessProbe"] = node.Object{
		"exec":          node.Object{"command": []any{"sh", "-c", "sleep 300 >/dev/null 2>&1 & sleep 0.5"}},
		"periodSeconds": 1, "timeoutSeconds": 5,
	}
	pod := s.object("pod", 4, c)
	s.start(pod, 9)
	s.remove(nameOf(pod))
	s.seesGone(soon, nameOf(pod))
}

// fifty pods of two processes, and of each a sandbox.
func fifty(s *scene) {
	var names []string
	for n := range 50 {
		pod := s.object(fmt.Sprintf("pod%d", n), 1, container("c", "sleep 300 & sleep 300"))
		s.create(pod)
		names = append(names, nameOf(pod))
	}
	for _, name := range names {
		s.started(name, 2)
	}
	s.remove(names...)
	s.seesGone(3*time.Minute, names...)
}

// drained does what kubectl drain does: no pod is to come, and each is evicted.
func drained(s *scene) {
	cordon := func(yes bool) {
		if err := world.API.Do("PATCH", "/api/v1/nodes/"+node.Name, node.Object{
			"spec": node.Object{"unschedulable": yes},
		}, nil); err != nil {
			s.Fatal(err)
		}
	}
	var names []string
	for n := range 10 {
		pod := s.object(fmt.Sprintf("pod%d", n), 1+n%3, container("c", six))
		if n%2 == 1 {
			with(pod, node.Object{"hostPID": false, "hostNetwork": false})
		}
		s.create(pod)
		names = append(names, nameOf(pod))
	}
	for _, name := range names {
		s.started(name, 6)
	}
	cordon(true)
	defer cordon(false)
	s.since = time.Now()
	for _, name := range names {
		if err := world.API.Evict(name); err != nil {
			s.Fatal(err)
		}
	}
	s.seesGone(time.Minute, names...)
}

// outOfMemory: init is what the kernel chooses; its children are not. Where the
// status says that a container has ended, none of it may live.
func outOfMemory(s *scene) {
	c := container("c", `sleep 300 & setsid sleep 300 & (sleep 300 &) ; sleep 1; exec tail /dev/zero`)
	c["resources"] = node.Object{"limits": node.Object{"memory": "64Mi"}}
	pod := with(s.object("pod", 1, c), node.Object{"restartPolicy": "Always"})
	name := nameOf(pod)
	s.create(pod)
	ended := ""
	s.wait(time.Minute, "the container was ended for its memory", func() bool {
		for _, c := range s.get(name).Status.ContainerStatuses {
			for _, state := range []node.ContainerState{c.State, c.LastState} {
				if state.Terminated != nil && state.Terminated.Reason == "OOMKilled" {
					ended = state.Terminated.ContainerID
				}
			}
		}
		return ended != ""
	})
	living, err := world.Living(markKey+"=none", containerID(ended))
	if err != nil {
		s.Fatal(err)
	}
	if s.row.Alive = len(living); s.row.Alive > 0 && s.runtime == ours {
		s.Errorf("its status says OOMKilled, and alive are %v", living)
	}
	s.remove(name)
	s.seesGone(soon, name)
}
