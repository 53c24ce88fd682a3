package guarantee

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/containerd/console"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"runcsync/tests/guarantee/rig"
)

// sinks are where nothing can be written to. The shell's $0 is a FIFO.
var sinks = []struct{ name, redirect, err string }{
	{"full", `exec "$@" %d>/dev/full`, "no space left on device"},
	{"closed", `exec "$@" %d>&-`, "bad file descriptor"},
	{"nobody reads", `exec 9<>"$0" && exec %d>"$0" 9>&- && exec "$@"`, "broken pipe"},
}

// into has runc run with stream 1 or 2 redirected.
func into(t *testing.T, r *rig.Rig, stream int, redirect string) {
	t.Helper()
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	r.Via = []string{"sh", "-c", fmt.Sprintf(redirect, stream), fifo}
}

// TestReportLost has nowhere to write the report to: the container is gone, and
// that nobody is told is an error.
func TestReportLost(t *testing.T) {
	t.Parallel()
	for _, e := range enders {
		for _, s := range sinks {
			t.Run(e.name+"/"+s.name, func(t *testing.T) {
				t.Parallel()
				r := rig.Open(t)
				c := r.New(rig.Spec{Args: []string{"crowd", "6"}, PIDs: rig.HostPIDs})
				running(c)
				into(t, r, 1, s.redirect)
				args := e.args(c.ID)
				res := r.Run(append([]string{args[0], "--format=json"}, args[1:]...)...)
				if res.Status != 1 || !strings.Contains(res.Stderr, s.err) || !strings.Contains(res.Stderr, "all is done, but the report of it is lost") {
					t.Errorf("want status 1, %s: %s", s.err, res)
				}
				r.Via = nil
				e.check(c, res)
			})
		}
	}
}

// TestReportLostOfTimeout loses the report of a wait whose time was up: that it
// was is what the exit status says.
func TestReportLostOfTimeout(t *testing.T) {
	t.Parallel()
	for _, s := range sinks {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			r := rig.Open(t)
			c := r.New(rig.Spec{Args: []string{"crowd", "6", "ignore"}, PIDs: rig.HostPIDs})
			running(c)
			into(t, r, 1, s.redirect)
			res := r.Run("kill", "--wait", "--timeout=300ms", "--format=json", c.ID, "TERM")
			if res.Status != 124 || !strings.Contains(res.Stderr, "6 processes still alive") || !strings.Contains(res.Stderr, s.err) {
				t.Errorf("want status 124, 6 alive, %s: %s", s.err, res)
			}
			r.Via = nil
			c.Delete()
		})
	}
}

// TestNobodyListens says what it has to say to nobody: before the kill, since
// the annotation makes no sense, and after a time-out. The work is done all the
// same, and the exit status is what it is.
func TestNobodyListens(t *testing.T) {
	t.Parallel()
	logs := map[string][]string{"": nil, ", log full": {"--log=/dev/full"}}
	for _, s := range sinks {
		for log, flags := range logs {
			t.Run("stderr "+s.name+log, func(t *testing.T) {
				t.Parallel()
				r := rig.Open(t)
				c := r.New(rig.Spec{
					Args: []string{"crowd", "6", "ignore"}, PIDs: rig.HostPIDs,
					Annotations: map[string]string{"org.opencontainers.runc.kill.wait": "soon"},
				})
				running(c)
				run := func(status int, args ...string) rig.Result {
					t.Helper()
					res := r.Run(append(append([]string{}, flags...), args...)...)
					if res.Status != status {
						t.Errorf("want status %d: %s", status, res)
					}
					return res
				}
				into(t, r, 2, s.redirect)
				run(124, "kill", "--wait", "--timeout=300ms", c.ID, "TERM")
				run(0, "kill", c.ID, "KILL")
				r.Await("the end of all", func() bool { return len(c.Alive()) == 0 })
				res := run(0, "delete", "--force", c.ID)
				r.Via = nil
				c.Removed(res)
			})
		}
	}
	t.Run("terminal stopped", func(t *testing.T) {
		t.Parallel()
		r := rig.Open(t)
		c := r.New(rig.Spec{Args: []string{"crowd", "6", "ignore"}, PIDs: rig.HostPIDs})
		running(c)
		cmd, _, slave := withTerminal(t, r, "kill", "--wait", "--kill-after=1500ms", "--timeout=20s", c.ID, "TERM")
		if err := unix.IoctlSetInt(int(slave.Fd()), unix.TCXONC, 0); err != nil { // TCOOFF, as Ctrl-S
			t.Fatal(err)
		}
		began := time.Now()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		select {
		case err := <-ended:
			if err != nil || len(c.Alive()) > 0 {
				t.Errorf("ended with %v and %v alive", err, c.Alive())
			}
		case <-time.After(15 * time.Second):
			t.Errorf("held up by the terminal for %s", time.Since(began))
			_ = unix.IoctlSetInt(int(slave.Fd()), unix.TCXONC, 1) // TCOON
			<-ended
		}
	})
	t.Run("terminal gone", func(t *testing.T) {
		t.Parallel()
		r := rig.Open(t)
		c := r.New(rig.Spec{Args: []string{"crowd", "6", "ignore"}, PIDs: rig.HostPIDs})
		running(c)
		cmd, master, slave := withTerminal(t, r, "kill", "--wait", "--timeout=2s", c.ID, "TERM")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		slave.Close()
		if _, err := master.Read(make([]byte, 10)); err != nil { // the status line is shown
			t.Error(err)
		}
		master.Close()
		if _ = cmd.Wait(); cmd.ProcessState.ExitCode() != 124 {
			t.Errorf("want status 124, not %s", cmd.ProcessState)
		}
		c.Delete()
	})
}

// withTerminal is a runc whose standard error is a terminal, but not the one that
// controls it. It is killed if it has not ended after [rig.Bound].
func withTerminal(t *testing.T, r *rig.Rig, args ...string) (cmd *exec.Cmd, master console.Console, slave *os.File) {
	t.Helper()
	master, path, err := console.NewPty()
	if err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command(r.Runc(), append([]string{"--root", r.Root}, args...)...)
	cmd.Stderr = slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	over := time.AfterFunc(rig.Bound, func() {
		if cmd.Process != nil {
			_ = cmd.Process.Kill()
		}
	})
	t.Cleanup(func() {
		over.Stop()
		slave.Close()
		master.Close()
	})
	return cmd, master, slave
}

// noted prints the signals that it gets, until TERM.
const noted = `trap 'echo PIPE' PIPE; trap 'echo USR1' USR1; trap 'echo INT' INT; trap 'exit 7' TERM
echo ready; i=0; while [ $i -lt 500 ]; do i=$((i+1)); sleep 0.05; done`

// TestSignalsPassedOn: that SIGPIPE does not end a kill changes nothing of what a
// runc in the foreground passes on, nor of what its children begin with.
func TestSignalsPassedOn(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"run", "exec"} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			r := rig.Open(t)
			status := filepath.Join(t.TempDir(), "status")
			hook := specs.Hook{Path: "/bin/sh", Args: []string{"sh", "-c", "cat /proc/self/status >" + status}}
			c := r.New(rig.Spec{Args: []string{"sh", "-c", noted}, Edit: func(s *specs.Spec) { s.Hooks = &specs.Hooks{Poststop: []specs.Hook{hook}} }})
			args := []string{"run", "--keep", "-b", c.Bundle, "--pid-file", filepath.Join(c.Bundle, "pid"), c.ID}
			if command == "exec" {
				c.Run()
				args = []string{"exec", "--pid-file", filepath.Join(c.Bundle, "pid"), c.ID, "sh", "-c", noted}
			}
			cmd := exec.Command(r.Runc(), append([]string{"--root", r.Root}, args...)...)
			out, err := cmd.StdoutPipe()
			if err == nil {
				err = cmd.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			over := time.AfterFunc(rig.Bound, func() { _ = cmd.Process.Kill() })
			defer over.Stop()
			lines := bufio.NewScanner(out)
			says := func(want string) {
				t.Helper()
				if !lines.Scan() || lines.Text() != want {
					t.Fatalf("the process says %q, %v; want %q", lines.Text(), lines.Err(), want)
				}
			}
			says("ready")
			// It may speak before runc has written who it is.
			r.Await("the pid file", func() bool {
				text, err := os.ReadFile(filepath.Join(c.Bundle, "pid"))
				return err == nil && len(text) > 0
			})
			ignored(t, fmt.Sprintf("/proc/%d/status", c.Pid()))
			for _, s := range []struct {
				name string
				sig  unix.Signal
			}{{"PIPE", unix.SIGPIPE}, {"USR1", unix.SIGUSR1}, {"INT", unix.SIGINT}, {"PIPE", unix.SIGPIPE}} {
				if err := cmd.Process.Signal(s.sig); err != nil {
					t.Fatal(err)
				}
				says(s.name)
			}
			if err := cmd.Process.Signal(unix.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if _ = cmd.Wait(); cmd.ProcessState.ExitCode() != 7 {
				t.Errorf("want status 7, the process's, not %s", cmd.ProcessState)
			}
			c.Delete()
			ignored(t, status)
		})
	}
}

// ignored fails the test if the process whose /proc/PID/status is in the file
// ignores SIGPIPE or blocks it.
func ignored(t *testing.T, file string) {
	t.Helper()
	n := 0
	for line := range strings.Lines(read(t, file)) {
		name, mask, _ := strings.Cut(strings.TrimSpace(line), ":\t")
		if name != "SigIgn" && name != "SigBlk" {
			continue
		}
		n++
		if v, err := strconv.ParseUint(mask, 16, 64); err != nil || v&(1<<(unix.SIGPIPE-1)) != 0 {
			t.Errorf("%s has SIGPIPE in %s (%v)", file, line, err)
		}
	}
	if n != 2 {
		t.Errorf("%s has %d of SigIgn and SigBlk", file, n)
	}
}
