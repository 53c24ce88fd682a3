package drain

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOpenTree(t *testing.T) {
	v2, v1 := mounted(t, V2, ""), mounted(t, V1, "pids")
	tests := []struct {
		name   string
		path   string
		v      Version
		exists bool
		fails  bool
	}{
		{"there", v2, V2, true, false},
		{"there, v1", v1, V1, true, false},
		{"gone", v2 + "/no/such/cgroup", V2, false, false},
		{"gone, v1", v1 + "/no/such/cgroup", V1, false, false},
		{"of the other version", v1, V2, false, true},
		{"gone, of the other version", v2 + "/no/such", V1, false, true},
		{"no cgroup at all", t.TempDir(), V2, false, true},
		{"nowhere near a cgroup", "/no/such/directory", V1, false, true},
		{"a file", v2 + "/cgroup.procs", V2, false, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr, err := OpenTree(tt.path, tt.v)
			var unverifiable *UnverifiableError
			if tt.fails != errors.As(err, &unverifiable) {
				t.Fatalf("got %v, want failing %t", err, tt.fails)
			}
			if err == nil {
				defer tr.Close()
				if tr.Exists() != tt.exists {
					t.Errorf("exists %t, want %t", tr.Exists(), tt.exists)
				}
			}
		})
	}
}

// TestWalk visits deep and wide trees with few descriptors.
func TestWalk(t *testing.T) {
	for _, shape := range []struct{ deep, wide int }{{0, 0}, {1, 1}, {walkOpen, 1}, {walkOpen + 1, 1}, {300, 0}, {40, 5}, {1, 500}} {
		t.Run(fmt.Sprintf("%d deep %d wide", shape.deep, shape.wide), func(t *testing.T) {
			top := t.TempDir()
			want := 1
			dir := top
			for range shape.deep {
				for i := range shape.wide {
					if err := os.Mkdir(filepath.Join(dir, fmt.Sprint(i)), 0o755); err != nil {
						t.Fatal(err)
					}
					want++
				}
				if dir = filepath.Join(dir, "d"); os.Mkdir(dir, 0o755) != nil {
					t.Fatal("mkdir " + dir)
				}
				want++
			}
			fd, err := openat(unix.AT_FDCWD, top, unix.O_RDONLY)
			if err != nil {
				t.Fatal(err)
			}
			tr := &Tree{Path: top, Version: V1, dir: fd, events: -1}
			defer tr.Close()
			before := descriptors(t)
			seen, most := 0, 0
			if err := (&walk{tree: tr}).all(func(int) error {
				seen++
				if seen%17 == 0 {
					most = max(most, descriptors(t)-before)
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if seen != want {
				t.Errorf("visited %d directories, want %d", seen, want)
			}
			if most > walkOpen+3 {
				t.Errorf("%d descriptors open at a time", most)
			}
			if after := descriptors(t); after != before {
				t.Errorf("%d descriptors open after the walk, %d before", after, before)
			}
			seen = 0
			if err := (&walk{tree: tr}).all(func(int) error { seen++; return fs.SkipAll }); err != nil || seen != 1 {
				t.Errorf("SkipAll: %d visits, %v", seen, err)
			}
		})
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	d, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(d)
}

// TestList finds processes at any depth, once, and none of a removed cgroup.
func TestList(t *testing.T) {
	for _, v := range []Version{V1, V2} {
		t.Run(v.String(), func(t *testing.T) {
			dir := group(t, v, "pids")
			deep := filepath.Join(dir, strings.Repeat("d/", 40))
			if err := os.MkdirAll(deep, 0o755); err != nil {
				t.Fatal(err)
			}
			tr := tree(t, dir, v)
			if m, err := tr.list(bounds{}); err != nil || !m.empty() {
				t.Fatalf("empty: got %+v, %v", m, err)
			}
			want := []int{child(t, dir).Process.Pid, child(t, deep).Process.Pid, child(t, deep).Process.Pid}
			slices.Sort(want)
			if m, err := tr.list(bounds{}); err != nil || !slices.Equal(m.pids, want) || m.more {
				t.Errorf("got %+v, %v; want %v", m, err, want)
			}
			if m, err := tr.list(bounds{limit: 1}); err != nil || len(m.pids) != 1 || !m.more {
				t.Errorf("limit 1: got %+v, %v", m, err)
			}
			if in, err := tr.Contains(want[1]); err != nil || !in {
				t.Errorf("contains %d: %t, %v", want[1], in, err)
			}
			if in, err := tr.Contains(os.Getpid()); err != nil || in {
				t.Errorf("contains %d, which is not in it: %t, %v", os.Getpid(), in, err)
			}
		})
	}
}

func TestRemovedTree(t *testing.T) {
	for _, v := range []Version{V1, V2} {
		t.Run(v.String(), func(t *testing.T) {
			dir := group(t, v, "pids")
			tr := tree(t, dir, v)
			if v == V2 {
				if populated, err := tr.populated(); err != nil || populated {
					t.Errorf("populated %t, %v", populated, err)
				}
			}
			if err := unix.Rmdir(dir); err != nil {
				t.Fatal(err)
			}
			if m, err := tr.list(bounds{}); err != nil || !m.empty() {
				t.Errorf("list: %+v, %v", m, err)
			}
			if v == V2 {
				for range 2 { // with cgroup.events open, and anew
					if populated, err := tr.populated(); err != nil || populated {
						t.Errorf("populated %t, %v", populated, err)
					}
					unix.Close(tr.events)
					tr.events = -1
				}
				if err := tr.kill(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
					t.Errorf("kill: %v", err)
				}
			}
			if thawed, err := tr.thaw(nil); thawed || err != nil {
				t.Errorf("thaw: %t, %v", thawed, err)
			}
		})
	}
}

// TestThaw thaws what is frozen by itself at any depth, and leaves alone what
// is frozen by a cgroup above.
func TestThaw(t *testing.T) {
	dir := group(t, V1, "freezer")
	state := func(rel string) string { return filepath.Join(dir, rel, "freezer.state") }
	if err := os.MkdirAll(filepath.Join(dir, "a/b"), 0o755); err != nil {
		t.Fatal(err)
	}
	set := func(rel, to string) {
		t.Helper()
		if err := os.WriteFile(state(rel), []byte(to), 0); err != nil {
			t.Fatal(err)
		}
	}
	set("a/b", "FROZEN")
	set("", "FROZEN")
	below, top := tree(t, filepath.Join(dir, "a"), V1), tree(t, dir, V1)
	if !below.frozenAbove() || top.frozenAbove() {
		t.Errorf("frozen above: %t and %t, want true and false", below.frozenAbove(), top.frozenAbove())
	}
	if thawed, err := below.thaw(nil); !thawed || err != nil {
		t.Errorf("thaw of a/b: %t, %v", thawed, err)
	}
	if text, _ := os.ReadFile(state("a/b")); string(text) == "THAWED\n" {
		t.Error("a/b counts as thawed below a frozen cgroup")
	}
	if thawed, err := top.thaw(nil); !thawed || err != nil {
		t.Errorf("thaw of all: %t, %v", thawed, err)
	}
	for _, rel := range []string{"", "a", "a/b"} {
		if text, _ := os.ReadFile(state(rel)); string(text) != "THAWED\n" {
			t.Errorf("%q is %s", rel, text)
		}
	}
	if thawed, err := top.thaw(nil); thawed || err != nil {
		t.Errorf("again: %t, %v", thawed, err)
	}
}

func TestStopForks(t *testing.T) {
	dir := group(t, V1, "pids")
	limit := filepath.Join(dir, "pids.max")
	for _, was := range []string{"max\n", "17\n"} {
		if err := os.WriteFile(limit, []byte(was), 0); err != nil {
			t.Fatal(err)
		}
		restore, err := tree(t, dir, V1).stopForks()
		if err != nil {
			t.Fatal(err)
		}
		if now, _ := os.ReadFile(limit); string(now) != "0\n" {
			t.Errorf("pids.max is %q, want 0", now)
		}
		if err := restore(); err != nil {
			t.Error(err)
		}
		if now, _ := os.ReadFile(limit); string(now) != was {
			t.Errorf("pids.max is %q, want %q again", now, was)
		}
	}
}

// TestAmong finds members in a list that is not sorted, as v1's may be by its
// documentation, although it reads no more of a sorted one than it has to.
func TestAmong(t *testing.T) {
	for _, tt := range []struct {
		text string
		pids []int
		in   []bool
	}{
		{"3\n5\n9\n", []int{3, 4, 5}, []bool{true, false, true}},
		{"5\n9\n3\n", []int{3, 5}, []bool{true, true}},
		{"9\n5\n3\n", []int{3, 5, 6}, []bool{true, true, false}},
		{"", []int{3}, []bool{false}},
	} {
		for _, version := range []Version{V1, V2} {
			path := t.TempDir()
			if err := os.WriteFile(filepath.Join(path, "cgroup.procs"), []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			dir, err := openat(unix.AT_FDCWD, path, unix.O_RDONLY|unix.O_DIRECTORY)
			if err != nil {
				t.Fatal(err)
			}
			tree := Tree{Path: path, Version: version, dir: dir, events: -1}
			in, err := tree.among(tt.pids, bounds{})
			if err != nil {
				t.Fatal(err)
			}
			for i, pid := range tt.pids {
				if in(pid) != tt.in[i] {
					t.Errorf("%v, list %q: %d: %t", version, tt.text, pid, in(pid))
				}
			}
			tree.Close()
		}
	}
}
