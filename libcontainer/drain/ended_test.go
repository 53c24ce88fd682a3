package drain

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestThawedAtTheEnd thaws a v1 tree whose processes have been sent SIGKILL
// also when the time ended before all of them were: else they stay as they are.
func TestThawedAtTheEnd(t *testing.T) {
	dir := group(t, V1, "freezer")
	pid := child(t, dir).Process.Pid
	state := filepath.Join(dir, "freezer.state")
	if err := os.WriteFile(state, []byte("FROZEN"), 0); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.WriteFile(state, []byte("THAWED"), 0) }()
	await(t, "the freeze", func() bool { text, err := os.ReadFile(state); return err == nil && string(text) == "FROZEN\n" })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Drain(ctx, Group{Trees: []*Tree{tree(t, dir, V1)}}, Request{Signal: unix.SIGKILL}); err == nil {
		t.Error("drained")
	}
	await(t, "its end", func() bool { st, err := readStat(pid); return err != nil || st.dead() })
}
