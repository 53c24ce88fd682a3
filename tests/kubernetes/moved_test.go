package kubernetes

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"runcsync/tests/kubernetes/node"
)

// sandboxMoved: somebody has moved the process that holds the pod's namespaces to
// another cgroup, so that the sandbox has none in its own; the containers' are
// where they were. The pod is deleted and another one takes its place, as in a
// rollout of a daemonset.
func sandboxMoved(s *scene) {
	moved(s, func(pod *node.Pod) []string {
		own := s.living(pod.Metadata.Name)
		return slices.DeleteFunc(s.inCgroup(pod), func(line string) bool { return slices.Contains(own, line) })
	})
}

// processesMoved: the same with the processes of the container, of which nothing
// tells then that they are. They have closed what containerd reads of them: it
// waits for the end of that.
func processesMoved(s *scene) {
	moved(s, func(pod *node.Pod) []string { return s.living(pod.Metadata.Name) })
}

func moved(s *scene, which func(pod *node.Pod) []string) {
	pod := s.object("pod", 1, container("c", "exec >/dev/null 2>&1\n"+six))
	name := nameOf(pod)
	s.start(pod, 6)
	lines := which(s.get(name))
	if len(lines) == 0 {
		s.Fatalf("there is nobody to move: %v", s.inCgroup(s.get(name)))
	}
	cgroup := world.Cgroup + "/elsewhere-" + s.mark
	s.undo = append(s.undo, func() {
		if !s.poll(soon, func() bool { return node.RemoveCgroup(cgroup) == nil }) {
			s.Errorf("somebody is left in %s", cgroup)
		}
	})
	for _, line := range lines {
		pid, err := strconv.Atoi(strings.Fields(line)[0])
		if err == nil {
			err = node.Move(pid, cgroup)
		}
		if err != nil {
			s.Fatal(err)
		}
	}
	s.alsoOf(name, lines)
	s.remove(name)
	s.create(s.object("next", 1, container("c", six)))
	s.seesGone(soon, name)
	if d, ok := s.departures()[name]; ok {
		s.row.Note += fmt.Sprintf("%d of %d moved alive when it was gone", len(d.living), len(lines))
	}
	next := s.name("next")
	s.started(next, 6)
	s.delete(next)
	if !s.goneWithin(soon, next) {
		s.Error("the next pod is not gone")
	}
}

// inCgroup lists what lives in a pod's cgroup, its sandbox included.
func (s *scene) inCgroup(pod *node.Pod) []string {
	living, err := world.Living(markKey+"=none", "pod"+pod.Metadata.UID)
	if err != nil {
		s.Fatal(err)
	}
	return living
}

// alsoOf has processes be a pod's that nothing else tells to be: pid, start time.
func (s *scene) alsoOf(pod string, lines []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.also[pod] = lines
}

// alsoLiving lists those of a pod that live.
func (s *scene) alsoLiving(pod string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.also[pod]), func(line string) bool { return !node.Lives(line) })
}

// allAlso has the IDs of those that live, of all pods.
func (s *scene) allAlso() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	var pids []int
	for _, lines := range s.also {
		for _, line := range lines {
			if pid, err := strconv.Atoi(strings.Fields(line)[0]); err == nil && node.Lives(line) {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}
