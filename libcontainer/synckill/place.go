package synckill

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"github.com/opencontainers/runc/libcontainer"
	"golang.org/x/sys/unix"
)

// place is the state directory of one container. Another container of the same
// name gets a directory of its own, which is another place of the same path.
type place struct {
	path string
	info os.FileInfo
	// pin keeps the directory's inode number from being reused. It is nil
	// where no descriptor is left: a kill should not fail of that.
	pin *os.File
}

// find looks a state directory up. The error is [fs.ErrNotExist] if there is
// none, and [unix.ENOTDIR] if it is none. A link is none, wherever it leads: the
// directory of containers may be a user's who is not to be trusted, and what is in
// a container's directory gets removed.
func find(path string) (place, error) {
	f, err := os.OpenFile(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) {
		info, err := os.Lstat(path)
		if err == nil && !info.IsDir() {
			err = &fs.PathError{Op: "open", Path: path, Err: unix.ENOTDIR}
		}
		return place{path: path, info: info}, err
	}
	if err != nil {
		return place{path: path}, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return place{path: path}, err
	}
	return place{path: path, info: info, pin: f}, nil
}

func (p place) close() {
	if p.pin != nil {
		p.pin.Close()
	}
}

// standing tells whether the directory is still there, and if not, whether
// another one has its name.
func (p place) standing() (standing, replaced bool, err error) {
	info, err := os.Lstat(p.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, false, nil
	case err != nil:
		return false, false, err
	case p.info == nil || !os.SameFile(info, p.info):
		return false, true, nil
	}
	return true, false, nil
}

// errReplaced says that the container that was meant has been deleted.
var errReplaced = fmt.Errorf("%w: it has been deleted, and another one has its name now", libcontainer.ErrNotExist)

// notReplaced fails if another container has taken the place. What had been
// opened by name before belongs to that one only if it fails: a container's
// directory is made before its cgroups are, and removed after them.
func (p place) notReplaced() error {
	_, replaced, err := p.standing()
	if err == nil && replaced {
		return errReplaced
	}
	return err
}

// lstat looks at a file in the directory itself, wherever its name leads by now.
func (p place) lstat(name string) (st unix.Stat_t, err error) {
	dir, path := unix.AT_FDCWD, filepath.Join(p.path, name)
	if p.pin != nil {
		defer runtime.KeepAlive(p.pin)
		dir, path = int(p.pin.Fd()), name
	}
	if err := unix.Fstatat(dir, path, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return st, &fs.PathError{Op: "lstat", Path: filepath.Join(p.path, name), Err: err}
	}
	return st, nil
}

// open opens the directory itself, wherever its name leads by now.
func (p place) open() (*os.Root, error) {
	if p.pin == nil {
		return nil, &fs.PathError{Op: "open", Path: p.path, Err: unix.EMFILE}
	}
	defer runtime.KeepAlive(p.pin) // or else the number may be another file's
	return os.OpenRoot("/proc/self/fd/" + strconv.Itoa(int(p.pin.Fd())))
}
