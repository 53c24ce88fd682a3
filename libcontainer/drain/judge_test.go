package drain

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// TestLeftOut kills those in a tree although another one can't be judged, and
// says afterwards what can't be known.
func TestLeftOut(t *testing.T) {
	dir := group(t, V2, "")
	pid := child(t, dir).Process.Pid
	odd := t.TempDir() // in no hierarchy
	fd, err := openat(unix.AT_FDCWD, odd, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		t.Fatal(err)
	}
	unknown := &Tree{Path: odd, Version: V1, dir: fd, events: -1}
	t.Cleanup(unknown.Close)
	// Nobody is signalled for being listed there.
	other := child(t).Process.Pid
	if err := os.WriteFile(filepath.Join(odd, "cgroup.procs"), []byte(strconv.Itoa(other)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	rep, err := Drain(t.Context(), Group{Trees: []*Tree{unknown, tree(t, dir, V2)}}, Request{Signal: unix.SIGKILL})
	u, ok := asType[*UnverifiableError](err)
	if !ok || u.What != odd || rep.Drained || rep.Signalled != 1 {
		t.Errorf("got %+v, %v", rep, err)
	}
	for pid, want := range map[int]bool{pid: true, other: false} {
		if st, err := readStat(pid); err != nil || st.dead() != want {
			t.Errorf("process %d: %+v, %v; want it dead: %t", pid, st, err, want)
		}
	}
}

// TestPlaceDeleted takes a removed cgroup for one that nobody is in, and one that
// is only called so for what it is.
func TestPlaceDeleted(t *testing.T) {
	for _, v := range []Version{V1, V2} {
		dir := group(t, v, "pids")
		for _, removed := range []bool{true, false} {
			path := filepath.Join(dir, "x")
			if !removed {
				path += deleted
			}
			if err := os.Mkdir(path, 0o755); err != nil {
				t.Fatal(err)
			}
			tr := tree(t, path, v)
			if removed {
				if err := unix.Rmdir(path); err != nil {
					t.Fatal(err)
				}
			}
			mounts, err := readMounts()
			if err != nil {
				t.Fatal(err)
			}
			place := "/" + filepath.Base(dir) + "/x" + deleted
			in := lineage{{pid: os.Getpid(), cgroups: map[string]string{"": place, "pids": place}}}
			_, unsafe := asType[*UnsafeError](tr.checkSafe(mounts, in, nil))
			if unsafe == removed {
				t.Errorf("%s, removed %t: refused %t", v, removed, unsafe)
			}
		}
	}
}

// TestUnreadLineage looks for an ancestor, the cgroups of which can't be read, in
// the tree itself.
func TestUnreadLineage(t *testing.T) {
	mounts, err := readMounts()
	if err != nil {
		t.Fatal(err)
	}
	dir := group(t, V2, "")
	tr := tree(t, dir, V2)
	in, out := child(t, dir).Process.Pid, child(t).Process.Pid
	for pid, want := range map[int]bool{in: true, out: false} {
		kin := lineage{{pid: os.Getpid(), cgroups: map[string]string{"": "/"}}, {pid: pid, unread: unix.ENAMETOOLONG}}
		err := tr.checkSafe(mounts, kin, nil)
		if _, unsafe := asType[*UnsafeError](err); unsafe != want || !want && err != nil {
			t.Errorf("process %d: %v, want refusal %t", pid, err, want)
		}
		// Where /proc counts otherwise than we do, its IDs are in no list of ours.
		kin[0].pid++
		if err := tr.checkSafe(mounts, kin, nil); !errors.Is(err, unix.ENAMETOOLONG) {
			t.Errorf("with the /proc of another PID namespace: %v", err)
		}
	}
}
