package kubernetes

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"runcsync/tests/kubernetes/node"
)

// hung is a directory in which whoever looks up a name waits until it is let
// go: tests/cmd/hungfs. Once it was sent SIGKILL it is in state D.
type hung struct {
	dir string
	cmd *exec.Cmd
}

func (s *scene) hang() *hung {
	s.Helper()
	h := &hung{dir: s.TempDir()}
	h.cmd = exec.Command(os.Getenv("HUNGFS"), h.dir)
	if err := h.cmd.Start(); err != nil {
		s.Fatal(err)
	}
	s.Cleanup(h.letGo)
	s.wait(soon, "hungfs has mounted", func() bool {
		text, err := os.ReadFile("/proc/self/mounts")
		return err == nil && bytes.Contains(text, []byte(h.dir+" "))
	})
	return h
}

func (h *hung) letGo() {
	if h.cmd.ProcessState == nil {
		_ = h.cmd.Process.Signal(unix.SIGTERM) // it may have ended
		_ = h.cmd.Wait()                       // the same
	}
}

// into mounts the directory in a pod's container.
func (h *hung) into(pod node.Object) node.Object {
	c := pod["spec"].(node.Object)["containers"].([]node.Object)[0]
	c["volumeMounts"] = []any{node.Object{"name": "hung", "mountPath": "/hung"}}
	return with(pod, node.Object{"volumes": []any{node.Object{"name": "hung", "hostPath": node.Object{"path": h.dir}}}})
}

const hangingChild = `cat /hung/name </dev/null >/dev/null 2>&1 & exec sleep 300`

// isStuck says whether a process of the pod was sent SIGKILL and can't die.
func (s *scene) isStuck(name string) bool { return s.has(name, " D cat") }

// letGoLater lets the slow one die a second and a half after its SIGKILL.
func (s *scene) letGoLater(h *hung, name string) {
	go func() {
		if s.poll(time.Minute, func() bool { return s.isStuck(name) }) {
			time.Sleep(1500 * time.Millisecond) // this is how slow it is
		}
		h.letGo()
	}()
}

func slowChild(s *scene) { slow(s, node.Object{}) }

func slowPrivate(s *scene) { slow(s, node.Object{"hostPID": false, "hostNetwork": false}) }

func slow(s *scene, changes node.Object) {
	h := s.hang()
	pod := with(h.into(s.object("pod", 1, container("c", hangingChild))), changes)
	s.start(pod, 2)
	s.letGoLater(h, nameOf(pod))
	s.remove(nameOf(pod))
	s.seesGone(soon, nameOf(pod))
}

// howLongStuck is longer than kubelet's first attempts at ending a pod.
const howLongStuck = 25 * time.Second

func stuck(s *scene) { cannotDie(s, `cat /hung/name & exec cat /hung/name`) }

func stuckChild(s *scene) { cannotDie(s, hangingChild) }

// cannotDie: as long as somebody lives the pod is not gone, the node serves
// others, and whoever looks can find out who it is; then all goes well.
func cannotDie(s *scene, script string) {
	h := s.hang()
	pod := h.into(s.object("pod", 1, container("c", script)))
	name := nameOf(pod)
	s.start(pod, 2)
	said := len(world.Kubelet.Says("still alive")) + len(world.Containerd.Says("still alive"))
	s.remove(name)

	other := s.object("other", 1, container("c", six))
	s.start(other, 6)
	s.delete(nameOf(other))
	if !s.goneWithin(soon, nameOf(other)) {
		s.Error("another pod of the node is not gone")
	}

	early := s.goneWithin(time.Until(s.since.Add(howLongStuck)), name)
	s.row.Note += s.whoIsNamed(name, said)
	if early {
		s.takeDown(name)
		h.letGo()
		return
	}
	s.row.Note += "; not gone until let go"
	s.keepWords(name)
	freed := time.Now()
	h.letGo()
	s.since = freed
	s.seesGone(2*time.Minute, name)
}

// whoIsNamed says where the survivors are named.
func (s *scene) whoIsNamed(name string, before int) string {
	var places []string
	events, err := world.API.Events(name)
	if err != nil {
		s.Error(err)
	}
	for _, e := range events {
		if strings.Contains(e.Message, "still alive") {
			places = append(places, "event "+e.Reason)
			break
		}
	}
	if len(world.Kubelet.Says("still alive"))+len(world.Containerd.Says("still alive")) > before {
		places = append(places, "logs")
	}
	if len(places) == 0 {
		if s.runtime == ours {
			s.Error("nobody is told who is still alive")
		}
		return "nobody is named"
	}
	return "named in: " + strings.Join(places, ", ")
}

// keepWords writes down what an operator gets to see, for the documentation.
func (s *scene) keepWords(name string) {
	var text strings.Builder
	for _, line := range s.report([]string{name}) {
		fmt.Fprintln(&text, line)
	}
	for _, d := range []*node.Daemon{world.Kubelet, world.Containerd} {
		for _, line := range d.Says("still alive") {
			fmt.Fprintln(&text, d.Name+": "+line)
		}
	}
	file := filepath.Join(filepath.Dir(os.Getenv("RESULTS")), "words-"+s.runtime)
	if err := os.WriteFile(file, []byte(text.String()), 0o644); err != nil {
		s.Error(err)
	}
}
