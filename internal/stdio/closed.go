// Package stdio tells whether runc was started without a standard output. Go
// opens /dev/null in the place of a standard stream that is closed, and what is
// written there is lost without an error.
package stdio

// #include <fcntl.h>
//
// static int closed;
//
// // Before Go's runtime begins.
// __attribute__((constructor)) static void look(void)
// {
// 	closed = fcntl(1, F_GETFD) < 0;
// }
//
// static int stdout_closed(void) { return closed; }
import "C"

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Out is the standard output; one that fails with EBADF where it was closed when
// runc was started.
func Out() io.Writer {
	if C.stdout_closed() != 0 {
		return none{}
	}
	return os.Stdout
}

type none struct{}

func (none) Write([]byte) (int, error) {
	return 0, &os.PathError{Op: "write", Path: os.Stdout.Name(), Err: unix.EBADF}
}
