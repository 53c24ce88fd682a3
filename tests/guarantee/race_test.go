package guarantee

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"runcsync/tests/guarantee/rig"
)

// ender is a command that ends a container and returns when it is gone.
type ender struct {
	name string
	args func(id string) []string
	// late is the error of an exec that came too late.
	late string
}

var enders = []ender{
	{"kill", func(id string) []string { return []string{"kill", "--wait", id, "KILL"} }, "cannot exec in a stopped container"},
	{"delete", func(id string) []string { return []string{"delete", "--force", "--wait", id} }, "container does not exist"},
}

// check is that the container is as the command has to leave it.
func (e ender) check(c *rig.Container, res rig.Result) {
	if e.name == "delete" {
		c.Removed(res)
	} else {
		c.Stopped(res)
	}
}

// tally counts what became of execs that raced with the end of a container.
type tally struct {
	rounds   int
	won      int // the process was started, and killed
	hit      int // killed on the way into the container
	late     int // told that the container is stopped or gone
	surprise string
}

func (s *tally) String() string {
	return fmt.Sprintf("%d rounds, execs: %d started and killed, %d killed while starting, %d refused", s.rounds, s.won, s.hit, s.late)
}

// add counts one exec. A foreground one ends with its process, by SIGKILL.
func (s *tally) add(res rig.Result) {
	switch {
	case res.Status == 0, res.Status == 128+int(unix.SIGKILL):
		s.won++
	case strings.Contains(res.Stderr, "cannot exec in a stopped container"), strings.Contains(res.Stderr, "container does not exist"):
		s.late++
	case res.Status == 255:
		s.hit++
	default:
		s.surprise = res.String()
	}
}

// TestExecRace ends containers while four execs are on their way into each.
func TestExecRace(t *testing.T) {
	for _, e := range enders {
		t.Run(e.name, func(t *testing.T) {
			r := rig.Open(t)
			seed := seedOf(t)
			rnd := rand.New(rand.NewPCG(seed, 1))
			sum := &tally{}
			for range rounds(6, 500) {
				raceOnce(t, r, e, rnd, sum)
				if t.Failed() {
					break
				}
			}
			t.Logf("view %s, %s: %s (seed %d)", r.View, e.name, sum, seed)
			if sum.surprise != "" {
				t.Errorf("an exec ended neither started nor refused: %s", sum.surprise)
			}
		})
	}
}

func raceOnce(t *testing.T, r *rig.Rig, e ender, rnd *rand.Rand, sum *tally) {
	c := r.New(rig.Spec{Args: []string{"crowd", "4"}, PIDs: rig.HostPIDs}).Run()
	var execs []*rig.Running
	for i := range 4 {
		args := []string{"exec", "-d", c.ID, "crowd", "2"}
		if rnd.IntN(4) == 0 {
			args = []string{"exec", c.ID, "sleep", "20"}
		}
		execs = append(execs, r.Start(args...))
		if i == 1 {
			// Any moment of an exec is to coincide with any of the kill.
			time.Sleep(time.Duration(rnd.IntN(15_000)) * time.Microsecond)
		}
	}
	time.Sleep(time.Duration(rnd.IntN(20_000)) * time.Microsecond)
	res := r.Run(e.args(c.ID)...)
	if res.Status != 0 {
		t.Error(res)
	}
	c.Gone(res)
	for _, x := range execs {
		sum.add(x.Wait())
	}
	e.check(c, res) // and nobody came later
	if late := r.Run("exec", c.ID, "true"); late.Status != 255 || !strings.Contains(late.Stderr, e.late) {
		t.Errorf("an exec afterwards: want %q, got %s", e.late, late)
	}
	if e.name == "kill" {
		c.Delete()
	}
	sum.rounds++
}

// TestExecStream ends containers that somebody starts 50 execs a second in,
// which must not keep the end away.
func TestExecStream(t *testing.T) {
	for _, e := range enders {
		t.Run(e.name, func(t *testing.T) {
			r := rig.Open(t)
			c := r.New(rig.Spec{PIDs: rig.HostPIDs, Args: []string{"crowd", "4"}}).Run()
			var (
				stop = make(chan struct{})
				wg   sync.WaitGroup
				all  []*rig.Running
			)
			wg.Go(func() {
				for tick := time.NewTicker(20 * time.Millisecond); ; <-tick.C {
					select {
					case <-stop:
						return
					default:
						all = append(all, r.Start("exec", "-d", c.ID, "true"))
					}
				}
			})
			time.Sleep(300 * time.Millisecond) // let it flow
			res := r.Run(e.args(c.ID)...)
			if res.Status != 0 {
				t.Error(res)
			}
			c.Gone(res)
			close(stop)
			wg.Wait()
			sum := &tally{rounds: 1}
			for _, x := range all {
				sum.add(x.Wait())
			}
			e.check(c, res)
			t.Logf("view %s, %s took %s: %s", r.View, e.name, res.Took.Round(time.Millisecond), sum)
			if sum.surprise != "" {
				t.Error(sum.surprise)
			}
		})
	}
}

// TestHungExec ends containers into which an exec has begun and hangs.
func TestHungExec(t *testing.T) {
	t.Parallel()
	for _, e := range enders {
		t.Run(e.name+"/until the deadline", func(t *testing.T) {
			t.Parallel()
			r := rig.Open(t)
			c := r.New(rig.Spec{PIDs: rig.HostPIDs, Args: []string{"crowd", "4"}}).Run()
			hungExec(r, c)
			args := append([]string{e.name, "--timeout=1500ms"}, e.args(c.ID)[1:]...) // longer than it is between two kills
			res := r.Run(args...)
			if res.Status != 124 || !strings.Contains(res.Stderr, "an exec that began before the kill") {
				t.Errorf("want status 124 and the reason, got %s", res)
			}
			c.Stopped(res) // what was there has gone, and the state is kept
		})
		t.Run(e.name+"/killed", func(t *testing.T) {
			t.Parallel()
			r := rig.Open(t)
			c := r.New(rig.Spec{PIDs: rig.HostPIDs, Args: []string{"crowd", "4"}}).Run()
			x := hungExec(r, c)
			run := r.Start(e.args(c.ID)...)
			r.Await("the container's end", func() bool { return len(c.Alive()) == 0 })
			if err := x.Process.Kill(); err != nil {
				t.Error(err)
			}
			res := run.Wait()
			if res.Status != 0 {
				t.Error(res)
			}
			e.check(c, res)
		})
		t.Run(e.name+"/going on", func(t *testing.T) {
			t.Parallel()
			r := rig.Open(t)
			c := r.New(rig.Spec{PIDs: rig.HostPIDs, Args: []string{"crowd", "4"}}).Run()
			x := hungExec(r, c)
			run := r.Start(e.args(c.ID)...)
			r.Await("the container's end", func() bool { return len(c.Alive()) == 0 })
			select {
			case <-run.Done():
				t.Errorf("did not wait for the exec: %s", run.Wait())
			default:
			}
			if err := x.Process.Signal(unix.SIGCONT); err != nil {
				t.Error(err)
			}
			res := run.Wait()
			if res.Status != 0 {
				t.Error(res)
			}
			c.Gone(res)
			t.Logf("the exec: %s", x.Wait())
			e.check(c, res)
		})
	}
}
