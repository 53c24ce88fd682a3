package drain

import (
	"errors"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// TestOpenThread opens the ID of a process that has passed to a thread of
// another one.
func TestOpenThread(t *testing.T) {
	id, done := make(chan int), make(chan struct{})
	defer close(done)
	for tid := unix.Getpid(); tid == unix.Getpid(); {
		go func() {
			runtime.LockOSThread()
			id <- unix.Gettid()
			<-done
		}()
		tid = <-id
		if tid == unix.Getpid() {
			continue // the thread-group leader, which goes on being taken
		}
		if h, err := openProcess(Process{Pid: tid, StartTime: 1}); !errors.Is(err, unix.ESRCH) {
			h.close()
			t.Errorf("open thread %d: got %v, want ESRCH", tid, err)
		}
	}
}
