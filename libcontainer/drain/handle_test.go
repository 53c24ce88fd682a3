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

// kinds are the ways to hold a process: by pidfd, and by ID and start time as
// before Linux 5.3.
var kinds = map[string]func(t *testing.T, pid int) handle{
	"pidfd": func(t *testing.T, pid int) handle {
		h, err := open(pid)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(h.close)
		return h
	},
	"start time": func(t *testing.T, pid int) handle {
		st, err := readStat(pid)
		if err != nil {
			t.Fatal(err)
		}
		return handle{pid: pid, fd: -1, start: st.start}
	},
}

func TestHandle(t *testing.T) {
	for kind, hold := range kinds {
		t.Run(kind, func(t *testing.T) {
			cmd := child(t)
			h := hold(t, cmd.Process.Pid)
			if gone, err := h.terminated(); gone || err != nil {
				t.Errorf("alive: terminated %t, %v", gone, err)
			}
			if err := h.signal(unix.SIGKILL); err != nil {
				t.Fatal(err)
			}
			await(t, "end of the process", func() bool { gone, err := h.terminated(); return gone && err == nil })
			if st, _ := readStat(h.pid); !st.dead() {
				t.Error("the process is not the zombie that was to count as terminated")
			}
			_ = cmd.Wait()
			if gone, err := h.terminated(); !gone || err != nil {
				t.Errorf("reaped: terminated %t, %v", gone, err)
			}
			if err := h.signal(unix.SIGKILL); err != nil {
				t.Errorf("signal to a process that is gone: %v", err)
			}
		})
	}
}

// TestReusedID takes a process for gone, and does not signal, whose ID is
// somebody else's by now.
func TestReusedID(t *testing.T) {
	other := child(t).Process.Pid
	st, err := readStat(other)
	if err != nil {
		t.Fatal(err)
	}
	h := handle{pid: other, fd: -1, start: st.start - 1}
	if gone, err := h.terminated(); !gone || err != nil {
		t.Errorf("terminated %t, %v", gone, err)
	}
	if err := h.signal(unix.SIGKILL); err != nil {
		t.Error(err)
	}
	if _, err := openProcess(Process{Pid: other, StartTime: st.start - 1}); !errors.Is(err, unix.ESRCH) {
		t.Errorf("open: %v, want ESRCH", err)
	}
	rep, err := Drain(t.Context(), Group{Processes: []Process{{Pid: other, StartTime: st.start - 1}}}, Request{Signal: unix.SIGKILL})
	if err != nil || !rep.Idle || rep.Signalled != 0 {
		t.Errorf("drain: %+v, %v", rep, err)
	}
	if now, err := readStat(other); err != nil || now.dead() {
		t.Errorf("the other process was signalled: %+v, %v", now, err)
	}
}
