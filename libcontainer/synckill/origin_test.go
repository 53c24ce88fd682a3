package synckill

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/cgroups"
	"github.com/opencontainers/runc/libcontainer/system"
	"golang.org/x/sys/unix"
)

// noted is an origin as this process would note it.
func noted(t testing.TB) origin {
	t.Helper()
	paths := map[string]string{"": "/sys/fs/cgroup/unified/none", "pids": "/sys/fs/cgroup/pids/none"}
	v, err := observe(paths)
	if err != nil {
		t.Fatal(err)
	}
	st, err := system.Stat(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	return origin{Vantage: v, CgroupPaths: paths, Cgroup: cgroups.Cgroup{Rootless: true}, Creator: os.Getpid(), CreatorTime: st.StartTime}
}

// put writes an origin into dir.
func put(t testing.TB, dir string, o origin) {
	t.Helper()
	data, err := json.Marshal(o)
	if err == nil {
		err = writeOnce(dir, originFile, data)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestOriginFile writes the note once, and reads back what was written.
func TestOriginFile(t *testing.T) {
	dir := t.TempDir()
	if _, err := readOrigin(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no note: %v", err)
	}
	o := noted(t)
	put(t, dir, o)
	got, err := readOrigin(dir)
	if err != nil || !maps.Equal(got.CgroupPaths, o.CgroupPaths) || got.Creator != o.Creator || got.CreatorTime != o.CreatorTime || got.Vantage.Boot != o.Vantage.Boot {
		t.Errorf("got %+v, %v; want %+v", got, err, o)
	}
	if err := writeOnce(dir, originFile, []byte("{}")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second note: %v, want that there is one", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left over: %v, %v", entries, err)
	}
}

// TestOriginDamaged takes nothing for a note that is none: above all not for one
// of an earlier boot, of which nothing can be left.
func TestOriginDamaged(t *testing.T) {
	whole, err := json.Marshal(noted(t))
	if err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		if o, err := parseOrigin(whole[:n]); err == nil {
			t.Fatalf("cut off after %d bytes: %+v", n, o)
		}
	}
	for _, text := range []string{
		"{}", "null", "[]", `{"vantage":{"boot":"x"}}`,
		strings.Replace(string(whole), "/sys/fs/cgroup/pids/none", "/sys/fs/cgroup/pids/..", 1),
		strings.Replace(string(whole), "/sys/fs/cgroup/pids/none", "none", 1),
		strings.Replace(string(whole), `"creator":`, `"creator":-`, 1),
	} {
		if o, err := parseOrigin([]byte(text)); err == nil {
			t.Errorf("%s: %+v", text, o)
		}
	}
}

// FuzzOrigin makes no claim and no signal of what is no note.
func FuzzOrigin(f *testing.F) {
	whole, err := json.Marshal(noted(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add([]byte("{}"))
	f.Add([]byte(`{"vantage":{"boot":"00000000-0000-0000-0000-000000000000","pid_ns":1,"user_ns":1,"mount_ns":1,"mounts":{}},"creator":1,"cgroup_paths":{"":"/"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := parseOrigin(data)
		if err != nil {
			return
		}
		if o.Vantage.PID == 0 || o.Creator <= 0 {
			t.Fatalf("%q is taken for a note", data)
		}
		m := o.members(place{path: t.TempDir()}, nil)
		defer m.close()
		if len(m.Sources) > 0 || len(m.Processes) > 0 {
			t.Errorf("%q: somebody was found where nothing was started", data)
		}
	})
}

// TestEarlierBoot looks for nothing of a container that was being made before the
// machine was started.
func TestEarlierBoot(t *testing.T) {
	dir := t.TempDir()
	o := noted(t)
	if m := o.members(place{path: dir}, nil); len(m.Trees) == 0 {
		t.Error("this boot: nothing is looked for")
	}
	o.Vantage.Boot = "00000000-0000-4000-8000-000000000000"
	if m := o.members(place{path: dir}, nil); len(m.Trees) > 0 || m.unproven() != nil {
		t.Errorf("earlier boot: %+v", m)
	}
	o.Vantage.Boot = ""
	if m := o.members(place{path: dir}, nil); len(m.Trees) == 0 {
		t.Error("unknown boot: nothing is looked for")
	}
}

// TestInitSource tells the processes that were passed the fifo from its creator,
// from its readers, and from those that have another file of the name.
func TestInitSource(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	path := filepath.Join(dir, fifoFile)
	o := noted(t)
	if _, err := newInitSource(o, placeOf(t, dir)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a fifo: %v", err)
	}
	for _, p := range []string{path, filepath.Join(elsewhere, fifoFile)} {
		if err := unix.Mkfifo(p, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := newInitSource(o, placeOf(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	start := func(path string, flags int) int {
		t.Helper()
		f, err := os.OpenFile(path, flags, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		cmd := exec.Command("sleep", "60")
		cmd.ExtraFiles = []*os.File{f}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		})
		return cmd.Process.Pid
	}
	passed := start(path, unix.O_PATH)
	reader := start(path, os.O_RDONLY|unix.O_NONBLOCK)
	writer := start(path, os.O_WRONLY) // the reader is there
	other := start(filepath.Join(elsewhere, fifoFile), unix.O_PATH)
	own, err := os.OpenFile(path, unix.O_PATH, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	got, err := s.Pids(always)
	slices.Sort(got)
	want := []int{passed, writer}
	slices.Sort(want)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("found %v, %v; want %v", got, err, want)
	}
	for pid, is := range map[int]bool{passed: true, writer: true, reader: false, other: false, os.Getpid(): false} {
		if s.Has(pid) != is {
			t.Errorf("%d is the container's: %t, want %t", pid, !is, is)
		}
	}
	s.Creator, s.CreatorTime = passed, 1 // which has ended
	if !s.Has(passed) {
		t.Error("a process with the creator's ID is taken for the creator")
	}
	// The inode's number may be another container's from now on.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Pids(always); s.Has(passed) || len(got) > 0 || err != nil {
		t.Errorf("with the fifo gone %v are the container's, %v", got, err)
	}
}

// TestOpenFlags reads what the kernel writes.
func TestOpenFlags(t *testing.T) {
	if f, ok := openFlags("pos:\t0\nflags:\t012100000\nmnt_id:\t30\n"); !ok || f&unix.O_PATH == 0 {
		t.Errorf("got %o, %t", f, ok)
	}
	for _, text := range []string{"", "flags:\t", "flags:\t9", "pos:\t0\n"} {
		if f, ok := openFlags(text); ok {
			t.Errorf("%q: %o", text, f)
		}
	}
}
