// Package kubernetes has the tests of pods on a node: what is alive and what is
// left when the API says that a pod is gone, with this runtime and with
// upstream's in turn. script/kubernetes runs them.
package kubernetes

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"runcsync/tests/kubernetes/node"
)

// The runtime classes: this project's runtime, and upstream's.
const (
	ours     = "runc-sync"
	upstream = "upstream"
)

var (
	world *node.Node
	runs  = 1
	pace  = 1 // how many times longer anything may take than on an idle machine
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir := os.Getenv("KUBERNETES_DIR")
	if dir == "" {
		return m.Run() // TestPods says what is missing
	}
	if n, err := strconv.Atoi(os.Getenv("RUNS")); err == nil {
		runs = n
	}
	if n, err := strconv.Atoi(os.Getenv("SLOW")); err == nil {
		pace = n
	}
	since := time.Now()
	config, err := configuration(dir)
	if err == nil {
		world, err = node.Start(config)
		defer world.Stop()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "no node:", err)
		return 1
	}
	fmt.Printf("the node takes pods after %d s\n", int(time.Since(since).Seconds()))
	return m.Run()
}

// configuration reads what script/kubernetes says.
func configuration(dir string) (node.Config, error) {
	c := node.Config{
		Dir: dir, Binaries: os.Getenv("KUBERNETES_BIN"), Engine: os.Getenv("ENGINE_BIN"),
		Cgroup: "/" + os.Getenv("SUITE"), Address: os.Getenv("NODE_ADDRESS"), Alive: os.Getenv("ALIVE"),
		Handlers: map[string]string{}, Programs: map[string]string{}, Slow: pace,
	}
	if os.Getenv("DRIVER") == "systemd" {
		c.Systemd, c.Cgroup = true, "/"
	}
	for class, path := range map[string]string{ours: os.Getenv("RUNC"), upstream: os.Getenv("UPSTREAM")} {
		runtime, err := filepath.EvalSymlinks(path)
		if err != nil {
			return c, fmt.Errorf("runtime of %s: %w", class, err)
		}
		c.Programs[class] = runtime
		c.Handlers[class] = filepath.Join(dir, class)
		if err := os.WriteFile(c.Handlers[class], []byte(wrapper(dir, runtime)), 0o755); err != nil {
			return c, err
		}
	}
	return c, nil
}

// wrapper stands between containerd and a runtime: as long as there is a file
// "fuse", each create is ended as an engine's time-out ends it, after as many
// seconds as the file says.
func wrapper(dir, runtime string) string {
	return fmt.Sprintf(`#!/bin/sh
fuse=%[1]s/fuse
if [ -e $fuse ]; then
  for word; do
    [ "$word" != create ] || exec timeout --foreground -s KILL "$(cat $fuse)" %[2]s "$@"
  done
fi
exec %[2]s "$@"
`, dir, runtime)
}

// row is what was seen in one run of a case, for the table.
type row struct {
	Case    string `json:"case"`
	Runtime string `json:"runtime"`
	Pods    int    `json:"pods"`
	// Alive is how many processes lived at the moment at which their pod's object
	// was gone, all pods together.
	Alive int `json:"alive"`
	// Gone is how many milliseconds after the call the last object was gone; -1 is
	// never.
	Gone int64 `json:"gone"`
	// Late is how many milliseconds after that the last process was.
	Late int64 `json:"late"`
	// Left lists what there was some seconds later still.
	Left []string `json:"left"`
	Note string   `json:"note,omitempty"`
}

var rows sync.Mutex

func (r row) write(t *testing.T) {
	rows.Lock()
	defer rows.Unlock()
	file, err := os.OpenFile(os.Getenv("RESULTS"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := json.NewEncoder(file).Encode(r); err != nil {
		t.Fatal(err)
	}
}

// TestPods runs each case with each runtime, in turn.
func TestPods(t *testing.T) {
	if world == nil {
		t.Skip("there is no node: make test-kubernetes starts one, in namespaces of its own")
	}
	for _, c := range cases {
		for range runs {
			for _, runtime := range []string{ours, upstream} {
				t.Run(c.name+"/"+runtime, func(t *testing.T) { play(t, c, runtime) })
			}
		}
	}
}

func play(t *testing.T, c story, runtime string) {
	if want := os.Getenv("RUNTIMES"); want != "" && want != runtime {
		t.Skipf("RUNTIMES is %s", want)
	}
	s := begin(t, c, runtime)
	c.tell(s)
	s.end()
	slices.Sort(s.row.Left)
	s.row.write(t)
	t.Logf("%+v", s.row)
}
