package launch

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// dialPidfd connects to the socket over which runc init will send a pidfd of
// itself.
func dialPidfd(path string) (*os.File, error) {
	if err := probePidfd(); err != nil {
		return nil, err
	}
	conn, err := net.Dial("unix", path)
	if err != nil {
		return nil, fmt.Errorf("failed to dial %s: %w", path, err)
	}
	defer conn.Close()
	socket, err := conn.(*net.UnixConn).File()
	if err != nil {
		return nil, fmt.Errorf("failed to dup socket: %w", err)
	}
	return socket, nil
}

// probePidfd tells a kernel before 5.3 now, as init would only fail later.
func probePidfd() error {
	fd, err := unix.PidfdOpen(unix.Getpid(), 0)
	switch {
	case err == nil:
		return unix.Close(fd)
	case errors.Is(err, unix.ENOSYS):
		return errors.New("--pidfd-socket requires >= v5.3 kernel")
	}
	return os.NewSyscallError("pidfd_open", err)
}
