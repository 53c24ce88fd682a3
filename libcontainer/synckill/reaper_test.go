package synckill

import (
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

func TestParentOf(t *testing.T) {
	tests := []struct {
		stat string
		want int
	}{
		{"7 (sh) S 3 7 7 0 -1", 3},
		{"7 (a) S 9 ) b) R 3 7 7", 3},
		{"7 (sh) S", -1},
		{"7 (sh) S x 7", -1},
		{"", -1},
		{")", -1},
	}
	for _, tt := range tests {
		if got := parentOf(tt.stat); got != tt.want {
			t.Errorf("%q: got %d, want %d", tt.stat, got, tt.want)
		}
	}
}

func TestIsSibling(t *testing.T) {
	if !isSibling(os.Getpid()) {
		t.Error("this process has another parent than itself")
	}
	child := exec.Command("sleep", "60")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = child.Process.Signal(unix.SIGKILL) // it may have ended
		_ = child.Wait()                       // it was killed
	}()
	if isSibling(child.Process.Pid) {
		t.Error("a child has the same parent as this process")
	}
	if isSibling(-1) {
		t.Error("no process has a parent")
	}
}
