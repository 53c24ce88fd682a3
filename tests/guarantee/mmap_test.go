//go:build !386 && !arm

package guarantee

import "golang.org/x/sys/unix"

const sysMmap = unix.SYS_MMAP
