package launch

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/opencontainers/runc/libcontainer"
	"golang.org/x/sys/unix"
)

func TestWritePidFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "pid")
	stale := filepath.Join(dir, fmt.Sprintf(".pid.%d", os.Getpid()))
	for _, f := range []string{path, stale} {
		if err := os.WriteFile(f, []byte("999999999"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := writePidFile(path, 47); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); string(got) != "47" {
		t.Errorf("pid file holds %q, want 47", got)
	}
	wantOnly(t, dir, "pid")
}

func TestWritePidFileFails(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "pid"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := writePidFile(filepath.Join(dir, "pid"), 1); err == nil {
		t.Error("no error though a directory is in the place of the pid file")
	}
	wantOnly(t, dir, "pid")
	if err := writePidFile(filepath.Join(dir, "none", "pid"), 1); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v for a directory that is missing", err)
	}
}

func wantOnly(t *testing.T, dir, name string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != name {
		t.Errorf("%v (%v) in the directory, want only %s", entries, err, name)
	}
}

// passesDescriptors is set for a copy of the test binary that looks at what it
// has inherited.
const passesDescriptors = "LAUNCH_TEST_PRESERVE"

func TestMain(m *testing.M) {
	if n := os.Getenv(passesDescriptors); n != "" {
		reportPassed(n)
		return
	}
	os.Exit(m.Run())
}

// reportPassed prints what a process would get: for each descriptor its
// number, or - for a gap, or the error.
func reportPassed(n string) {
	preserve, _ := strconv.Atoi(n)
	if os.Getenv("LISTEN_FDS") != "" {
		os.Setenv("LISTEN_PID", strconv.Itoa(os.Getpid()))
	}
	p := &libcontainer.Process{}
	err := passActivation(p)
	if err == nil {
		err = passPreserved(p, preserve)
	}
	if err != nil {
		fmt.Print(err)
		return
	}
	var words []string
	for _, f := range p.ExtraFiles {
		if f == nil {
			words = append(words, "-")
			continue
		}
		words = append(words, strconv.Itoa(int(f.Fd())))
	}
	fmt.Print(strings.Join(append(words, p.Env...), " "))
}

func TestPassDescriptors(t *testing.T) {
	open, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	tests := map[string]struct {
		passed   []*os.File // from descriptor 3 on, nil for a gap
		preserve string
		listen   string
		want     string
	}{
		"none":               {nil, "0", "", ""},
		"one":                {[]*os.File{open}, "1", "", "3"},
		"fewer than passed":  {[]*os.File{open, open}, "1", "", "3"},
		"gap":                {[]*os.File{nil, open}, "2", "", "- 4"},
		"more than passed":   {[]*os.File{open}, "3", "", "unable to stat preserved-fd 1 (of 3): no such file or directory"},
		"negative":           {nil, "-1", "", "cannot preserve -1 file descriptors"},
		"activation":         {[]*os.File{open, open}, "0", "2", "3 4 LISTEN_FDS=2 LISTEN_PID=1"},
		"activation and one": {[]*os.File{open, open}, "1", "1", "3 4 LISTEN_FDS=1 LISTEN_PID=1"},
		"activation missing": {[]*os.File{open}, "0", "2", "LISTEN_FDS=2: file descriptor 4 was not passed to runc"},
		"activation bogus":   {[]*os.File{open}, "0", "x", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0])
			cmd.Env = []string{passesDescriptors + "=" + tt.preserve, "LISTEN_FDS=" + tt.listen, "GORACE=atexit_sleep_ms=0"}
			cmd.ExtraFiles = tt.passed
			got, err := cmd.Output()
			if err != nil || string(got) != tt.want {
				t.Errorf("%q (%v), want %q", got, err, tt.want)
			}
		})
	}
}

// LISTEN_FDS that another process was given is none of ours.
func TestActivationOfAnother(t *testing.T) {
	t.Setenv("LISTEN_FDS", "1")
	t.Setenv("LISTEN_PID", strconv.Itoa(os.Getppid()))
	if n := activated(); n != 0 {
		t.Errorf("took %d sockets of the parent's", n)
	}
}

func TestRootlessCgroups(t *testing.T) {
	for choice, want := range map[string]string{
		"true": "true", "1": "true", "false": "false",
		"maybe": `invalid --rootless value "maybe": want true, false or auto`,
	} {
		got, err := rootlessCgroups(choice, false)
		if s := strconv.FormatBool(got); err == nil && s != want || err != nil && err.Error() != want {
			t.Errorf("--rootless %s: %v, %v, want %s", choice, got, err, want)
		}
	}
	auto, err := rootlessCgroups("auto", false)
	unset, _ := rootlessCgroups("", false)
	if err != nil || auto != unset {
		t.Errorf("--rootless auto: %v, %v, want as without the flag: %v", auto, err, unset)
	}
	if os.Geteuid() != 0 && !auto {
		t.Error("not root, but cgroups are expected to be writable")
	}
}

func TestReap(t *testing.T) {
	for script, want := range map[string]int{"exit 0": 0, "exit 7": 7, "kill -TERM $$": 128 + 15} {
		child := start(t, script)
		waitUntilDead(t, child)
		status, gone, err := reap(child)
		if err != nil || !gone || status != want {
			t.Errorf("%q: status %d, gone %v, %v, want status %d", script, status, gone, err, want)
		}
	}
}

func TestReapOthers(t *testing.T) {
	lives, dies := start(t, "exec sleep 10"), start(t, "exit 3")
	defer func() { _ = unix.Kill(lives, unix.SIGKILL); _, _, _ = reap(lives) }()
	waitUntilDead(t, dies)
	if status, gone, err := reap(lives); gone || err != nil {
		t.Errorf("status %d, gone %v, %v for a process that lives", status, gone, err)
	}
	if err := unix.Kill(dies, 0); !errors.Is(err, unix.ESRCH) {
		t.Errorf("another child was not reaped: %v", err)
	}
}

// start runs a script as a child that nobody but the test waits for.
func start(t *testing.T, script string) int {
	t.Helper()
	pid, err := syscall.ForkExec("/bin/sh", []string{"sh", "-c", script}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func waitUntilDead(t *testing.T, pid int) {
	t.Helper()
	if err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
		t.Fatal(err)
	}
}

func TestForwarded(t *testing.T) {
	list := forwarded()
	for _, s := range []unix.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGUSR1, unix.SIGTSTP, 34, 64} {
		if !slices.Contains(list, os.Signal(s)) {
			t.Errorf("signal %d is not forwarded", s)
		}
	}
	for _, s := range []unix.Signal{unix.SIGCHLD, unix.SIGWINCH, unix.SIGURG, unix.SIGTTIN, unix.SIGTTOU} {
		if slices.Contains(list, os.Signal(s)) {
			t.Errorf("signal %d is forwarded", s)
		}
	}
}
