package kubernetes

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"runcsync/tests/kubernetes/node"
)

// amidDeletion starts a pod of which one process is slow to die, asks for its
// end, and does something when the SIGKILL was sent and not all are dead.
func amidDeletion(s *scene, something func(pod string) error) {
	h := s.hang()
	pod := h.into(s.object("pod", 1, container("c", hangingChild)))
	name := nameOf(pod)
	s.start(pod, 2)
	s.remove(name)
	s.wait(soon, "the SIGKILL was sent", func() bool { return s.isStuck(name) })
	if err := something(name); err != nil {
		s.Fatal(err)
	}
	s.letGoLater(h, name)
	s.seesGone(2*time.Minute, name)
}

func kubeletKilled(s *scene) {
	amidDeletion(s, func(string) error {
		if err := world.Kubelet.Kill(); err != nil {
			return err
		}
		return world.StartKubelet()
	})
}

func containerdKilled(s *scene) {
	amidDeletion(s, func(string) error {
		if err := world.Containerd.Kill(); err != nil {
			return err
		}
		return world.StartContainerd()
	})
}

// shimKilled kills the shims that the scene has started.
func shimKilled(s *scene) {
	amidDeletion(s, func(string) error {
		killed := 0
		for _, thing := range s.left() {
			var pid int
			var name string
			if n, _ := fmt.Sscanf(thing, "process %d %s", &pid, &name); n == 2 && strings.HasPrefix(name, "containerd-shim") {
				kill(pid)
				killed++
			}
		}
		if killed == 0 {
			return fmt.Errorf("there is no shim to kill: %v", s.left())
		}
		return nil
	})
}

func kill(pid int) { _ = unix.Kill(pid, unix.SIGKILL) } // it may be gone

// deletedEarly deletes pods at every stage of their beginning.
func deletedEarly(s *scene) {
	var names []string
	for n := range 10 {
		pod := s.object(fmt.Sprintf("pod%d", n), 1, container("c", six))
		names = append(names, nameOf(pod))
		s.create(pod)
		time.Sleep(time.Duration(n) * 80 * time.Millisecond) // the stage
		s.remove(nameOf(pod))
	}
	s.seesGone(2*time.Minute, names...)
}

// createKilled: SIGKILL hits the runtime at several points of create, as that
// of a caller who has waited too long. kubelet tries again, and the pod is
// deleted between two tries.
func createKilled(s *scene) {
	fuse := filepath.Join(world.Dir, "fuse")
	defer os.Remove(fuse)
	var names []string
	for n, after := range []string{"0.01", "0.02", "0.03", "0.04", "0.06", "0.08", "0.1", "0.15"} {
		if err := os.WriteFile(fuse, []byte(after), 0o644); err != nil {
			s.Fatal(err)
		}
		pod := s.object(fmt.Sprintf("pod%d", n), 1, container("c", six))
		name := nameOf(pod)
		names = append(names, name)
		s.create(pod)
		s.wait(soon, "a create was killed, or none was in time", func() bool {
			return s.failedToCreate(name) || s.get(name).Ready()
		})
	}
	if err := os.Remove(fuse); err != nil {
		s.Fatal(err)
	}
	failed := 0
	for _, name := range names {
		if s.failedToCreate(name) {
			failed++
		}
	}
	s.row.Note = fmt.Sprintf("create failed for %d of %d", failed, len(names))
	if failed == 0 {
		s.Error("no create was killed")
	}
	s.remove(names...)
	s.seesGone(2*time.Minute, names...)
}

func (s *scene) failedToCreate(name string) bool {
	events, err := world.API.Events(name)
	if err != nil {
		s.Fatal(err)
	}
	for _, e := range events {
		if e.Type == "Warning" && strings.Contains(e.Reason+e.Message, "reate") {
			return true
		}
	}
	return false
}

// movedAway: somebody has moved all processes of the pod, its sandbox's too, to
// another cgroup, so that those of the container and the sandbox are empty. A
// daemon set's rollout deletes the pod and makes the next. Who was moved there is
// nobody's but for the two inits, which the runtime knows: these have to be dead,
// and the others are expected to live.
func movedAway(s *scene) {
	elsewhere := world.Cgroup + "/elsewhere-" + s.mark
	if err := node.MakeCgroup(elsewhere); err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { s.removeCgroup(elsewhere) })
	pod := s.object("pod", 2, container("c", six))
	uid := s.create(pod)
	s.started(nameOf(pod), 6)
	pids := s.inCgroup("pod" + uid)
	for _, pid := range pids {
		if err := node.MoveTo(elsewhere, pid); err != nil {
			s.Fatal(err)
		}
	}
	s.remove(nameOf(pod))
	s.seesGone(2*time.Minute, nameOf(pod))
	survivors := s.inCgroup(filepath.Base(elsewhere))
	s.row.Note += fmt.Sprintf("%d of %d live elsewhere", len(survivors), len(pids))
	if s.runtime == ours && len(survivors) != len(pids)-2 {
		s.Errorf("of %d processes %d live elsewhere, and not all but the two inits", len(pids), len(survivors))
	}
	for _, pid := range survivors {
		kill(pid)
	}
	next := s.object("next", 1, container("c", six))
	s.start(next, 6)
	if err := world.API.Delete(nameOf(next), nil); err != nil {
		s.Fatal(err)
	}
	if !s.goneWithin(soon, nameOf(next)) {
		s.Error("the next pod of the rollout is not gone")
	}
}

// inCgroup lists the living processes of cgroups of that name.
func (s *scene) inCgroup(name string) []int {
	living, err := world.Living(markKey+"=none", name)
	if err != nil {
		s.Fatal(err)
	}
	var pids []int
	for _, line := range living {
		var pid int
		if _, err := fmt.Sscan(line, &pid); err != nil {
			s.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}

func (s *scene) removeCgroup(path string) {
	roots, err := node.Hierarchies()
	if err != nil {
		s.Fatal(err)
	}
	for _, pid := range s.inCgroup(filepath.Base(path)) {
		kill(pid)
	}
	for _, root := range roots {
		dir := filepath.Join(root, path)
		if !s.poll(soon, func() bool { err = os.Remove(dir); return err == nil || os.IsNotExist(err) }) {
			s.Error(err)
		}
	}
}

func containerID(status string) string { return strings.TrimPrefix(status, "containerd://") }
