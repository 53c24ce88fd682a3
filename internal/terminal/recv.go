package terminal

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// maxName bounds the name that comes with a descriptor: PATH_MAX.
const maxName = 4096

// RecvFile takes one descriptor, close-on-exec, from a unix socket. The data
// sent along is the file's name. Anything but exactly one whole message with
// exactly one descriptor is an error, and no descriptor stays open then.
func RecvFile(socket *os.File) (*os.File, error) {
	name := make([]byte, maxName)
	control := make([]byte, unix.CmsgSpace(4))
	n, controlLen, flags, err := recvmsg(int(socket.Fd()), name, control)
	if err != nil {
		return nil, os.NewSyscallError("recvmsg", err)
	}
	// The kernel has installed the descriptors by now, truncated or not, so
	// they are collected before anything is judged.
	fds, err := rights(control[:controlLen])
	if err == nil {
		err = whole(n, flags, len(fds))
	}
	if err != nil {
		for _, fd := range fds {
			_ = unix.Close(fd)
		}
		return nil, fmt.Errorf("receive a file descriptor: %w", err)
	}
	return os.NewFile(uintptr(fds[0]), string(name[:n])), nil
}

func recvmsg(fd int, data, control []byte) (n, controlLen, flags int, err error) {
	for {
		n, controlLen, flags, _, err = unix.Recvmsg(fd, data, control, unix.MSG_CMSG_CLOEXEC)
		if !errors.Is(err, unix.EINTR) {
			return n, controlLen, flags, err
		}
	}
}

// rights returns the descriptors of all SCM_RIGHTS messages in control, also
// when it returns an error.
func rights(control []byte) (fds []int, err error) {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return nil, err
	}
	for _, m := range messages {
		if m.Header.Level != unix.SOL_SOCKET || m.Header.Type != unix.SCM_RIGHTS {
			err = errors.Join(err, fmt.Errorf("unexpected control message of level %d, type %d", m.Header.Level, m.Header.Type))
			continue
		}
		more, perr := unix.ParseUnixRights(&m)
		err = errors.Join(err, perr)
		fds = append(fds, more...)
	}
	return fds, err
}

// whole refuses a message that was cut, or carries another number of
// descriptors than one.
func whole(n, flags, fds int) error {
	switch {
	case flags&unix.MSG_CTRUNC != 0:
		return errors.New("more control data than one descriptor")
	case flags&unix.MSG_TRUNC != 0 || n >= maxName:
		return fmt.Errorf("name of %d bytes or more", maxName)
	case n == 0 && fds == 0:
		return errors.New("the sender closed the socket")
	case fds != 1:
		return fmt.Errorf("%d descriptors instead of one", fds)
	}
	return nil
}
