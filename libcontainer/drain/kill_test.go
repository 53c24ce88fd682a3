package drain

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestKilledWithItsTree has a process that is held in a v2 tree killed by that
// tree's cgroup.kill and not before. One that is held elsewhere, or in a tree
// that can't be killed so, is killed first.
func TestKilledWithItsTree(t *testing.T) {
	for where, tc := range map[string]struct{ within, able bool }{
		"in the tree":                   {true, true},
		"elsewhere":                     {false, true},
		"in a tree without cgroup.kill": {true, false},
	} {
		t.Run(where, func(t *testing.T) {
			dir := group(t, V2, "")
			tr := tree(t, dir, V2)
			if unix.Access(filepath.Join(dir, "cgroup.kill"), unix.W_OK) != nil {
				t.Skip("no cgroup.kill (Linux 5.14)")
			}
			if !tc.able {
				tr.Version = V1
			}
			member, other := child(t, dir), child(t)
			held := other.Process.Pid
			if tc.within {
				held = member.Process.Pid
			}
			// No signal can be sent by what is not a pidfd.
			null, err := unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			d := newDrainer(t.Context(), Group{Trees: []*Tree{tr}}, Request{Signal: unix.SIGKILL})
			t.Cleanup(func() { _ = d.close() })
			d.held.handles = []handle{{pid: held, fd: null}}
			killed, _, err := d.kill.tree(tr)
			if tc.within && tc.able {
				if !killed || err != nil {
					t.Errorf("got %t, %v", killed, err)
				}
				await(t, "its end", func() bool { st, err := readStat(held); return err != nil || st.dead() })
			} else if !errors.Is(err, unix.EBADF) {
				t.Errorf("got %t, %v, want the error of a signal", killed, err)
			}
			if !d.kill.began {
				t.Error("the next look does not send it SIGKILL")
			}
		})
	}
}

// TestKilledAllTheSame has init killed where its tree can't be read.
func TestKilledAllTheSame(t *testing.T) {
	dir := group(t, V2, "")
	tr := tree(t, dir, V2)
	var err error
	if tr.events, err = unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil { // says nothing
		t.Fatal(err)
	}
	pid := child(t, dir).Process.Pid
	st, err := readStat(pid)
	if err != nil {
		t.Fatal(err)
	}
	g := Group{Trees: []*Tree{tr}, Processes: []Process{{pid, st.start}}}
	if _, err := Drain(t.Context(), g, Request{Signal: unix.SIGKILL}); err == nil {
		t.Error("drained")
	} else if _, ok := asType[*UnverifiableError](err); !ok {
		t.Errorf("got %v", err)
	}
	await(t, "its end", func() bool { st, err := readStat(pid); return err != nil || st.dead() })
}
