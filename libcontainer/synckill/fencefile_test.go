package synckill

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Users of the tests, who need not have a name.
const (
	owner    = 712345
	outsider = 712346
)

// as does something with a user's rights and no others. They are those of a
// thread, which ends with them.
func as(uid uintptr, do func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		for _, call := range [][3]uintptr{
			{unix.SYS_SETGROUPS, 0, 0}, {unix.SYS_SETRESGID, uid, uid}, {unix.SYS_SETRESUID, uid, uid},
		} {
			third := call[2]
			if call[0] == unix.SYS_SETGROUPS {
				third = 0
			}
			if _, _, errno := unix.RawSyscall(call[0], call[1], call[2], third); errno != 0 {
				done <- errno
				return
			}
		}
		done <- do()
	}()
	return <-done
}

// rootOf makes a directory of containers that is the owner's.
func rootOf(t *testing.T, mode os.FileMode) (root string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("not root: can't make files of others")
	}
	top := t.TempDir()
	root = filepath.Join(top, "root")
	if err := errors.Join(os.Chmod(filepath.Dir(top), 0o711), os.Chmod(top, 0o711), os.Mkdir(root, 0o700), os.Chown(root, owner, owner), os.Chmod(root, mode)); err != nil {
		t.Fatal(err)
	}
	return root
}

// opens is to open the fence of a container in root, and to close it.
func opens(root string) func() error {
	return func() error {
		f, err := openFence(filepath.Join(root, "id"))
		if err == nil {
			f.Close()
		}
		return err
	}
}

// wantFence wants the fence file to be the owner's.
func wantFence(t *testing.T, root string, gid, mode uint32) {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Lstat(filepath.Join(root, fenceFile), &st); err != nil {
		t.Error(err)
	} else if st.Uid != owner || st.Gid != gid || st.Mode != unix.S_IFREG|mode || st.Nlink != 1 {
		t.Errorf("owner %d, group %d, mode %#o, %d names; want %d, %d, %#o, 1", st.Uid, st.Gid, st.Mode, st.Nlink, owner, gid, unix.S_IFREG|mode)
	}
}

// TestFenceOwner gives the file to those who may write in its directory, whoever
// makes it, and whatever it is found with.
func TestFenceOwner(t *testing.T) {
	for mode, want := range map[os.FileMode]uint32{
		0o700: 0o600, 0o755: 0o600, 0o711: 0o600, 0o500: 0o600, 0o770: 0o660, 0o777: 0o666, 0o777 | os.ModeSticky: 0o666,
	} {
		t.Run(mode.String(), func(t *testing.T) {
			root := rootOf(t, mode)
			file := filepath.Join(root, fenceFile)
			if err := opens(root)(); err != nil {
				t.Fatal(err)
			}
			wantFence(t, root, owner, want)
			if err := as(owner, opens(root)); err != nil {
				t.Errorf("the owner, after root: %v", err)
			}
			if err := as(outsider, opens(root)); (err == nil) != (mode&0o002 != 0) {
				t.Errorf("a stranger: %v", err)
			}
			if err := errors.Join(os.Chown(file, 0, 0), os.Chmod(file, 0o644)); err != nil {
				t.Fatal(err)
			}
			if err := as(owner, opens(root)); !errors.Is(err, os.ErrPermission) {
				t.Errorf("a file that is root's, as the owner: %v", err)
			}
			if _, err := raise(filepath.Join(root, "id")); err != nil { // root's next kill
				t.Error(err)
			}
			wantFence(t, root, owner, want)
			if mode&0o200 == 0 {
				return
			}
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			if err := as(owner, opens(root)); err != nil {
				t.Errorf("the owner, before root: %v", err)
			}
			wantFence(t, root, owner, want)
		})
	}
}

// TestFenceGroup keeps a group that the file could not be given to out of it.
func TestFenceGroup(t *testing.T) {
	root := rootOf(t, 0o770)
	if err := os.Chown(root, owner, 1); err != nil {
		t.Fatal(err)
	}
	if err := as(owner, opens(root)); err != nil {
		t.Fatal(err)
	}
	wantFence(t, root, owner, 0o600)
	if err := opens(root)(); err != nil {
		t.Fatal(err)
	}
	wantFence(t, root, 1, 0o660)
}

// TestFenceMade has root and the owner make the file at once: both get in, to
// the same one.
func TestFenceMade(t *testing.T) {
	root := rootOf(t, 0o700)
	for range 200 {
		var users sync.WaitGroup
		var inodes [4]uint64
		for i := range inodes {
			look := func() error {
				f, err := openFence(filepath.Join(root, "id"))
				if err != nil {
					return err
				}
				defer f.Close()
				var st unix.Stat_t
				err = unix.Fstat(int(f.file.Fd()), &st)
				inodes[i] = st.Ino
				return err
			}
			users.Go(func() {
				by := look
				if i%2 == 1 {
					by = func() error { return as(owner, look) }
				}
				if err := by(); err != nil {
					t.Errorf("user %d: %v", i%2, err)
				}
			})
		}
		users.Wait()
		for _, n := range inodes {
			if n != inodes[0] {
				t.Fatalf("different files: %d", inodes)
			}
		}
		if err := os.Remove(filepath.Join(root, fenceFile)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFenceRefused has a user put something else in the place of the fence file,
// in a directory in which root is at work: root neither uses it, nor gives it
// away, nor hangs.
func TestFenceRefused(t *testing.T) {
	for name, put := range map[string]func(file, other string) error{
		"symbolic link":    func(file, other string) error { return os.Symlink(other, file) },
		"link to nowhere":  func(file, other string) error { return os.Symlink(other+".none", file) },
		"another's name":   func(file, other string) error { return os.Link(other, file) },
		"FIFO":             func(file, _ string) error { return unix.Mkfifo(file, 0o600) },
		"directory":        func(file, _ string) error { return os.Mkdir(file, 0o700) },
		"device":           func(file, _ string) error { return unix.Mknod(file, unix.S_IFCHR|0o600, int(unix.Mkdev(1, 7))) },
		"file with a text": func(file, _ string) error { return os.WriteFile(file, []byte("text"), 0o600) },
		"socket": func(file, _ string) error {
			l, err := net.ListenUnix("unix", &net.UnixAddr{Name: file, Net: "unix"})
			if err == nil {
				l.SetUnlinkOnClose(false)
				err = l.Close()
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			root := rootOf(t, 0o700)
			file, other := filepath.Join(root, fenceFile), filepath.Join(filepath.Dir(root), "other")
			if err := os.WriteFile(other, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := put(file, other); err != nil {
				t.Fatal(err)
			}
			before := list(t, filepath.Dir(root), root)
			in, shut := make(chan error, 1), make(chan error, 1)
			go func() {
				_, err := EnterExec(filepath.Join(root, "id"))
				in <- err
				_, err = raise(filepath.Join(root, "id"))
				shut <- err
			}()
			if err := bounded(t, "exec", in); err == nil {
				t.Error("exec entered it")
			}
			if err := bounded(t, "kill", shut); err == nil {
				t.Error("kill shut it")
			}
			if after := list(t, filepath.Dir(root), root); after != before {
				t.Errorf("before:\n%safter:\n%s", before, after)
			}
		})
	}
}

// list tells all there is of what is in the directories.
func list(t *testing.T, dirs ...string) (s string) {
	t.Helper()
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			var st unix.Stat_t
			if err := unix.Lstat(filepath.Join(dir, e.Name()), &st); err != nil {
				t.Fatal(err)
			}
			s += fmt.Sprintf("%s: %#o %d %d, %d names, %d bytes\n", e.Name(), st.Mode, st.Uid, st.Gid, st.Nlink, st.Size)
		}
	}
	return s
}

// TestFenceLeased has the file's owner hold a lease on it, which makes others
// that open it wait: not runc.
func TestFenceLeased(t *testing.T) {
	root := t.TempDir()
	if err := opens(root)(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(root, fenceFile), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
		t.Skip("no leases on this file system:", err)
	}
	opened := make(chan error, 1)
	go func() { opened <- opens(root)() }()
	if err := bounded(t, "open", opened); !errors.Is(err, unix.EAGAIN) {
		t.Errorf("%v, want EAGAIN", err)
	}
}

// TestFenceRemoved has the file removed under those that hold its locks: a kill
// knows, and an exec goes to the new one.
func TestFenceRemoved(t *testing.T) {
	root := t.TempDir()
	dir, file := filepath.Join(root, "id"), filepath.Join(root, fenceFile)
	first, err := raise(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !first.intact() {
		t.Error("not intact from the beginning")
	}
	in := entering(t, dir)
	select {
	case <-in:
		t.Fatal("an exec passed the closed fence")
	case <-time.After(pause): // it waits at the gate
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if first.intact() {
		t.Error("intact without its file")
	}
	second, err := raise(dir)
	if err != nil || !second.held {
		t.Fatalf("held %t, %v", second.held, err)
	}
	if first.intact() || !second.intact() {
		t.Errorf("the first is intact: %t, the second: %t", first.intact(), second.intact())
	}
	first.lower()
	select {
	case <-in:
		t.Fatal("the exec is content with the lock of a file that is gone")
	case <-time.After(pause):
	}
	second.lower()
	bounded(t, "exec after both", in)()
	third, err := raise(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer third.lower()
	if err := os.RemoveAll(root); err != nil {
		t.Fatal(err)
	}
	if !third.intact() {
		t.Error("without the directory there is nothing to add a process to, but it counts as removed")
	}
}
