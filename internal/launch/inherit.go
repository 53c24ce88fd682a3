package launch

import (
	"fmt"
	"os"
	"slices"
	"strconv"

	"github.com/opencontainers/runc/libcontainer"
	"golang.org/x/sys/unix"
)

// firstFD is the first descriptor after the standard streams, where both
// socket activation and --preserve-fds begin.
const firstFD = 3

// passActivation hands the sockets of sd_listen_fds(3) on to the container's
// process, which is pid 1 to itself.
func passActivation(p *libcontainer.Process) error {
	n := activated()
	if n == 0 {
		return nil
	}
	files := inherited(firstFD, n, "LISTEN_FD_")
	if i := slices.Index(files, nil); i >= 0 {
		return fmt.Errorf("LISTEN_FDS=%d: file descriptor %d was not passed to runc", n, firstFD+i)
	}
	p.ExtraFiles = append(p.ExtraFiles, files...)
	p.Env = append(p.Env, "LISTEN_FDS="+strconv.Itoa(n), "LISTEN_PID=1")
	return nil
}

// activated is how many sockets are meant for this process.
func activated() int {
	if pid, err := strconv.Atoi(os.Getenv("LISTEN_PID")); err != nil || pid != os.Getpid() {
		return 0
	}
	n, err := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// passPreserved hands on the n descriptors that follow those p already has. A
// number that is not in use, below one that is, stays free in the container.
func passPreserved(p *libcontainer.Process, n int) error {
	if n < 0 {
		return fmt.Errorf("cannot preserve %d file descriptors", n)
	}
	files := inherited(firstFD+len(p.ExtraFiles), n, "PreserveFD:")
	if n > 0 && files[n-1] == nil {
		missing := n - 1
		for missing > 0 && files[missing-1] == nil {
			missing--
		}
		return fmt.Errorf("unable to stat preserved-fd %d (of %d): %w", missing, n, unix.ENOENT)
	}
	p.ExtraFiles = append(p.ExtraFiles, files...)
	return nil
}

// inherited returns n descriptors from first on, nil for one that was not open
// when runc was started. That a descriptor is runc's own shows in the
// close-on-exec flag: the Go library sets it on all that it opens, and none
// that has it survives the exec of runc.
func inherited(first, n int, name string) []*os.File {
	files := make([]*os.File, n)
	for i := range files {
		fd := first + i
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if err == nil && flags&unix.FD_CLOEXEC == 0 {
			files[i] = os.NewFile(uintptr(fd), name+strconv.Itoa(fd))
		}
	}
	return files
}
