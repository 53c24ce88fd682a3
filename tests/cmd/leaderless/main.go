// Command leaderless ends its main thread and lives on in another: its process
// is a zombie with live threads, as far as /proc/PID/stat tells. It ends by
// itself after 100 seconds.
package main

import (
	"fmt"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

func init() {
	// The goroutine that runs init and main keeps the thread that leads the group.
	runtime.LockOSThread()
}

func main() {
	go func() {
		time.Sleep(100 * time.Second)
		os.Exit(0)
	}()
	// exit ends the calling thread, unlike exit_group.
	_, _, errno := unix.RawSyscall(unix.SYS_EXIT, 0, 0, 0)
	fmt.Fprintln(os.Stderr, "leaderless: exit:", errno)
	os.Exit(1)
}
