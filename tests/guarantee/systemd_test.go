package guarantee

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"runcsync/tests/guarantee/rig"
)

// openSystemd opens a rig whose containers' cgroups systemd makes.
func openSystemd(t *testing.T) *rig.Rig {
	t.Helper()
	r := rig.Open(t)
	if r.Driver != rig.Systemd {
		t.Skip("the cgroup driver is not systemd: DRIVER=systemd, with systemd as PID 1")
	}
	return r
}

// systemctl runs it on a container's scope.
func systemctl(t *testing.T, command string, args ...string) string {
	t.Helper()
	out, err := exec.Command("systemctl", append([]string{command}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("systemctl %s %s: %v: %s", command, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// scope is the name of a container's unit.
func scope(c *rig.Container) string { return filepath.Base(c.Cgroup) }

// property reads one of the unit's.
func property(t *testing.T, c *rig.Container, name string) string {
	t.Helper()
	return systemctl(t, "show", "--value", "-p", name, scope(c))
}

// stopsAfter has systemd send SIGKILL that many seconds after its SIGTERM, and
// keep a unit that failed until somebody looks.
func stopsAfter(seconds int) map[string]string {
	return map[string]string{
		"org.systemd.property.TimeoutStopSec": fmt.Sprint(seconds),
		"org.systemd.property.CollectMode":    "'inactive'",
	}
}

// TestSystemdScope is that the driver is in use at all.
func TestSystemdScope(t *testing.T) {
	r := openSystemd(t)
	c := r.New(rig.Spec{Args: []string{"crowd", "6"}, PIDs: rig.HostPIDs})
	running(c)
	if state := property(t, c, "ActiveState"); state != "active" {
		t.Errorf("%s is %s, want active", scope(c), state)
	}
	if len(c.Dirs()) == 0 {
		t.Errorf("no hierarchy has a cgroup %s", c.Cgroup)
	}
	c.Delete()
	if state := property(t, c, "ActiveState"); state != "inactive" {
		t.Errorf("%s is %s after delete, want inactive", scope(c), state)
	}
}

// TestSystemdEnds has systemd end what runc waits for, processes that ignore
// SIGTERM: by a stop, which kills them when TimeoutStopSec is over, or by a kill.
// The scope's cgroups vanish under runc's eyes.
func TestSystemdEnds(t *testing.T) {
	commands := map[string][]string{"stop": {"--no-block"}, "kill": {"--signal=KILL"}}
	for _, pids := range []string{rig.PrivatePIDs, rig.HostPIDs} {
		for command, flags := range commands {
			for _, signal := range []string{"0", "TERM"} {
				t.Run(strings.Join([]string{pids, command, signal}, "/"), func(t *testing.T) {
					t.Parallel()
					r := openSystemd(t)
					c := r.New(rig.Spec{Args: []string{"crowd", "6", "ignore"}, PIDs: pids, Annotations: stopsAfter(1)})
					running(c)
					run := r.Start("kill", "--wait", c.ID, signal)
					r.Await("runc to wait", func() bool { return inPoll(run.Process.Pid) })
					systemctl(t, command, slices.Concat(flags, []string{scope(c)})...)
					res := run.Wait()
					if res.Status != 0 {
						t.Error(res)
					}
					c.Stopped(res)
					c.Delete()
				})
			}
		}
	}
}

// TestSystemdKills has systemd kill the scope at the moment at which runc ends
// the container, again and again.
func TestSystemdKills(t *testing.T) {
	for _, e := range enders {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			r := openSystemd(t)
			for round := range rounds(5, 100) {
				c := r.New(rig.Spec{Args: []string{"crowd", "6"}, PIDs: rig.HostPIDs})
				running(c)
				run := r.Start(e.args(c.ID)...)
				// One round in two lets runc begin, so that either is first at times.
				if round%2 == 1 {
					time.Sleep(time.Duration(round) * time.Millisecond)
				}
				// It may be gone already, or find nobody to kill.
				kill := exec.Command("systemctl", "kill", "--signal=KILL", scope(c))
				out, err := kill.CombinedOutput()
				if err != nil && !strings.Contains(string(out), "not loaded") && !strings.Contains(string(out), "No process") && !strings.Contains(string(out), "no process") {
					t.Errorf("%s: %v: %s", kill, err, out)
				}
				res := run.Wait()
				if res.Status != 0 && !saysDone(res) {
					t.Errorf("round %d: %s", round, res)
				}
				if e.check(c, res); t.Failed() {
					return
				}
				if e.name == "kill" {
					c.Delete()
				}
			}
		})
	}
}

// TestSystemdFailed deletes a container whose scope has failed: systemd keeps
// the unit, and a container of the same name has to be possible afterwards.
func TestSystemdFailed(t *testing.T) {
	for _, force := range []bool{false, true} {
		t.Run(fmt.Sprintf("force=%t", force), func(t *testing.T) {
			t.Parallel()
			r := openSystemd(t)
			c := r.New(rig.Spec{Args: []string{"crowd", "6", "ignore"}, PIDs: rig.HostPIDs, Annotations: stopsAfter(1)})
			running(c)
			systemctl(t, "stop", "--no-block", scope(c))
			r.Await(scope(c)+" to fail", func() bool { return property(t, c, "ActiveState") == "failed" })
			args := []string{"delete", "--wait", c.ID}
			if force {
				args = []string{"delete", "--force", "--wait", c.ID}
			}
			res := r.Must(args...)
			c.Removed(res)
			if state := property(t, c, "ActiveState"); state != "inactive" {
				t.Errorf("%s is %s after %s", scope(c), state, res)
			}
			running(c)
			c.Delete()
		})
	}
}

// TestSystemdUser is the rootless driver.
func TestSystemdUser(t *testing.T) {
	for _, pids := range []string{rig.PrivatePIDs, rig.HostPIDs} {
		for _, e := range enders {
			t.Run(pids+"/"+e.name, func(t *testing.T) {
				t.Parallel()
				r := openSystemd(t)
				r.Session(1000)
				c := r.New(rig.Spec{Args: []string{"crowd", "6"}, PIDs: pids})
				running(c)
				if len(c.Dirs()) != 1 {
					t.Fatalf("no cgroup %s", c.Cgroup)
				}
				res := r.Run(e.args(c.ID)...)
				if res.Status != 0 {
					t.Error(res)
				}
				e.check(c, res)
			})
		}
	}
}
