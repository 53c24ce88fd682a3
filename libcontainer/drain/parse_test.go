package drain

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestParseStat(t *testing.T) {
	rest := strings.Repeat(" 0", 17) // fields 5 to 21
	tests := []struct {
		name, text string
		want       stat
		fails      bool
	}{
		{"plain", "7 (sh) S 1" + rest + " 4711 0", stat{"sh", 'S', 1, 0, 4711}, false},
		{"parentheses and blanks", "7 (a) Z 9 (b)) Z 3" + rest + " 12 0", stat{"a) Z 9 (b)", 'Z', 3, 0, 12}, false},
		{"empty name", "7 () X 0" + rest + " 0 0", stat{"", 'X', 0, 0, 0}, false},
		{"start time of 64 bits", "7 (x) R 2" + rest + " 18446744073709551615 0", stat{"x", 'R', 2, 0, 1<<64 - 1}, false},
		{"nothing", "", stat{}, true},
		{"no name", "7 sh S 1", stat{}, true},
		{"end of a name alone", ")", stat{}, true},
		{"cut off", "7 (sh) S 1 0 0", stat{}, true},
		{"parent not a number", "7 (sh) S x" + rest + " 1", stat{}, true},
		{"start not a number", "7 (sh) S 1" + rest + " x 0", stat{}, true},
		{"start maybe cut off", "7 (sh) S 1" + rest + " 47", stat{}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseStat(tt.text)
			if (err != nil) != tt.fails || err == nil && got != tt.want {
				t.Errorf("got %+v, %v; want %+v, failing %t", got, err, tt.want, tt.fails)
			}
		})
	}
}

func TestReadIDs(t *testing.T) {
	var many strings.Builder
	for range 3000 {
		many.WriteString("12345\n")
	}
	tests := []struct {
		name, text string
		limit      int
		want       int // number of IDs; at least, with a limit
	}{
		{"none", "", 0, 0},
		{"one", "1\n", 0, 1},
		{"foreign", "0\n0\n7\n", 0, 3},
		{"across buffers", many.String(), 0, 3000},
		{"limited", many.String(), 5, 5},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "f"), []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			fd, err := openat(unix.AT_FDCWD, dir, unix.O_RDONLY)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(fd)
			ids, err := readIDs(fd, "f", bounds{limit: tt.limit}, nil)
			if err != nil || tt.limit == 0 && len(ids) != tt.want || tt.limit > 0 && (len(ids) < tt.want || len(ids) > 1000) {
				t.Errorf("got %d IDs, %v; want %d", len(ids), err, tt.want)
			}
			if tt.name == "across buffers" && slices.ContainsFunc(ids, func(id int) bool { return id != 12345 }) {
				t.Error("an ID was cut in two")
			}
		})
	}
}

// TestReadIDsWithin reads a part of the IDs; of a sorted file no more than that
// takes.
func TestReadIDsWithin(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f"), []byte("0\n3\n5\n8\n4\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	fd, err := openat(unix.AT_FDCWD, dir, unix.O_RDONLY)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	for _, tt := range []struct {
		bounds
		want []int
	}{
		{bounds{first: 3, last: 5}, []int{3, 5, 4}},
		{bounds{first: 3, last: 5, ascending: true}, []int{3, 5}},
		{bounds{first: 6, last: 7}, nil},
		{bounds{ascending: true}, []int{0, 3, 5, 8, 4}},
	} {
		ids, err := readIDs(fd, "f", tt.bounds, nil)
		if err != nil || !slices.Equal(ids, tt.want) {
			t.Errorf("%+v: %v, %v; want %v", tt.bounds, ids, err, tt.want)
		}
	}
}

func TestCgroupInMount(t *testing.T) {
	k := kin{cgroups: parseCgroups("12:cpu,cpuacct:/a\n5:pids:/b:c\n3:name=systemd:/d\n0::/e\n")}
	tests := []struct {
		kind, options string
		want          string
		ok            bool
	}{
		{"cgroup2 none", "rw", "/e", true},
		{"cgroup2 cgroup", "rw,nsdelegate", "/e", true},
		{"cgroup none", "rw,cpu,cpuacct", "/a", true},
		{"cgroup pids", "rw,pids", "/b:c", true},
		{"cgroup none", "rw,xattr,name=systemd", "/d", true},
		{"cgroup none", "rw,memory", "", false},
		{"cgroup none", "rw", "", false},
	}
	for _, tt := range tests {
		line := "30 24 0:26 /up /sys/fs/cgroup\\040x rw,relatime shared:9 - " + tt.kind + " " + tt.options + "\n"
		m, ok := parseMount(line)
		if !ok || m.root != "/up" || m.point != "/sys/fs/cgroup x" || m.dev != unix.Mkdev(0, 26) {
			t.Errorf("%q: got %+v, %t", line, m, ok)
		}
		if got, ok := k.in(m); got != tt.want || ok != tt.ok {
			t.Errorf("%s %q: got %q, %t; want %q, %t", tt.kind, tt.options, got, ok, tt.want, tt.ok)
		}
	}
	if m, ok := parseMount("30 24 0:26 / /proc rw - proc none rw\n"); ok {
		t.Errorf("proc: got %+v, want it passed over", m)
	}
}

func TestUnescape(t *testing.T) {
	for text, want := range map[string]string{
		"/sys/fs/cgroup": "/sys/fs/cgroup",
		`/a\040b\011c`:   "/a b\tc",
		`/a\134040`:      `/a\040`,
	} {
		if got := unescape(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestCgroupOf(t *testing.T) {
	for text, want := range map[string]string{
		"4:pids:/c\n0::/c/unified\n":    "/c/unified",
		"4:pids:/c\n5:cpu:/c/d\n0::/\n": "/c/d",
		"0::/\n":                        "/",
		"":                              "",
	} {
		if got := cgroupOf(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestTimeoutErrorText(t *testing.T) {
	d := Survivor{Pid: 7, Comm: "cat", State: "D", Wchan: "request_wait_answer", Cgroup: "/c"}
	tests := []struct {
		err  TimeoutError
		want string
	}{
		{
			TimeoutError{After: time.Second, Survivors: []Survivor{d}, Total: 1},
			"timed out after 1s: 1 process still alive: pid 7 (cat) state D in request_wait_answer cgroup /c",
		},
		{
			TimeoutError{After: time.Second, Survivors: []Survivor{d, {Pid: 8, Comm: "x", State: "R"}}, Total: 20, Notes: []string{"so"}},
			"timed out after 1s: 20 processes still alive: pid 7 (cat) state D in request_wait_answer cgroup /c; pid 8 (x) state R; and 18 more; so",
		},
	}
	for _, tt := range tests {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}

func TestLineage(t *testing.T) {
	kin, err := readLineage()
	if err != nil {
		t.Fatal(err)
	}
	if len(kin) < 2 || kin[0].pid != os.Getpid() || kin[1].pid != os.Getppid() || len(kin[0].cgroups) == 0 {
		t.Errorf("got %+v, want %d, its parent %d, ...", kin, os.Getpid(), os.Getppid())
	}
}

func TestCheckSafe(t *testing.T) {
	relative := func(pid int, at string) kin {
		return kin{pid: pid, cgroups: map[string]string{"": at, "pids": at}}
	}
	own := lineage{relative(os.Getpid(), "/own"), {pid: 1, cgroups: map[string]string{"": "/up"}}}
	for _, v := range []Version{V1, V2} {
		t.Run(v.String(), func(t *testing.T) {
			root := mounted(t, v, "pids")
			top := tree(t, root, v)
			var unsafe *UnsafeError
			if _, err := judge([]*Tree{top}, nil); !errors.As(err, &unsafe) || unsafe.Path != root {
				t.Errorf("root: got %v, want it refused", err)
			}
			sub := tree(t, group(t, v, "pids"), v)
			if unclear, err := judge([]*Tree{sub}, nil); err != nil || len(unclear) > 0 {
				t.Errorf("a cgroup of nobody's: %v, %v", unclear, err)
			}
			mounts, err := readMounts()
			if err != nil {
				t.Fatal(err)
			}
			place := "/" + filepath.Base(sub.Path)
			for _, kin := range []lineage{
				append(own, relative(2, place)),
				append(own, relative(2, place+"/below")),
			} {
				if err := sub.checkSafe(mounts, kin, nil); !errors.As(err, &unsafe) {
					t.Errorf("with %+v: got %v, want it refused", kin, err)
				}
			}
			// Mounted from above the caller's cgroup namespace.
			outside := slices.Clone(mounts)
			for i := range outside {
				if outside[i].point == root && outside[i].root == "/" {
					outside[i].root = "/.."
				}
			}
			if err := sub.checkSafe(outside, append(own, relative(2, "/.."+place)), nil); !errors.As(err, &unsafe) {
				t.Errorf("outside of the cgroup namespace: got %v, want it refused", err)
			}
			for _, name := range []string{place + "x", "/x" + place} {
				if err := sub.checkSafe(mounts, append(own, relative(2, name)), nil); err != nil {
					t.Errorf("with an ancestor in %s: %v", name, err)
				}
			}
		})
	}
}
