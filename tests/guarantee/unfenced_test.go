package guarantee

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"runcsync/tests/guarantee/rig"
)

// TestKillOnFullFileSystem has the file of the exec fence missing where none can
// be made. The signal needs no fence, to claim that no exec follows does.
func TestKillOnFullFileSystem(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, why string
		shut      func(r *rig.Rig) error
		open      func(r *rig.Rig) error
	}{
		{"no inode left", "no space left on device", func(r *rig.Rig) error {
			for i := range 100 {
				if err := os.WriteFile(filepath.Join(r.Root, fmt.Sprint("full.", i)), nil, 0o600); errors.Is(err, unix.ENOSPC) {
					return nil
				}
			}
			return errors.New("it takes any number of files")
		}, func(r *rig.Rig) error {
			files, err := filepath.Glob(filepath.Join(r.Root, "full.*"))
			for _, f := range files {
				err = errors.Join(err, os.Remove(f))
			}
			return err
		}},
		{"read-only", "read-only file system", func(r *rig.Rig) error {
			return unix.Mount("", r.Root, "", unix.MS_REMOUNT|unix.MS_RDONLY, "")
		}, func(r *rig.Rig) error {
			return unix.Mount("", r.Root, "", unix.MS_REMOUNT, "")
		}},
	}
	for _, tt := range cases {
		for _, pids := range []string{rig.PrivatePIDs, rig.HostPIDs} {
			for _, e := range enders {
				t.Run(strings.Join([]string{tt.name, pids, e.name}, "/"), func(t *testing.T) {
					t.Parallel()
					r := rig.Open(t)
					if err := unix.Mount("tmpfs", r.Root, "tmpfs", 0, "nr_inodes=40,mode=711"); err != nil {
						t.Fatal(err)
					}
					t.Cleanup(func() { _ = unix.Unmount(r.Root, unix.MNT_DETACH) })
					c := r.New(rig.Spec{Args: []string{"crowd", "6"}, PIDs: pids})
					running(c)
					r.Fences(nil)
					if err := tt.shut(r); err != nil {
						t.Fatal(err)
					}
					killedUnclaimed(r, c, e, tt.why)
					if err := tt.open(r); err != nil {
						t.Fatal(err)
					}
					c.Delete()
				})
			}
		}
	}
}

// TestKillWithoutFence has something in the place of the fence's file that can't
// be opened as one.
func TestKillWithoutFence(t *testing.T) {
	t.Parallel()
	obstacles := map[string]func(path string) error{
		"directory":      func(path string) error { return os.Mkdir(path, 0o700) },
		"dangling link":  func(path string) error { return os.Symlink("nowhere/at/all", path) },
		"link to a file": func(path string) error { return os.Symlink("/dev/null", path) },
	}
	for name, put := range obstacles {
		for _, pids := range []string{rig.PrivatePIDs, rig.HostPIDs} {
			for _, e := range enders {
				t.Run(strings.Join([]string{name, pids, e.name}, "/"), func(t *testing.T) {
					t.Parallel()
					r := rig.Open(t)
					c := r.New(rig.Spec{Args: []string{"crowd", "6"}, PIDs: pids})
					running(c)
					r.Fences(put)
					killedUnclaimed(r, c, e, "open")
					r.Fences(nil)
					c.Delete()
				})
			}
		}
	}
}

// killedUnclaimed ends the container by a command that can't enter the exec
// fence. All processes have to be killed, and nothing may be claimed; the error
// has to name the fence, and why.
func killedUnclaimed(r *rig.Rig, c *rig.Container, e ender, why string) {
	r.Helper()
	res := r.Run(e.args(c.ID)...)
	if res.Status == 0 || res.Status == 124 || !strings.Contains(res.Stderr, "fence") || !strings.Contains(res.Stderr, why) {
		r.Errorf("want an error that names the exec fence and %q: %s", why, res)
	}
	dies(r, c, res)
}

// dies waits for the end of all the container's processes, which a command that
// claims nothing need not have done.
func dies(r *rig.Rig, c *rig.Container, res rig.Result) {
	r.Helper()
	if !allDead(c, true) {
		r.Fatalf("%v live on after %s", c.Alive(), res)
	}
}
