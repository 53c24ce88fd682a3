package drain

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// asLeaderless has the test binary be a process of which the first thread has
// ended, and others come and go.
const asLeaderless = "DRAIN_TEST_LEADERLESS"

func init() {
	if os.Getenv(asLeaderless) == "" {
		return
	}
	go func() {
		time.Sleep(20 * time.Second)
		os.Exit(0)
	}()
	go func() {
		os.Stdout.WriteString("ready\n")
		for {
			gone := make(chan struct{})
			go func() {
				runtime.LockOSThread() // its thread ends with it
				close(gone)
			}()
			<-gone
			time.Sleep(50 * time.Microsecond)
		}
	}()
	runtime.LockOSThread()
	_, _, _ = unix.RawSyscall(unix.SYS_EXIT, 0, 0, 0)
}

// leaderless starts such a process.
func leaderless(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), asLeaderless+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	await(t, "end of the first thread", func() bool { st, _ := readStat(cmd.Process.Pid); return st.dead() })
	return cmd
}

// TestLeaderless takes a process for alive whose first thread has ended, for as
// long as it has others, whether or not it has been sent SIGKILL.
func TestLeaderless(t *testing.T) {
	pid := leaderless(t).Process.Pid
	h := kinds["pidfd"](t, pid)
	for range 500 {
		if gone, err := h.terminated(); gone || err != nil {
			t.Fatalf("terminated %t, %v", gone, err)
		}
		if all, err := allZombies("/proc/" + strconv.Itoa(pid)); all || err != nil {
			t.Fatalf("all zombies: %t, %v", all, err)
		}
	}
	if err := h.signal(unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	await(t, "the end of all threads", func() bool { gone, err := h.terminated(); return gone && err == nil })
	if ready, err := readable(h.fd); !ready || err != nil {
		t.Errorf("terminated, and the pidfd says %t, %v", ready, err)
	}
}

// TestTracedThread has a thread that somebody traces and does not reap: once the
// process has been sent SIGKILL that it is dead is seen, before it is not.
func TestTracedThread(t *testing.T) {
	pid := leaderless(t).Process.Pid
	runtime.LockOSThread()
	defer runtime.UnlockOSThread() // the tracer is this thread
	var traced int
	await(t, "a thread to trace", func() bool {
		tids, err := os.ReadDir("/proc/" + strconv.Itoa(pid) + "/task")
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range tids {
			tid, _ := strconv.Atoi(e.Name())
			if st, err := readStatFile("/proc/" + strconv.Itoa(pid) + "/task/" + e.Name() + "/stat"); err != nil || st.dead() {
				continue
			}
			if _, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_SEIZE, uintptr(tid), 0, 0, 0, 0); errno == 0 {
				traced = tid
				return true
			}
		}
		return false
	})
	t.Cleanup(func() {
		_, _ = unix.Wait4(traced, nil, unix.WALL|unix.WNOHANG, nil)
	})
	h := kinds["pidfd"](t, pid)
	if err := unix.Kill(pid, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	await(t, "zombies only", func() bool { all, err := allZombies("/proc/" + strconv.Itoa(pid)); return all && err == nil })
	if ready, err := readable(h.fd); ready || err != nil {
		t.Skipf("this kernel's pidfd has its say although a thread was not reaped: %t, %v", ready, err)
	}
	if gone, err := h.terminated(); gone || err != nil {
		t.Errorf("without a SIGKILL through it: terminated %t, %v", gone, err)
	}
	if err := h.signal(unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if gone, err := h.terminated(); !gone || err != nil {
		t.Errorf("terminated %t, %v", gone, err)
	}
}

// TestAllZombies believes a listing only if the kernel counts as many threads.
func TestAllZombies(t *testing.T) {
	for name, tt := range map[string]struct {
		states string // of the threads listed
		count  string // of threads
		want   bool
	}{
		"a zombie":                    {"Z", "1", true},
		"one that was not reaped":     {"ZZ", "2", true},
		"one that is not in the list": {"Z", "2", false},
		"one more than there are":     {"ZZ", "1", false},
		"one that lives":              {"ZS", "2", false},
		"none in the list":            {"", "1", false},
	} {
		dir := t.TempDir()
		write := func(file, state string) {
			text := "7 (x) " + state + " 1" + strings.Repeat(" 0", 15) + " " + tt.count + " 0 4711 0\n"
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write(filepath.Join(dir, "stat"), "Z")
		if err := os.Mkdir(filepath.Join(dir, "task"), 0o755); err != nil {
			t.Fatal(err)
		}
		for i, state := range tt.states {
			task := filepath.Join(dir, "task", strconv.Itoa(i+7))
			if err := os.Mkdir(task, 0o755); err != nil {
				t.Fatal(err)
			}
			write(filepath.Join(task, "stat"), string(state))
		}
		if got, err := allZombies(dir); got != tt.want || err != nil {
			t.Errorf("%s: %t, %v, want %t", name, got, err, tt.want)
		}
	}
	if got, err := allZombies(filepath.Join(t.TempDir(), "gone")); !got || err != nil {
		t.Errorf("gone: %t, %v", got, err)
	}
}
