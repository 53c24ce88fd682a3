package kubernetes

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
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

func containerID(status string) string { return strings.TrimPrefix(status, "containerd://") }
