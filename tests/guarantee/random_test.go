package guarantee

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"runcsync/tests/guarantee/rig"
)

// TestRandom ends random containers in random ways. A round is made from its
// seed alone; SEED=n ROUNDS=1 VIEWS=v has one again, up to timing.
func TestRandom(t *testing.T) {
	t.Parallel()
	first := seedOf(t)
	n := rounds(6, 1000)
	done := map[string]int{}
	for i := range n {
		seed := first + uint64(i)
		var what string
		ok := t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			what = newOrdeal(t, seed).run()
		})
		done[what]++
		if !ok {
			t.Errorf("again: SEED=%d ROUNDS=1 VIEWS=%s go test -run TestRandom", seed, os.Getenv("GUARANTEE_VIEW"))
		}
	}
	t.Logf("%d rounds from seed %d: %v", n, first, done)
}

// ordeal is one round.
type ordeal struct {
	*rig.Rig
	t     *testing.T
	rnd   *rand.Rand
	c     *rig.Container
	pids  string
	story []string // what was done to the container
}

func newOrdeal(t *testing.T, seed uint64) *ordeal {
	return &ordeal{Rig: rig.Open(t), t: t, rnd: rand.New(rand.NewPCG(seed, 3))}
}

func (o *ordeal) chance(one int) bool { return o.rnd.IntN(one) == 0 }

func (o *ordeal) tell(format string, args ...any) {
	o.story = append(o.story, fmt.Sprintf(format, args...))
}

// run returns the way in which the container was ended.
func (o *ordeal) run() string {
	defer func() {
		if o.t.Failed() || os.Getenv("STORY") != "" {
			o.t.Logf("what was done: %s", strings.Join(o.story, "; "))
		}
	}()
	o.begin()
	o.cgroups()
	o.signals()
	o.execs()
	if o.chance(5) {
		o.tell("pause")
		if res := o.Run("pause", o.c.ID); res.Status != 0 {
			o.tell("refused: %s", res.Stderr)
		}
	}
	return o.end()
}

// begin starts a container with a random tree of processes.
func (o *ordeal) begin() {
	o.pids = []string{rig.HostPIDs, rig.PrivatePIDs}[o.rnd.IntN(2)]
	size := []int{1, 3, 10, 40, 180}[o.rnd.IntN(5)]
	seed := o.rnd.Uint64()
	spec := rig.Spec{
		Args: []string{"thicket", fmt.Sprint(seed), fmt.Sprint(size)}, PIDs: o.pids, Limit: 600,
	}
	spec.Nested = o.chance(4)
	o.tell("%s pids, thicket %d %d, nested %v", o.pids, seed, size, spec.Nested)
	o.c = o.New(spec).Run()
	if o.chance(4) {
		return // while it still grows
	}
	ready := filepath.Join("/proc", fmt.Sprint(o.c.Pid()), "root/tmp/ready")
	o.Await("the thicket to have grown", func() bool {
		_, err := os.Stat(ready)
		return err == nil
	})
}

// cgroups spreads processes over nested cgroups, which it may freeze. What the
// kernel refuses is left out. The dice are thrown the same number of times
// whatever is alive, or a seed would not tell the round.
func (o *ordeal) cgroups() {
	for range o.rnd.IntN(4) {
		hs := o.Hierarchies()
		h := hs[o.rnd.IntN(len(hs))]
		name := []string{"a", "a/b", "c", "c/d/e"}[o.rnd.IntN(4)]
		threaded, freeze := o.chance(4), o.chance(2)
		picks := make([]float64, 1+o.rnd.IntN(30))
		for i := range picks {
			picks[i] = o.rnd.Float64()
		}
		alive := o.c.Alive()
		if _, err := os.Stat(o.c.Dir(h)); err != nil || len(alive) == 0 {
			continue
		}
		o.tell("%d into %s of %s", len(picks), name, h)
		dir := o.c.Sub(h, name)
		if h.V2 && threaded {
			o.tell("%s threaded: %v", dir, write(dir, "cgroup.type", "threaded"))
			p := alive[int(picks[0]*float64(len(alive)))]
			tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", p.Pid))
			for _, task := range tasks {
				o.tell("thread %s into %s: %v", task.Name(), dir, write(dir, "cgroup.threads", task.Name()))
			}
			continue
		}
		for _, pick := range picks {
			_ = write(dir, "cgroup.procs", fmt.Sprint(alive[int(pick*float64(len(alive)))].Pid))
		}
		switch {
		case h.V2 && freeze:
			o.tell("freeze %s: %v", dir, write(dir, "cgroup.freeze", "1"))
		case slices.Contains(h.Controllers, "freezer") && freeze:
			o.tell("freeze %s: %v", dir, write(dir, "freezer.state", "FROZEN"))
		}
	}
}

// write writes to a control file as the kernel lets it.
func write(dir, file, text string) error {
	return os.WriteFile(filepath.Join(dir, file), []byte(text), 0)
}

func (o *ordeal) signals() {
	stop, pick := o.chance(3), o.rnd.Float64()
	if alive := o.c.Alive(); stop && len(alive) > 0 {
		p := alive[int(pick*float64(len(alive)))]
		o.tell("stop %d: %v", p.Pid, unix.Kill(p.Pid, unix.SIGSTOP))
	}
	if o.chance(10) {
		o.tell("kill init %d: %v", o.c.Pid(), unix.Kill(o.c.Pid(), unix.SIGKILL))
	}
}

// execs starts up to three, of which nobody waits for the end.
func (o *ordeal) execs() {
	for range o.rnd.IntN(4) {
		o.tell("exec")
		o.Start("exec", "-d", o.c.ID, "crowd", "2")
	}
}

const signalled = "a signal, then SIGKILL"

// end ends the container, checks that it is gone, and removes it.
func (o *ordeal) end() string {
	time.Sleep(time.Duration(o.rnd.IntN(3000)) * time.Microsecond)
	kill := []string{"kill", "--wait", o.c.ID, "KILL"}
	remove := []string{"delete", "--force", "--wait", o.c.ID}
	ways := []struct {
		name string
		do   func() rig.Result
	}{
		{"kill", func() rig.Result { return o.do(kill...) }},
		{"delete", func() rig.Result { return o.do(remove...) }},
		{"kill, then wait", func() rig.Result {
			o.do("kill", "--all", o.c.ID, "KILL")
			return o.do("kill", "--wait", "--all", "--kill-after=20ms", o.c.ID, "0")
		}},
		{signalled, func() rig.Result {
			sig := []string{"TERM", "INT", "HUP", "USR1", "CONT", "STOP", "34"}[o.rnd.IntN(7)]
			after := time.Duration(1+o.rnd.IntN(50)) * time.Millisecond
			return o.do("kill", "--wait", "--kill-after="+after.String(), o.c.ID, sig)
		}},
		{"a killed kill, then a kill", func() rig.Result {
			o.cutOff(kill)
			return o.do(kill...)
		}},
		{"a killed delete, then a delete", func() rig.Result {
			o.cutOff(remove)
			return o.do(remove...)
		}},
	}
	way := ways[o.rnd.IntN(len(ways))]
	res := way.do()
	if res.Status != 0 && !saysDone(res) {
		o.t.Error(res)
	}
	// A signal other than SIGKILL is init's alone in a PID namespace; without
	// init it is refused, whoever else is left.
	if res.Status == 0 || way.name != signalled {
		o.c.Gone(res)
	}
	if _, err := os.Stat(o.c.StateDir()); err == nil {
		res = o.do(remove...)
	}
	o.c.Removed(res)
	return way.name
}

func (o *ordeal) do(args ...string) rig.Result {
	res := o.Run(args...)
	o.tell("%v: %d after %s", args, res.Status, res.Took.Round(time.Millisecond))
	return res
}

// cutOff runs runc and kills it at a random system call.
func (o *ordeal) cutOff(args []string) {
	at := 250 + o.rnd.IntN(700)
	tr, _ := traced(o.t, o.Rig, at, args...)
	o.tell("%v, cut off at call %d (%d)", args, at, tr.killedAt)
}
