package synckill

import (
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

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
