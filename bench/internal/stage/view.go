package stage

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"
)

const cgroupRoot = "/sys/fs/cgroup"

// Views are the cgroup layouts in the order in which they are measured.
var Views = []string{"hybrid", "v1", "v2"}

// Missing says why this host can't show a view; "" if it can.
func Missing(view string) string {
	var st unix.Statfs_t
	if err := unix.Statfs(cgroupRoot, &st); err != nil {
		return err.Error()
	}
	if view == "v2" {
		return ""
	}
	if st.Type == unix.CGROUP2_SUPER_MAGIC {
		return "the host has no cgroup v1 hierarchies"
	}
	if err := unix.Statfs(filepath.Join(cgroupRoot, "unified"), &st); view == "hybrid" && (err != nil || st.Type != unix.CGROUP2_SUPER_MAGIC) {
		return "the host has no unified hierarchy beside cgroup v1"
	}
	return ""
}

// InView is a command that runs this program again, in a mount namespace of
// its own in which [Enter] may change the mounts.
func InView(args ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &unix.SysProcAttr{Unshareflags: unix.CLONE_NEWNS, Pdeathsig: unix.SIGKILL}
	return cmd
}

// Enter makes the cgroup mounts those of the view. The v2 view of a host with
// v1 hierarchies has no controllers, but freezing, killing and events.
func Enter(view string) error {
	var st unix.Statfs_t
	if err := unix.Statfs(cgroupRoot, &st); err != nil {
		return fmt.Errorf("statfs %s: %w", cgroupRoot, err)
	}
	unified := filepath.Join(cgroupRoot, "unified")
	switch {
	case view == "v1":
		if err := unix.Statfs(unified, &st); err == nil && st.Type == unix.CGROUP2_SUPER_MAGIC {
			return os.NewSyscallError("umount unified", unix.Unmount(unified, unix.MNT_DETACH))
		}
	case view == "v2" && st.Type != unix.CGROUP2_SUPER_MAGIC:
		if err := unix.Unmount(cgroupRoot, unix.MNT_DETACH); err != nil {
			return fmt.Errorf("unmount %s: %w", cgroupRoot, err)
		}
		return os.NewSyscallError("mount cgroup2", unix.Mount("none", cgroupRoot, "cgroup2", 0, ""))
	}
	return nil
}
