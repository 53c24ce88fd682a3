package guarantee

import (
	"fmt"
	"testing"
	"time"

	"runcsync/tests/guarantee/rig"
)

// How many open files are enough for SIGKILL to everybody, by one write to
// cgroup.kill or one by one; and how many, beside one for each hierarchy, to claim
// that nobody is left.
const (
	strikeLimit = 14
	singleLimit = 17
	claimLimit  = 16
)

// TestFewDescriptors has runc make do with fewer descriptors than there are
// processes, down to none at all. Each limit with which it can kill it kills with,
// each with which it can claim the end it claims it with, and those below it says
// so.
func TestFewDescriptors(t *testing.T) {
	for _, pids := range []string{rig.PrivatePIDs, rig.HostPIDs} {
		for _, e := range endings {
			t.Run(pids+"/"+e.name, func(t *testing.T) {
				r := rig.Open(t)
				c := r.New(rig.Spec{Args: []string{"crowd", "300"}, PIDs: pids}).Run()
				c.AwaitProcesses(300)
				r.Via = limited(claimLimit + len(r.Hierarchies()))
				e.end(c)
			})
		}
		t.Run(pids+"/each limit", func(t *testing.T) {
			t.Parallel()
			r := rig.Open(t)
			claims := claimLimit + len(r.Hierarchies())
			var kills int
			var starts, killed, claimed limit
			var c *rig.Container
			for n := 3; n <= claims+3; n++ {
				if r.Via = nil; c == nil {
					c = r.New(rig.Spec{Args: []string{"crowd", "6"}, PIDs: pids})
					running(c)
				}
				if kills = singleLimit; c.KillFile() != "" {
					kills = strikeLimit
				}
				r.Via = limited(n)
				starts.saw(n, r.Run("--version").Status == 0)
				c.Alive()
				res := r.Run("kill", "--wait", "--timeout=2s", c.ID, "KILL")
				claimed.saw(n, res.Status == 0)
				switch {
				case res.Status == 0:
					c.Gone(res)
				case res.Stderr == "":
					t.Errorf("with %d open files: want an error: %s", n, res)
				}
				dead := allDead(c, n >= kills || killed.least > 0)
				if killed.saw(n, dead); n >= kills && !dead {
					t.Fatalf("with %d open files: %v live on after %s", n, c.Alive(), res)
				}
				if n >= claims && res.Status != 0 {
					t.Errorf("with %d open files: want status 0: %s", n, res)
				}
				if left := len(c.Alive()); left != 6 {
					c = nil // as it is
				}
			}
			t.Logf("open files: from %s on runc starts, from %s on it kills, from %s on it claims", starts, killed, claimed)
			for what, l := range map[string]limit{"start": starts, "kill": killed, "claim the end": claimed} {
				if l.failed > l.least {
					t.Errorf("runc could %s with %d open files, but not with %d", what, l.least, l.failed)
				}
			}
		})
	}
}

// limited is a command that runs another one with n open files at most.
func limited(n int) []string { return []string{"prlimit", fmt.Sprintf("--nofile=%d", n)} }

// limit is where something begins to work.
type limit struct {
	least  int // with which it has worked; 0 if with none
	failed int // the most with which it has not
}

func (l *limit) saw(n int, works bool) {
	if !works {
		l.failed = n
	} else if l.least == 0 {
		l.least = n
	}
}

func (l limit) String() string { return fmt.Sprint(l.least) }

// allDead tells whether all processes of the container end within a moment; a long
// one if they should.
func allDead(c *rig.Container, should bool) bool {
	patience := 300 * time.Millisecond
	if should {
		patience = 5 * time.Second
	}
	for end := time.Now().Add(patience); len(c.Alive()) > 0; time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}
