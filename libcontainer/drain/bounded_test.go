package drain

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestManyCgroups bounds what is done with a tree of 20,000 cgroups, however many
// processes it holds: a deadline is a deadline, and the kill comes before all
// reading.
func TestManyCgroups(t *testing.T) {
	for _, v := range []Version{V1, V2} {
		t.Run(v.String(), func(t *testing.T) {
			dir := group(t, v, "pids")
			for i := range 100 {
				for j := range 200 {
					if err := os.MkdirAll(filepath.Join(dir, fmt.Sprintf("%d/%d", i, j)), 0o755); err != nil {
						t.Fatal(err)
					}
				}
			}
			const short = 50 * time.Millisecond
			p := child(t, dir)
			g := Group{Trees: []*Tree{tree(t, dir, v)}}
			for _, sig := range []unix.Signal{0, unix.SIGTERM} {
				_ = p.Process.Signal(unix.SIGSTOP)
				best := time.Hour // of some: other work on the machine takes its time
				for range 4 {
					ctx, cancel := context.WithTimeout(t.Context(), short)
					rep, err := Drain(ctx, g, Request{Signal: sig})
					cancel()
					if left, timedOut := asType[*TimeoutError](err); !timedOut || left.Total != 1 {
						t.Errorf("signal %d: %+v, %v; want a time-out that names one", int(sig), rep, err)
					}
					best = min(best, rep.Elapsed)
				}
				if best > short+2*grace {
					t.Errorf("signal %d: %s at best, want some %s", int(sig), best, short)
				}
			}
			if v == V1 {
				return
			}
			rep, err := Drain(t.Context(), g, Request{Signal: unix.SIGKILL})
			if err != nil || rep.Elapsed > time.Second {
				t.Errorf("killed: %+v, %v", rep, err)
			}
		})
	}
}
