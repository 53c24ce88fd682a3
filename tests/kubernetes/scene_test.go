package kubernetes

import (
	"fmt"
	"maps"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"runcsync/tests/kubernetes/node"
)

// story is a case: tell makes pods and sees them go. What a story's nature
// leaves alive when the object is gone is no fault of a runtime.
type story struct {
	name     string
	tell     func(s *scene)
	byNature bool // the API does not wait for the node
	// engines matches what the engine leaves for a while, whatever the runtime.
	engines *regexp.Regexp
}

// scene is a run of a story with one runtime.
type scene struct {
	*testing.T
	story   story
	runtime string
	mark    string // an entry in the environment of all its containers
	before  []string
	row     row

	since time.Time // the call that is to end the pods
	undo  []func()  // when all is ended

	mu   sync.Mutex
	gone map[string]departure // guarded by mu
	also map[string][]string  // of a pod, guarded by mu
}

// departure is a pod that is gone, and who of it lived at that moment.
type departure struct {
	at     time.Time
	living []string
}

const (
	soon    = 30 * time.Second // for what takes a moment on an idle machine
	markKey = "KUBERNETES_MARK"
)

var serial atomic.Int64

func begin(t *testing.T, c story, runtime string) *scene {
	s := &scene{
		T: t, story: c, runtime: runtime, gone: map[string]departure{}, also: map[string][]string{},
		mark: fmt.Sprintf("s%d", serial.Add(1)), row: row{Case: c.name, Runtime: runtime, Left: []string{}},
	}
	s.before = s.things()
	stop, err := world.API.Departures(s.departed)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.endAll)
	t.Cleanup(stop)
	return s
}

// departed is called at the moment at which an object is gone.
func (s *scene) departed(pod *node.Pod, at time.Time) {
	if pod.Metadata.Labels["scene"] != s.mark {
		return
	}
	living, err := world.Living(s.markOf(pod.Metadata.Name), "pod"+pod.Metadata.UID)
	if err != nil {
		living = []string{"the observer failed: " + err.Error()}
	}
	for _, line := range s.alsoLiving(pod.Metadata.Name) {
		if !slices.Contains(living, line) {
			living = append(living, line)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone[pod.Metadata.Name] = departure{at, living}
}

func (s *scene) departures() map[string]departure {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.gone)
}

// --- pods

// markOf is the entry by which the processes of a pod are known, those of its
// sandbox aside.
func (s *scene) markOf(pod string) string { return markKey + "=" + s.mark + "." + pod }

// name makes a name that no other scene has.
func (s *scene) name(role string) string { return s.mark + "-" + role }

// object is the beginning of a pod: in the host's PID namespace and network.
func (s *scene) object(role string, grace int, containers ...node.Object) node.Object {
	name := s.name(role)
	for _, c := range containers {
		c["env"] = []any{node.Object{"name": markKey, "value": s.mark + "." + name}}
	}
	return node.Object{
		"apiVersion": "v1", "kind": "Pod",
		"metadata": node.Object{
			"name": name, "labels": node.Object{"scene": s.mark},
			"annotations": node.Object{node.Annotation: "4s"},
		},
		"spec": node.Object{
			"nodeName": node.Name, "runtimeClassName": s.runtime,
			"hostNetwork": true, "hostPID": true, "automountServiceAccountToken": false, "enableServiceLinks": false,
			"terminationGracePeriodSeconds": grace, "restartPolicy": "Never", "containers": containers,
			"tolerations": []any{node.Object{"operator": "Exists"}},
		},
	}
}

// with changes a pod's spec.
func with(pod node.Object, changes node.Object) node.Object {
	for key, value := range changes {
		pod["spec"].(node.Object)[key] = value
	}
	return pod
}

// container runs a script.
func container(name, script string) node.Object {
	return node.Object{
		"name": name, "image": node.Image, "imagePullPolicy": "Never", "command": []any{"sh", "-c", script},
	}
}

func nameOf(pod node.Object) string { return pod["metadata"].(node.Object)["name"].(string) }

// create makes a pod without waiting for it, and returns its UID.
func (s *scene) create(pod node.Object) string {
	s.Helper()
	made, err := world.API.Create(pod)
	if err != nil {
		s.Fatal(err)
	}
	return made.Metadata.UID
}

// start makes a pod and returns when it is ready and that many processes live.
func (s *scene) start(pod node.Object, processes int) {
	s.Helper()
	s.create(pod)
	s.started(nameOf(pod), processes)
}

func (s *scene) started(name string, processes int) {
	s.Helper()
	s.wait(2*time.Minute, "pod "+name+" is ready", func() bool { return s.get(name).Ready() })
	s.wait(soon, fmt.Sprintf("%d processes of %s", processes, name), func() bool {
		return len(s.living(name)) >= processes
	})
}

func (s *scene) get(name string) *node.Pod {
	pod, err := world.API.Get(name)
	if err != nil {
		return &node.Pod{}
	}
	return pod
}

// living lists the processes of a pod's containers, of all its scene's without a
// name.
func (s *scene) living(name string) []string {
	living, err := world.Living(s.markOf(name), "")
	if err != nil {
		s.Fatal(err)
	}
	return living
}

// has tells whether a process of a pod's containers lives whose state and name end so.
func (s *scene) has(pod, ending string) bool {
	return slices.ContainsFunc(s.living(pod), func(line string) bool { return strings.HasSuffix(line, ending) })
}

// --- the end

// remove asks for the end of pods; that is from when on time counts.
func (s *scene) remove(names ...string) {
	s.Helper()
	s.since = time.Now()
	for _, name := range names {
		s.delete(name)
	}
}

// delete asks for the end of a pod that nobody takes the time of.
func (s *scene) delete(name string) {
	s.Helper()
	if err := world.API.Delete(name, nil); err != nil {
		s.Fatal(err)
	}
}

func (s *scene) removeNow(name string) {
	s.Helper()
	s.since = time.Now()
	if err := world.API.Delete(name, new(int)); err != nil {
		s.Fatal(err)
	}
}

// goneWithin waits until the objects are gone.
func (s *scene) goneWithin(limit time.Duration, names ...string) bool {
	return s.poll(limit, func() bool {
		all := s.departures()
		return !slices.ContainsFunc(names, func(name string) bool { _, ok := all[name]; return !ok })
	})
}

// seesGone waits for the end that remove has asked for, and takes it down.
func (s *scene) seesGone(limit time.Duration, names ...string) {
	s.Helper()
	if !s.goneWithin(limit, names...) {
		s.row.Gone = -1
		s.row.Note += fmt.Sprintf("not gone after %s; ", limit)
		if s.runtime == ours {
			s.Errorf("not gone after %s: %v", limit, s.report(names))
		}
		return
	}
	s.takeDown(names...)
}

func (s *scene) takeDown(names ...string) {
	s.Helper()
	all := s.departures()
	for _, name := range names {
		d := all[name]
		s.row.Pods++
		s.row.Alive += len(d.living)
		s.row.Gone = max(s.row.Gone, d.at.Sub(s.since).Milliseconds())
		if len(d.living) > 0 && s.runtime == ours && !s.story.byNature {
			s.Errorf("%s is gone, and alive are (pid, start, state, name): %s", name, strings.Join(d.living, "; "))
		}
	}
}

// end looks for what there is still, when everything is said to be gone.
func (s *scene) end() {
	s.Helper()
	var last time.Time
	for _, d := range s.departures() {
		if d.at.After(last) {
			last = d.at
		}
	}
	settled := s.poll(leftAfter, func() bool {
		if s.row.Alive > 0 && s.row.Late == 0 && len(s.allLiving()) == 0 {
			s.row.Late = time.Since(last).Milliseconds()
		}
		s.row.Left = s.left()
		return len(s.row.Left) == 0
	})
	if settled || s.runtime != ours {
		return
	}
	if left := slices.DeleteFunc(slices.Clone(s.row.Left), s.story.isEngines); len(left) > 0 {
		s.Errorf("left %s later: %s", leftAfter, strings.Join(left, "; "))
	}
}

func (c story) isEngines(thing string) bool { return c.engines != nil && c.engines.MatchString(thing) }

// leftAfter is when what is there still counts as left.
const leftAfter = 5 * time.Second

// left is what there is that was not there before the scene.
func (s *scene) left() []string {
	found := append([]string{}, s.allLiving()...)
	for _, thing := range s.things() {
		if !slices.Contains(s.before, thing) {
			found = append(found, thing)
		}
	}
	return found
}

// allLiving lists the processes of all containers of the scene.
func (s *scene) allLiving() []string {
	var found []string
	pids, err := node.Processes()
	if err != nil {
		s.Fatal(err)
	}
	for _, pid := range pids {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		if err == nil && strings.Contains(string(text), markKey+"="+s.mark+".") {
			found = append(found, fmt.Sprintf("process %d %s", pid, commOf(pid)))
		}
	}
	for _, pid := range s.allAlso() {
		if line := fmt.Sprintf("process %d %s", pid, commOf(pid)); !slices.Contains(found, line) {
			found = append(found, line)
		}
	}
	return found
}

func commOf(pid int) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)) // a process may end
	return strings.TrimSpace(string(text))
}

func (s *scene) things() []string {
	s.Helper()
	all, err := world.Things()
	if err != nil {
		s.Fatal(err)
	}
	return all
}

// report says what the API knows of pods, for a failure's message.
func (s *scene) report(names []string) []string {
	var said []string
	for _, name := range names {
		pod := s.get(name)
		said = append(said, fmt.Sprintf("%s: %s, deleted %q, %+v", name, pod.Status.Phase, pod.Metadata.DeletionTimestamp, pod.Status.ContainerStatuses))
		events, _ := world.API.Events(name) // it is a report of a failure already
		for _, e := range events {
			said = append(said, e.Reason+": "+e.Message)
		}
	}
	return said
}

// endAll leaves the node as it was, whatever became of the scene.
func (s *scene) endAll() {
	defer func() {
		for _, f := range s.undo {
			f()
		}
	}()
	selector := "?labelSelector=" + url.QueryEscape("scene="+s.mark)
	if err := world.API.Do("DELETE", "/api/v1/namespaces/default/pods"+selector, node.Object{
		"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0,
	}, nil); err != nil {
		s.Error(err)
	}
	if s.poll(soon, func() bool { return len(s.left()) == 0 }) {
		return
	}
	s.Logf("ended by force: %s", strings.Join(s.left(), "; "))
	for _, line := range s.left() {
		if f := strings.Fields(line); f[0] == "process" {
			pid, _ := strconv.Atoi(f[1])
			kill(pid)
		}
	}
}

// --- waiting

func (s *scene) poll(limit time.Duration, done func() bool) bool {
	end := time.Now().Add(limit * time.Duration(pace))
	for !done() {
		if time.Now().After(end) {
			return false
		}
		time.Sleep(20 * time.Millisecond)
	}
	return true
}

func (s *scene) wait(limit time.Duration, what string, done func() bool) {
	s.Helper()
	if !s.poll(limit, done) {
		s.Fatalf("waited %s for this: %s; %v", limit, what, s.report([]string{s.name("pod")}))
	}
}
