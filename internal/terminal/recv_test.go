package terminal

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestRecvFile(t *testing.T) {
	long := strings.Repeat("n", maxName)
	tests := map[string]struct {
		name string
		fds  int
		want string // in the error, "" for none
	}{
		"one":           {"/dev/pts/ptmx", 1, ""},
		"longest":       {long[1:], 1, ""},
		"none":          {"x", 0, "0 descriptors instead of one"},
		"two":           {"x", 2, "2 descriptors instead of one"},
		"three":         {"x", 3, "more control data than one descriptor"},
		"name too long": {long, 1, "name of 4096 bytes or more"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			ours, theirs := socketPair(t)
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			var rights []int
			for range tt.fds {
				rights = append(rights, int(w.Fd()))
			}
			if err := unix.Sendmsg(int(theirs.Fd()), []byte(tt.name), unix.UnixRights(rights...), nil, 0); err != nil {
				t.Fatal(err)
			}
			w.Close()
			f, err := RecvFile(ours)
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Fatalf("error %v, want %q", err, tt.want)
				}
				// Every copy of the write end is closed if this sees the end.
				if n, _ := r.Read(make([]byte, 1)); n != 0 {
					t.Errorf("read %d bytes from a pipe nobody wrote to", n)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if f.Name() != tt.name {
				t.Errorf("name %q, want %q", f.Name(), tt.name)
			}
			if flags, _ := unix.FcntlInt(f.Fd(), unix.F_GETFD, 0); flags&unix.FD_CLOEXEC == 0 {
				t.Error("the descriptor would survive an exec")
			}
		})
	}
}

func TestRecvFileFromClosedSocket(t *testing.T) {
	ours, theirs := socketPair(t)
	theirs.Close()
	if f, err := RecvFile(ours); err == nil || !strings.Contains(err.Error(), "the sender closed the socket") {
		t.Errorf("got %v, %v from a closed socket", f, err)
	}
}

func socketPair(t *testing.T) (ours, theirs *os.File) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs = os.NewFile(uintptr(fds[0]), "ours"), os.NewFile(uintptr(fds[1]), "theirs")
	t.Cleanup(func() { ours.Close(); theirs.Close() })
	return ours, theirs
}
