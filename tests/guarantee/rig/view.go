package rig

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// View is a cgroup layout as runc meets it.
type View string

// The views there are.
const (
	Hybrid View = "hybrid" // v1 controllers, v2 beside them for tracking
	V1     View = "v1"     // v1 alone
	V2     View = "v2"     // v2 alone
)

const cgroupRoot = "/sys/fs/cgroup"

// The environment by which Main tells its children what has been prepared.
const (
	viewVar  = "GUARANTEE_VIEW"
	stageVar = "GUARANTEE_STAGE"
)

// Main is for TestMain: it runs the tests in every view and returns the exit
// status.
func Main(m *testing.M) int {
	flag.Parse()
	if view := View(os.Getenv(viewVar)); view != "" {
		if err := enter(view); err != nil {
			fmt.Fprintf(os.Stderr, "enter view %s: %v\n", view, err)
			return 1
		}
		return m.Run()
	}
	if flag.Lookup("test.list").Value.String() != "" {
		return m.Run()
	}
	if os.Geteuid() != 0 {
		fmt.Println("SKIP: the guarantee tests need root: they mount cgroup file systems in a mount namespace")
		return 0
	}
	stage, kept, err := prepared()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if !kept {
		defer os.RemoveAll(stage)
	}
	status := 0
	for _, v := range []View{Hybrid, V1, V2} {
		if want := os.Getenv("VIEWS"); want != "" && !slices.Contains(strings.FieldsFunc(want, func(r rune) bool { return r == ',' || r == ' ' }), string(v)) {
			continue
		}
		if why := missing(v); why != "" {
			fmt.Printf("SKIP: view %s: %s\n", v, why)
			continue
		}
		fmt.Printf("=== VIEW %s\n", v)
		if err := rerun(v, stage); err != nil {
			fmt.Printf("--- FAIL: view %s: %v\n", v, err)
			status = 1
		}
	}
	return status
}

// rerun runs the test binary again in the view.
func rerun(v View, stage string) error {
	runtime.LockOSThread() // Pdeathsig is sent when the thread ends
	defer runtime.UnlockOSThread()
	args := slices.DeleteFunc(slices.Clone(os.Args[1:]), func(a string) bool {
		return strings.HasPrefix(a, "-test.testlogfile")
	})
	if flag.Lookup("test.parallel").Value.String() == flag.Lookup("test.parallel").DefValue {
		args = append([]string{"-test.parallel=4"}, args...) // the tests wait more than they work
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	args = append([]string{self}, args...)
	if os.Getenv("SOAK") == "" { // there PID 1 may be as slow as it is
		args = append([]string{filepath.Join(stage, "rootfs/bin/reaper")}, args...)
	}
	cmd := exec.Command(args[0], args[1:]...) //nolint:gosec // the test's own arguments
	cmd.Env = append(os.Environ(), viewVar+"="+string(v), stageVar+"="+stage)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	// Go makes all mounts private when it unshares the mount namespace.
	cmd.SysProcAttr = &unix.SysProcAttr{Unshareflags: unix.CLONE_NEWNS, Pdeathsig: unix.SIGKILL}
	return cmd.Run()
}

// missing says why a view can't be had on this host.
func missing(v View) string {
	host := unix.Statfs_t{}
	if err := unix.Statfs(cgroupRoot, &host); err != nil {
		return err.Error()
	}
	if v != V2 && host.Type == unix.CGROUP2_SUPER_MAGIC {
		return "the host has no cgroup v1 hierarchies"
	}
	if err := unix.Statfs(filepath.Join(cgroupRoot, "unified"), &host); v == Hybrid && (err != nil || host.Type != unix.CGROUP2_SUPER_MAGIC) {
		return "the host has no unified hierarchy beside cgroup v1"
	}
	return ""
}

// enter changes the mounts of this process's own mount namespace.
func enter(v View) error {
	unified := filepath.Join(cgroupRoot, "unified")
	var st unix.Statfs_t
	if err := unix.Statfs(cgroupRoot, &st); err != nil {
		return err
	}
	switch {
	case v == V1:
		if err := unix.Statfs(unified, &st); err == nil && st.Type == unix.CGROUP2_SUPER_MAGIC {
			return unix.Unmount(unified, unix.MNT_DETACH)
		}
	case v == V2 && st.Type != unix.CGROUP2_SUPER_MAGIC:
		if err := unix.Unmount(cgroupRoot, unix.MNT_DETACH); err != nil {
			return err
		}
		return unix.Mount("none", cgroupRoot, "cgroup2", 0, "")
	}
	return nil
}

// prepared returns the stage, which is made if it is not there, and whether it
// is to be kept. A machine without a compiler is given a stage that was made on
// another.
func prepared() (stage string, kept bool, err error) {
	if stage = os.Getenv("STAGE"); stage == "" {
		stage, err = os.MkdirTemp("", "guarantee")
	} else if stage, err = filepath.Abs(stage); err == nil {
		kept = true
		if _, err := os.Stat(filepath.Join(stage, "rootfs")); err == nil {
			return stage, kept, nil
		}
		err = os.MkdirAll(stage, 0o755)
	}
	if err == nil {
		err = build(stage)
	}
	if err != nil && !kept {
		err = errors.Join(err, os.RemoveAll(stage))
	}
	return stage, kept, err
}

// build fills the stage: with runc and a root file system that has busybox and
// the programs of testdata, each called like its source.
func build(stage string) error {
	if err := os.Chmod(stage, 0o755); err != nil { // containers of other users pass through
		return err
	}
	var err error
	if runc := os.Getenv("RUNC"); runc != "" {
		err = command("cp", runc, filepath.Join(stage, "runc"))
	} else {
		err = command("go", "build", "-tags", "seccomp urfave_cli_no_template", "-o", filepath.Join(stage, "runc"), "runcsync")
	}
	if err != nil {
		return err
	}
	root := filepath.Join(stage, "rootfs")
	for _, d := range []string{"bin", "dev", "proc", "sys", "tmp", "mnt"} {
		if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
			return err
		}
	}
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		return fmt.Errorf("busybox-static is needed: %w", err)
	}
	if err := command("cp", busybox, filepath.Join(root, "bin/busybox")); err != nil {
		return err
	}
	for _, name := range []string{"sh", "sleep", "cat", "true", "seq"} {
		if err := os.Symlink("busybox", filepath.Join(root, "bin", name)); err != nil {
			return err
		}
	}
	sources, err := filepath.Glob("testdata/*.c")
	if err != nil {
		return err
	}
	for _, c := range sources {
		name := strings.TrimSuffix(filepath.Base(c), ".c")
		if err := command("gcc", "-O1", "-Wall", "-Werror", "-pthread", "-static", "-o", filepath.Join(root, "bin", name), c); err != nil {
			return err
		}
	}
	// crowd once more, for a program that may be run and not be read.
	unreadable := filepath.Join(root, "bin/unreadable")
	if err := command("cp", filepath.Join(root, "bin/crowd"), unreadable); err != nil {
		return err
	}
	return os.Chmod(unreadable, 0o711)
}

func command(name string, args ...string) error {
	out, err := exec.Command(name, args...).CombinedOutput() //nolint:gosec // the tests' own commands
	if err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return nil
}
