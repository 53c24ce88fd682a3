//go:build 386 || arm

package guarantee

import "golang.org/x/sys/unix"

// sysMmap is what Go maps memory with; ARM has no other one.
const sysMmap = unix.SYS_MMAP2
