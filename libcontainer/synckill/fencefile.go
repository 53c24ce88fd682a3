package synckill

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// fenceFile is the file with the locks of all containers whose state
// directories it is beside. No container can be called so: an ID has no @.
const fenceFile = ".exec-fence@"

// errNoFence is for a file of the fence's name that runc has not made.
var errNoFence = errors.New("not an empty regular file with one name")

// openFence opens the fence of the container that has stateDir, and makes the
// file if there is none. It never blocks. The error is [fs.ErrNotExist] if there
// is no directory for it to be in.
func openFence(stateDir string) (*fence, error) {
	root, id := filepath.Split(filepath.Clean(stateDir))
	name := filepath.Join(root, fenceFile)
	fd, err := openFenceFile(root)
	if err != nil {
		return nil, fmt.Errorf("open exec fence: %w", &fs.PathError{Op: "open", Path: name, Err: err})
	}
	gate, room := places(id)
	return &fence{os.NewFile(uintptr(fd), name), gate, room}, nil
}

// openFenceFile returns a descriptor of the fence file in root. The directory
// may be a user's who is not to be trusted, while the caller is root: so all is
// done by descriptor, nothing is followed, and what is found is used, or given
// to anybody, only if it looks as runc makes it.
func openFenceFile(root string) (int, error) {
	dir, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	defer unix.Close(dir)
	rule, err := ruleOf(dir)
	if err != nil {
		return -1, err
	}
	const tries = 100 // of a file that somebody removes again and again
	for range tries {
		// Without O_NONBLOCK a FIFO, or a lease that the file's owner has taken,
		// would keep the caller.
		fd, err := unix.Openat(dir, fenceFile, unix.O_RDWR|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
		if errors.Is(err, unix.ENOENT) {
			fd, err = rule.create(dir)
		}
		switch {
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.EEXIST):
			continue
		case err != nil:
			return -1, err
		}
		removed, err := rule.apply(fd)
		if err == nil && !removed {
			return fd, nil
		}
		unix.Close(fd)
		if err != nil {
			return -1, err
		}
	}
	return -1, unix.EAGAIN
}

// fenceRule is whose the fence file is: its directory's owner and group, and
// theirs to open who may write in the directory. They could replace the file
// anyway; others must not be able to lock it, since that keeps a kill waiting.
type fenceRule struct {
	uid, gid uint32
	mode     uint32
}

func ruleOf(dir int) (fenceRule, error) {
	var st unix.Stat_t
	if err := unix.Fstat(dir, &st); err != nil {
		return fenceRule{}, err
	}
	write := st.Mode & 0o222
	return fenceRule{st.Uid, st.Gid, 0o600 | write | write<<1}, nil
}

// create makes the file in dir. It gets its name last, so that nobody finds one
// that is not theirs yet, or is left with it, should the caller be killed here;
// but not every file system can do that.
func (r fenceRule) create(dir int) (int, error) {
	fd, err := unix.Openat(dir, ".", unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err == nil {
		r.give(fd)
		if err = name(fd, dir); err == nil {
			return fd, nil
		}
		unix.Close(fd)
		if errors.Is(err, unix.EEXIST) {
			return -1, err
		}
	}
	return unix.Openat(dir, fenceFile, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
}

// name gives an unnamed file the fence's name. Before Linux 6.10 that takes a
// capability, or /proc.
func name(fd, dir int) error {
	err := unix.Linkat(fd, "", dir, fenceFile, unix.AT_EMPTY_PATH)
	if errors.Is(err, unix.ENOENT) {
		err = unix.Linkat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", fd), dir, fenceFile, unix.AT_SYMLINK_FOLLOW)
	}
	return err
}

// apply makes sure that fd is a fence file, and gives it to whom it belongs. A
// user could have put another file, or a further name of one, in its place.
func (r fenceRule) apply(fd int) (removed bool, err error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return false, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG || st.Nlink > 1 || st.Size != 0 {
		return false, errNoFence
	}
	if st.Uid != r.uid || st.Gid != r.gid || st.Mode&0o7777 != r.mode {
		r.give(fd)
	}
	return st.Nlink == 0, nil
}

// give changes owner, group and mode as far as the caller may. What can't be
// changed can't be helped: who is locked out by it is told so.
func (r fenceRule) give(fd int) {
	mode := r.mode
	if unix.Fchown(fd, int(r.uid), int(r.gid)) != nil {
		var st unix.Stat_t
		if unix.Fstat(fd, &st) != nil || st.Gid != r.gid {
			mode &^= 0o070 // another group than the one that may write in the directory
		}
	}
	_ = unix.Fchmod(fd, mode)
}

// intact tells whether the locked file is the one that others find. If not, they
// are not kept out.
func (f *fence) intact() bool {
	var ours, found unix.Stat_t
	if err := unix.Fstat(int(f.file.Fd()), &ours); err != nil {
		return false
	}
	switch err := unix.Lstat(f.file.Name(), &found); {
	case errors.Is(err, unix.ENOENT):
		_, err := os.Lstat(filepath.Dir(f.file.Name()))
		return errors.Is(err, fs.ErrNotExist) // with all containers
	case err != nil:
		return false
	}
	return ours.Dev == found.Dev && ours.Ino == found.Ino
}
