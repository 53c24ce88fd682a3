// Command recvfd plays the caller's part of --console-socket, --pidfd-socket and
// a seccomp filter's listenerPath: it listens on a socket, takes the one
// descriptor that a runtime sends, and uses it.
//
//	recvfd console SOCKET   print what the terminal shows, until it hangs up
//	recvfd pidfd SOCKET     print the pid, and "terminated" when that process has
//	recvfd seccomp SOCKET   print the text that came with it and each call that it
//	                        is asked about, and answer EXDEV, until nobody can ask
//
// It ends by itself after 30 seconds.
package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const bound = 30 * time.Second

func main() {
	uses := map[string]func(*os.File) error{"console": show, "pidfd": watch, "seccomp": refuse}
	if len(os.Args) != 3 || uses[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: recvfd console|pidfd|seccomp SOCKET")
		os.Exit(2)
	}
	time.AfterFunc(bound, func() { fail(errors.New("nobody came within " + bound.String())) })
	f, err := receive(os.Args[2])
	if err != nil {
		fail(err)
	}
	if err := uses[os.Args[1]](f); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "recvfd:", err)
	os.Exit(1)
}

func receive(socket string) (*os.File, error) {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		return nil, err
	}
	defer l.Close()
	conn, err := l.AcceptUnix()
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	name, oob := make([]byte, 4096), make([]byte, unix.CmsgSpace(4))
	n, oobn, _, _, err := conn.ReadMsgUnix(name, oob)
	if err != nil {
		return nil, fmt.Errorf("receive from %s: %w", socket, err)
	}
	msgs, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil || len(msgs) != 1 {
		return nil, fmt.Errorf("%d control messages: %w", len(msgs), err)
	}
	fds, err := unix.ParseUnixRights(&msgs[0])
	if err != nil || len(fds) != 1 {
		return nil, fmt.Errorf("%d descriptors: %w", len(fds), err)
	}
	return os.NewFile(uintptr(fds[0]), string(name[:n])), nil
}

// show copies the terminal until EIO, which is how a pty says that its other
// side is closed.
func show(tty *os.File) error {
	_, err := io.Copy(os.Stdout, tty)
	if errors.Is(err, unix.EIO) {
		return nil
	}
	return err
}

func watch(pidfd *os.File) error {
	info, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", pidfd.Fd()))
	if err != nil {
		return err
	}
	_, rest, ok := strings.Cut(string(info), "\nPid:")
	if !ok {
		return fmt.Errorf("%s is no pidfd", pidfd.Name())
	}
	pid, _, _ := strings.Cut(rest, "\n")
	fmt.Println("pid", strings.TrimSpace(pid))
	poll := []unix.PollFd{{Fd: int32(pidfd.Fd()), Events: unix.POLLIN}}
	for {
		_, err := unix.Poll(poll, int(bound.Milliseconds()))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		fmt.Println("terminated")
		return nil
	}
}

// What the kernel's seccomp.h calls seccomp_notif and seccomp_notif_resp.
type (
	question struct {
		id    uint64
		pid   uint32
		flags uint32
		nr    int32
		arch  uint32
		ip    uint64
		args  [6]uint64
	}
	answer struct {
		id    uint64
		val   int64
		errno int32
		flags uint32
	}
)

const (
	ioctlReceive = 0xc0502100 // SECCOMP_IOCTL_NOTIF_RECV
	ioctlSend    = 0xc0182101 // SECCOMP_IOCTL_NOTIF_SEND
)

// refuse ends when the last process under the filter has, which is a hang-up.
func refuse(listener *os.File) error {
	fmt.Println(listener.Name())
	poll := []unix.PollFd{{Fd: int32(listener.Fd()), Events: unix.POLLIN}}
	for {
		_, err := unix.Poll(poll, int(bound.Milliseconds()))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || poll[0].Revents&unix.POLLIN == 0 {
			return err
		}
		var q question
		if err := ioctl(listener, ioctlReceive, unsafe.Pointer(&q)); err != nil {
			if errors.Is(err, unix.ENOENT) { // it was killed meanwhile
				continue
			}
			return fmt.Errorf("receive: %w", err)
		}
		fmt.Println("asked for call", q.nr, "by", q.pid)
		a := answer{id: q.id, errno: -int32(unix.EXDEV)}
		if err := ioctl(listener, ioctlSend, unsafe.Pointer(&a)); err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("answer: %w", err)
		}
	}
}

func ioctl(f *os.File, request uintptr, arg unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), request, uintptr(arg)); errno != 0 {
		return errno
	}
	return nil
}
