// Command reaper runs a program and ends as it does. Meanwhile it is the parent
// of all orphans below it, and reaps them as some PID 1 would: at once, or only
// every so often.
//
//	reaper EVERY PROGRAM [ARGUMENT...]
//
// EVERY is a duration: with 0 an orphan is reaped as it ends, with 2s it stays a
// zombie for up to two seconds, one second on average.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: reaper EVERY PROGRAM [ARGUMENT...]")
		os.Exit(2)
	}
	every, err := time.ParseDuration(os.Args[1])
	if err == nil && every < 0 {
		err = errors.New("the time between two looks is negative")
	}
	var status unix.WaitStatus
	if err == nil {
		status, err = run(os.Args[2:], every)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "reaper:", err)
		os.Exit(2)
	}
	if status.Signaled() {
		os.Exit(128 + int(status.Signal()))
	}
	os.Exit(status.ExitStatus())
}

// run starts the program, and reaps until it has ended.
func run(args []string, every time.Duration) (unix.WaitStatus, error) {
	path, err := exec.LookPath(args[0])
	if err != nil {
		return 0, err
	}
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return 0, fmt.Errorf("become the parent of orphans: %w", err)
	}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, unix.SIGCHLD)
	// The kernel kills the program when the thread that began it ends.
	runtime.LockOSThread()
	program, err := syscall.ForkExec(path, args, &syscall.ProcAttr{ //nolint:gosec // to run what it is given is what it is for
		Env:   os.Environ(),
		Files: []uintptr{0, 1, 2},
		Sys:   &syscall.SysProcAttr{Pdeathsig: unix.SIGKILL},
	})
	if err != nil {
		return 0, fmt.Errorf("run %s: %w", path, err)
	}
	var look <-chan time.Time
	if every > 0 {
		look = time.Tick(every)
	}
	for {
		whose := program
		select {
		case <-ended:
			if every == 0 {
				whose = -1
			}
		case <-look:
			whose = -1
		}
		status, done, err := reap(whose, program)
		if err != nil || done {
			return status, err
		}
	}
}

// reap reaps the child that is named if it has ended, or with -1 all that have. It
// is done when the program was among them.
func reap(whose, program int) (status unix.WaitStatus, done bool, err error) {
	for {
		pid, err := unix.Wait4(whose, &status, unix.WNOHANG, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return status, false, fmt.Errorf("wait: %w", err)
		case pid == program || pid == 0:
			return status, pid == program, nil
		}
	}
}
