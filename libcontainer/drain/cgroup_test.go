package drain

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// mounted finds where a hierarchy is mounted: v2, or v1 with the controller.
func mounted(t *testing.T, v Version, controller string) string {
	t.Helper()
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		pre, post, _ := strings.Cut(sc.Text(), " - ")
		kind := strings.Fields(post)
		if v == V2 && kind[0] == "cgroup2" || v == V1 && kind[0] == "cgroup" && strings.Contains(","+kind[2]+",", ","+controller+",") {
			return strings.Fields(pre)[4]
		}
	}
	t.Skipf("no %s hierarchy with %q is mounted", v, controller)
	return ""
}

// group makes a cgroup of the test's own, which is removed with all below it
// when the test ends.
func group(t *testing.T, v Version, controller string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("making cgroups takes root")
	}
	dir := filepath.Join(mounted(t, v, controller), fmt.Sprintf("drain-test-%d-%s", os.Getpid(), strings.NewReplacer("/", "-").Replace(t.Name())))
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		await(t, "removal of "+dir, func() bool { return remove(dir) == nil })
	})
	return dir
}

// remove removes a cgroup and what is below it.
func remove(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if e.IsDir() {
			err = errors.Join(err, remove(filepath.Join(dir, e.Name())))
		}
	}
	return errors.Join(err, unix.Rmdir(dir))
}

func tree(t *testing.T, dir string, v Version) *Tree {
	t.Helper()
	tr, err := OpenTree(dir, v)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	return tr
}

// child starts a process that sleeps, in the cgroups named, and ends it when
// the test ends.
func child(t *testing.T, cgroups ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for _, dir := range cgroups {
		if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(fmt.Sprint(cmd.Process.Pid)), 0); err != nil {
			t.Fatal(err)
		}
	}
	return cmd
}

// zombie is a child that has ended and is not reaped before the test ends.
func zombie(t *testing.T) (pid int) {
	t.Helper()
	cmd := child(t)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	await(t, "a zombie", func() bool { st, _ := readStat(cmd.Process.Pid); return st.dead() })
	return cmd.Process.Pid
}

func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within 10s", what)
		}
	}
}
