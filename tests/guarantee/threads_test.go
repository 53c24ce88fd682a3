package guarantee

import (
	"errors"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"runcsync/tests/guarantee/rig"
)

// TestThreadRelay ends a container whose init has lost its first thread, and
// moved out of the container's cgroups, and in which each thread starts the next
// one and ends: whoever reads a list of its threads finds the listed ones gone.
func TestThreadRelay(t *testing.T) {
	t.Parallel()
	for _, pids := range []string{rig.PrivatePIDs, rig.HostPIDs} {
		t.Run(pids, func(t *testing.T) {
			t.Parallel()
			r := rig.Open(t)
			for range rounds(20, 1000) {
				c := r.New(rig.Spec{Args: []string{"relay"}, PIDs: pids}).Run()
				pid := c.Pid()
				r.Await("the first thread's end", func() bool { return rig.Comm(pid) == "relay" && rig.State(pid) == "Z" })
				leave(r, pid)
				init := hold(r, pid)
				c.Alive() // note who is there
				if res := r.Run("delete", "--force", "--wait", c.ID); res.Status != 0 {
					t.Error(res)
				} else if !ended(r, init) {
					t.Fatalf("init, process %d, lives at the end of %s", pid, res)
				} else {
					c.Removed(res)
				}
			}
		})
	}
}

// hold returns a pidfd, by which the kernel itself says whether a process has
// ended with all its threads.
func hold(r *rig.Rig, pid int) int {
	r.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		r.Fatalf("pidfd_open %d: %v", pid, err)
	}
	r.Cleanup(func() { unix.Close(fd) })
	return fd
}

// ended asks a pidfd.
func ended(r *rig.Rig, pidfd int) bool {
	r.Helper()
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, 0)
		if err == nil {
			return n > 0
		}
		if !errors.Is(err, unix.EINTR) {
			r.Fatal("poll: ", err)
		}
	}
}

// TestPostponed kills 320 processes whose first thread has ended, which is why
// cgroup.kill does nothing to them (6.18), while now and then one more of the kind
// ends by itself: news of that one is no reason to put off the others.
func TestPostponed(t *testing.T) {
	t.Parallel()
	for _, e := range enders {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			r := rig.Open(t)
			r.Only("there is no cgroup.kill on v1", rig.Hybrid, rig.V2)
			c := r.New(rig.Spec{Args: []string{"headless", "320", "40", "400"}, PIDs: rig.HostPIDs}).Run()
			r.Await("dead first threads", func() bool {
				dead := slices.DeleteFunc(c.Alive(), func(p rig.Process) bool { return p.State != "Z" })
				return len(dead) > 320
			})
			args := e.args(c.ID)
			res := r.Run(append([]string{args[0], "--timeout=10s"}, args[1:]...)...)
			if res.Status != 0 {
				t.Fatal(res)
			}
			e.check(c, res)
		})
	}
}
