package rig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Bound is how long a command or a condition may take before a test fails.
const Bound = 60 * time.Second

// Rig is one test's own set-up: a state directory of its own, in the view that
// the test binary runs in.
type Rig struct {
	testing.TB
	View   View
	Driver Driver
	Stage  string // directory with runc, and rootfs, the containers' root file system
	Root   string // runc's --root
	// Via, if not empty, is a command that runc is run by, as in prlimit or
	// strace: its arguments are followed by runc's path and arguments.
	Via []string

	user      int    // who runs runc, if not root: see Rootless
	delegated string // cgroup of that user's, in each hierarchy
	session   string // cgroup of that user's systemd
}

// Open sets a rig up for t and has everything in it cleaned up when t ends.
func Open(t testing.TB) *Rig {
	t.Helper()
	return &Rig{TB: t, View: View(os.Getenv(viewVar)), Driver: driver(), Stage: os.Getenv(stageVar), Root: t.TempDir()}
}

// Only skips the test in other views than those named.
func (r *Rig) Only(why string, views ...View) {
	r.Helper()
	for _, v := range views {
		if r.View == v {
			return
		}
	}
	r.Skipf("view %s: %s", r.View, why)
}

// Runc is the path of the binary under test.
func (r *Rig) Runc() string { return filepath.Join(r.Stage, "runc") }

// command is runc's command line with its global flags.
func (r *Rig) command(args ...string) []string {
	return slices.Concat([]string{r.Runc(), "--root", r.Root}, r.Driver.flags(), args)
}

// Program is the host path of a program of testdata.
func (r *Rig) Program(name string) string { return filepath.Join(r.Stage, "rootfs/bin", name) }

// Result is how a command ended.
type Result struct {
	Args           []string
	Status         int // exit status, or -1 if a signal ended it
	Stdout, Stderr string
	Took           time.Duration
}

func (r Result) String() string {
	return fmt.Sprintf("runc %s: status %d after %s\nstdout: %s\nstderr: %s", strings.Join(r.Args, " "), r.Status, r.Took.Round(time.Millisecond), r.Stdout, r.Stderr)
}

// Run runs runc with the rig's --root. It fails the test if runc has not ended
// after [Bound].
func (r *Rig) Run(args ...string) Result {
	r.Helper()
	return r.Start(args...).Wait()
}

// Must is Run for a command that has to succeed.
func (r *Rig) Must(args ...string) Result {
	r.Helper()
	res := r.Run(args...)
	if res.Status != 0 {
		r.Fatal(res)
	}
	return res
}

// Running is a runc that has been started.
type Running struct {
	*exec.Cmd
	rig      *Rig
	args     []string
	out, err string // files: a container inherits them, a pipe would stay open
	began    time.Time
	done     chan struct{}
	result   Result
}

var serial atomic.Int64 // of commands and containers, unique in the process

// patient gives a wait for which the test names no limit more than runc's own
// 10 s: a machine that stands still for that long is no fault of runc's.
func patient(args []string) []string {
	at := slices.Index(args, "--wait")
	if at < 0 || slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--timeout") }) {
		return args
	}
	return slices.Insert(slices.Clone(args), at+1, "--timeout="+(Bound*5/6).String())
}

// Start starts runc. It is ended when the test ends.
func (r *Rig) Start(args ...string) *Running {
	r.Helper()
	args = patient(args)
	argv := append(slices.Clone(r.Via), r.command(args...)...)
	ctx, cancel := context.WithTimeout(context.Background(), Bound)
	n := serial.Add(1)
	p := &Running{
		rig: r, args: args, began: time.Now(), done: make(chan struct{}),
		out: filepath.Join(r.Stage, fmt.Sprintf("out.%d.%d", os.Getpid(), n)),
		err: filepath.Join(r.Stage, fmt.Sprintf("err.%d.%d", os.Getpid(), n)),
	}
	p.Cmd = exec.CommandContext(ctx, argv[0], argv[1:]...)
	stdout, err1 := os.Create(p.out)
	stderr, err2 := os.Create(p.err)
	if err := errors.Join(err1, err2); err != nil {
		r.Fatal(err)
	}
	p.Stdout, p.Cmd.Stderr = stdout, stderr
	err := p.Cmd.Start()
	stdout.Close()
	stderr.Close()
	if err != nil {
		cancel()
		r.Fatalf("start %s: %v", strings.Join(argv, " "), err)
	}
	go func() {
		err := p.Cmd.Wait()
		p.result = Result{Args: args, Status: p.ProcessState.ExitCode(), Took: time.Since(p.began), Stdout: slurp(p.out), Stderr: slurp(p.err)}
		if ctx.Err() != nil {
			p.result.Stderr += fmt.Sprintf("\n(ended by the test after %s: %v)", Bound, err)
		}
		cancel()
		close(p.done)
	}()
	r.Cleanup(func() {
		cancel()
		<-p.done
	})
	return p
}

// Wait returns how it ended.
func (p *Running) Wait() Result {
	p.rig.Helper()
	<-p.done
	if strings.Contains(p.result.Stderr, "(ended by the test after") {
		p.rig.Errorf("hangs: %s", p.result)
	}
	return p.result
}

// Done is closed when it has ended.
func (p *Running) Done() <-chan struct{} { return p.done }

func slurp(file string) string {
	text, _ := os.ReadFile(file)
	os.Remove(file)
	return string(bytes.TrimSpace(text))
}

// Await waits until ok is true, and fails the test if that takes too long.
func (r *Rig) Await(what string, ok func() bool) {
	r.Helper()
	for end := time.Now().Add(Bound / 2); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			r.Fatalf("%s: not within %s", what, Bound/2)
		}
	}
}

// Writable is a new directory that runc, whoever runs it, may write to.
func (r *Rig) Writable() string {
	r.Helper()
	dir := r.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		r.Fatal(err)
	}
	return dir
}

// Serial is a number that no other call in this process returns.
func (r *Rig) Serial() int64 { return serial.Add(1) }
