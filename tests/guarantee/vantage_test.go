package guarantee

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"runcsync/tests/guarantee/rig"
)

// The tests here run runc elsewhere than where the container was made: in other
// namespaces, or with the container's cgroups under another name. What can't be
// known there must not be claimed, and nobody else signalled.

// withoutNotes takes away what only this project's runc writes about a container.
func withoutNotes(r *rig.Rig, c *rig.Container) {
	r.Helper()
	for _, name := range []string{"origin.json", "cgroups.json", "namespaces.json"} {
		if err := os.Remove(filepath.Join(c.StateDir(), name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			r.Fatal(err)
		}
	}
}

// refused wants a command to have failed, to say why, and to have kept the state.
func refused(r *rig.Rig, c *rig.Container, res rig.Result, why string) {
	r.Helper()
	if res.Status != 1 || !strings.Contains(res.Stderr, why) {
		r.Errorf("want status 1 and %q: %s", why, res)
	}
	if _, err := os.Stat(filepath.Join(c.StateDir(), "state.json")); err != nil {
		r.Errorf("the state is not kept: %v", err)
	}
}

// outside has init, and none but it, leave the container's cgroups.
func outside(r *rig.Rig, c *rig.Container) int {
	r.Helper()
	running(c)
	leave(r, c.Pid())
	return c.Pid()
}

// TestOtherTimeNamespace ends a container from a time namespace in which every
// start time in /proc is another one.
func TestOtherTimeNamespace(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/ns/time"); err != nil {
		t.Skip("the kernel has no time namespaces (Linux 5.6)")
	}
	away := func(t *testing.T, recorded bool, pids string) (*rig.Rig, *rig.Container) {
		r := rig.Open(t)
		c := r.New(rig.Spec{Args: []string{"crowd", "6"}, PIDs: pids})
		outside(r, c)
		if !recorded {
			withoutNotes(r, c)
		}
		r.Via = []string{"unshare", "-T", "--boottime", "100000", "--fork", "--kill-child"}
		return r, c
	}
	for _, recorded := range []bool{true, false} {
		for _, pids := range []string{rig.PrivatePIDs, rig.HostPIDs} {
			if !recorded && pids == rig.PrivatePIDs {
				continue // init is looked for in the same way
			}
			sub := func(name string, f func(t *testing.T, r *rig.Rig, c *rig.Container)) {
				t.Run(fmt.Sprintf("%s/recorded=%t/%s", name, recorded, pids), func(t *testing.T) {
					t.Parallel()
					r, c := away(t, recorded, pids)
					f(t, r, c)
				})
			}
			for _, wait := range []bool{true, false} {
				sub(fmt.Sprintf("delete without force, wait=%t", wait), func(t *testing.T, r *rig.Rig, c *rig.Container) {
					args := []string{"delete", c.ID}
					if wait {
						args = []string{"delete", "--wait", c.ID}
					}
					refused(r, c, r.Run(args...), "not stopped: running")
					if n := len(c.Alive()); n != 6 {
						t.Errorf("%d are alive, want 6", n)
					}
				})
			}
			for _, e := range enders {
				sub(e.name, func(t *testing.T, r *rig.Rig, c *rig.Container) {
					res := r.Run(e.args(c.ID)...)
					if res.Status != 0 {
						t.Error(res)
					}
					r.Via = nil
					e.check(c, res)
				})
			}
			sub("kill with TERM", func(t *testing.T, r *rig.Rig, c *rig.Container) {
				res := r.Run("kill", "--wait", c.ID, "TERM")
				if res.Status != 0 {
					t.Error(res)
				}
				r.Via = nil
				c.Stopped(res)
			})
			for _, signal := range []string{"TERM", "KILL"} {
				sub("kill without waiting, "+signal, func(_ *testing.T, r *rig.Rig, c *rig.Container) {
					r.Must("kill", c.ID, signal)
					r.Via = nil
					r.Await("status stopped", func() bool { return c.Status() == "stopped" })
				})
			}
			sub("delete without waiting", func(_ *testing.T, r *rig.Rig, c *rig.Container) {
				c.Removed(r.Must("delete", "--force", c.ID))
			})
		}
	}
}

// TestCreatorOfOtherTime deletes a container that is being made, from another time
// namespace: who makes it is not taken for another process that has its ID.
func TestCreatorOfOtherTime(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/ns/time"); err != nil {
		t.Skip("the kernel has no time namespaces (Linux 5.6)")
	}
	r := rig.Open(t)
	c, create := creating(r, rig.HostPIDs, "create")
	pid := create.Process.Pid
	if err := unix.Kill(pid, unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	awaitState(r, pid, "T")
	r.Via = []string{"unshare", "-T", "--boottime", "100000", "--fork", "--kill-child"}
	if res := r.Run("delete", "--force", "--wait", "--timeout=2s", c.ID); res.Status != 124 || !strings.Contains(res.Stderr, "a create that began before has not finished") {
		t.Errorf("want status 124, and the create named: %s", res)
	}
	if err := unix.Kill(pid, unix.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if made := create.Wait(); made.Status != 1 || made.Stderr == "" {
		t.Errorf("want status 1 and an error: %s", made)
	}
	removed(r, c, r.Must("delete", "--force", "--wait", c.ID))
}

// TestOtherPIDNamespace runs runc in a PID namespace in which nobody of the
// container is, with that one's /proc and with the old one. A bystander there
// has the ID that init has where it was made.
func TestOtherPIDNamespace(t *testing.T) {
	t.Parallel()
	for _, proc := range []string{"", "--mount-proc"} {
		for _, recorded := range []bool{true, false} {
			for _, pids := range []string{rig.PrivatePIDs, rig.HostPIDs} {
				if !recorded && pids == rig.HostPIDs {
					continue
				}
				for _, command := range []string{
					"delete --force --wait ID", "delete --wait ID", "delete ID",
					"kill --wait ID KILL", "kill --wait --timeout=1s ID TERM", "kill ID KILL", "kill ID TERM",
				} {
					t.Run(fmt.Sprintf("proc=%s/recorded=%t/%s/%s", proc, recorded, pids, command), func(t *testing.T) {
						t.Parallel()
						if !recorded && proc != "" && !strings.Contains(command, "--wait") {
							t.Skip("as upstream: nothing but a record would tell that the ID is another namespace's")
						}
						r := rig.Open(t)
						c := r.New(rig.Spec{Args: []string{"crowd", "6"}, PIDs: pids})
						init := outside(r, c)
						if !recorded {
							withoutNotes(r, c)
						}
						r.Via = []string{"unshare", "-p", "--fork", "--kill-child"}
						if proc != "" {
							r.Via = append(r.Via, proc)
						}
						r.Via = append(r.Via, "sh", "-c", fmt.Sprintf(`
							echo %d >/proc/sys/kernel/ns_last_pid
							sleep 60 & by=$!
							"$@"; status=$?
							kill $by 2>/dev/null && echo "bystander $by lived"
							exit $status`, init-1), "sh")
						res := r.Run(strings.Fields(strings.Replace(command, "ID", c.ID, 1))...)
						why := "PID namespace"
						if !recorded && proc != "" {
							why = "PID and time namespace"
						}
						if res.Status == 124 && strings.HasSuffix(command, "TERM") {
							res.Status = 1 // v2 tells that there are some, and no ID
						}
						refused(r, c, res, why)
						if want := fmt.Sprintf("bystander %d lived", init); res.Stdout != want {
							t.Errorf("want %q: %s", want, res)
						}
						if rig.State(init) == "" {
							t.Error("init, which is nowhere to be found, was ended")
						}
						n := len(c.Alive())
						if strings.HasPrefix(command, "delete") && !strings.Contains(command, "--force") && n != 6 {
							t.Errorf("without force %d of 6 are alive", n)
						}
						if c.KillFile() != "" && strings.Contains(command, "--force") && n != 1 {
							t.Errorf("%d are alive, want init alone: cgroup.kill needs no ID", n)
						}
					})
				}
			}
		}
	}
}

// TestOtherCgroups runs runc where other cgroups are mounted at the places of
// those that the container's paths lead to: there are none of that name.
func TestOtherCgroups(t *testing.T) {
	t.Parallel()
	for _, e := range enders {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			r := rig.Open(t)
			c := r.New(rig.Spec{Args: []string{"crowd", "6"}, PIDs: rig.HostPIDs})
			running(c)
			endInit(r, c)
			elsewhere := r.New(rig.Spec{}).Run()
			var enter, mount strings.Builder // in place of the old: the kernel refuses to mount the same twice
			for _, h := range r.Hierarchies() {
				fmt.Fprintf(&enter, "echo 0 >%s/cgroup.procs && ", elsewhere.Dir(h))
				if h.V2 {
					fmt.Fprintf(&mount, "umount -l %[1]s && mount -t cgroup2 none %[1]s && ", h.Mount)
					continue
				}
				options := strings.Join(h.Controllers, ",")
				if strings.HasPrefix(options, "name=") {
					options = "none," + options
				}
				fmt.Fprintf(&mount, "umount -l %[1]s && mount -t cgroup -o %[2]s none %[1]s && ", h.Mount, options)
			}
			r.Via = []string{
				"sh", "-c", enter.String() + `exec "$@"`, "sh", "unshare", "-C", "-m",
				"sh", "-c", mount.String() + `exec "$@"`, "sh",
			}
			refused(r, c, r.Run(e.args(c.ID)...), "what is mounted at")
			if n := len(c.Alive()); n != 5 {
				t.Errorf("%d are alive, want 5", n)
			}
			r.Via = nil
			res := r.Run(e.args(c.ID)...)
			if res.Status != 0 {
				t.Error(res)
			}
			e.check(c, res)
		})
	}
}

// TestRenamed ends a container whose cgroups, or those above, got other names,
// with and without new ones in their places.
func TestRenamed(t *testing.T) {
	t.Parallel()
	for _, above := range []bool{false, true} {
		for _, replaced := range []bool{false, true} {
			for _, e := range enders {
				t.Run(fmt.Sprintf("above=%t/replaced=%t/%s", above, replaced, e.name), func(t *testing.T) {
					t.Parallel()
					r := rig.Open(t)
					r.Only("cgroups of v2 can't be renamed", rig.Hybrid, rig.V1)
					c := r.New(rig.Spec{Args: []string{"crowd", "6"}, PIDs: rig.HostPIDs, Nested: true})
					running(c)
					endInit(r, c)
					var gone []string
					for _, h := range r.Hierarchies() {
						if h.V2 {
							for _, p := range c.Alive() {
								r.Put(p.Pid, h.Mount)
							}
							continue
						}
						dir, now := c.Dir(h), c.Dir(h)+"-renamed"
						gone = append(gone, now)
						if above {
							old, name := c.Above(h), c.Above(h)+"-renamed"
							gone[len(gone)-1] = filepath.Join(name, filepath.Base(dir))
							dir, now = old, name
							r.Cleanup(func() { _ = unix.Rmdir(name) })
						}
						if err := os.Rename(dir, now); err != nil {
							t.Fatal(err)
						}
						if replaced {
							if err := os.MkdirAll(c.Dir(h), 0o755); err != nil {
								t.Fatal(err)
							}
						}
					}
					if len(c.Alive()) != 5 {
						t.Fatalf("alive: %v, want 5", c.Alive())
					}
					res := r.Run(e.args(c.ID)...)
					if res.Status != 0 {
						t.Error(res)
					}
					e.check(c, res)
					if !strings.HasPrefix(e.args(c.ID)[0], "delete") {
						res = r.Must("delete", "--force", "--wait", c.ID)
						c.Removed(res)
					}
					for _, dir := range gone {
						if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
							t.Errorf("%s is still there after %s", dir, res)
						}
					}
				})
			}
		}
	}
}

// nobody is the user that the rig's rootless containers are run by.
const nobody = 65534

// mountNamespaceID asks for the number of the test's mount namespace that is its
// own for good (NS_GET_MNTNS_ID of linux/nsfs.h, Linux 6.11); 0 before.
func mountNamespaceID(t *testing.T) (id uint64) {
	t.Helper()
	f, err := os.Open("/proc/self/ns/mnt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const getMountID = 0x8008b705
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), getMountID, uintptr(unsafe.Pointer(&id))); errno != 0 {
		return 0
	}
	return id
}

// TestForgedNamespaces has the note of a container's namespaces name those of the
// caller: nobody in them is the container's.
func TestForgedNamespaces(t *testing.T) {
	t.Parallel()
	for _, what := range []string{"mount and user", "user", "none"} {
		for _, e := range enders {
			t.Run(what+"/"+e.name, func(t *testing.T) {
				t.Parallel()
				r := rig.Open(t)
				r.Rootless(false)
				c := r.New(rig.Spec{Args: []string{"crowd", "6"}, PIDs: rig.HostPIDs})
				running(c)
				endInit(r, c)
				var user, mount unix.Stat_t
				if err := errors.Join(unix.Stat("/proc/self/ns/user", &user), unix.Stat("/proc/self/ns/mnt", &mount)); err != nil {
					t.Fatal(err)
				}
				forged := map[string]string{
					"mount and user": fmt.Sprintf(`{"user":%d,"mount":%d,"own_user":false}`, user.Ino, mount.Ino),
					"user":           fmt.Sprintf(`{"user":%d,"mount":1,"mount_id":1,"own_user":true}`, user.Ino),
					"none":           `{"mount_id":1}`,
				}[what]
				file := filepath.Join(c.StateDir(), "namespaces.json")
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if id := mountNamespaceID(t); id != 0 && what == "mount and user" {
					forged = fmt.Sprintf(`%s,"mount_id":%d}`, strings.TrimSuffix(forged, "}"), id)
				}
				r.Write(file, forged+strings.Repeat(" ", max(0, len(text)-len(forged))))
				bystander := exec.Command("sleep", "60")
				bystander.SysProcAttr = &unix.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
				if err := bystander.Start(); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() {
					_ = bystander.Process.Kill()
					_ = bystander.Wait()
				})
				refused(r, c, r.Run(e.args(c.ID)...), "cannot tell whether")
				if rig.State(bystander.Process.Pid) == "Z" || len(c.Alive()) != 5 {
					t.Errorf("bystander in state %q; alive of the container: %v", rig.State(bystander.Process.Pid), c.Alive())
				}
				r.Write(file, string(text))
			})
		}
	}
}
