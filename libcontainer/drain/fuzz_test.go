package drain

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// The files of the kernel that are read, with any contents. In all of them what
// is odd or cut off must come to an error, or to somebody who is there: never to
// "empty", to "ended", or to a process that is not listed.

// fake has the directory path pass for a cgroup with one file.
func fake(t *testing.T, path, file string, data []byte) *Tree {
	t.Helper()
	if err := os.WriteFile(filepath.Join(path, file), data, 0o600); err != nil {
		t.Fatal(err)
	}
	dir, err := openat(unix.AT_FDCWD, path, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		t.Fatal(err)
	}
	tree := &Tree{Path: path, Version: V2, dir: dir, events: -1}
	t.Cleanup(tree.Close)
	return tree
}

// FuzzEvents reads cgroup.events. Nobody is there only if one line says so.
func FuzzEvents(f *testing.F) {
	for _, s := range []string{
		"populated 0\nfrozen 0\n", "populated 1\nfrozen 0\n", "frozen 0\npopulated 0\n", "", "populated", "populated ", "populated 0", "populated 1",
		"populated 00\n", "populated 0x\n", "populated 10\n", "xpopulated 0\n", "populated 0\npopulated 1\n", "populated \x00\n", "frozen 0\n" + strings.Repeat("x", 600) + "\npopulated 1\n",
	} {
		f.Add([]byte(s))
	}
	path := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		alive, err := fake(t, path, "cgroup.events", data).populated()
		lines := strings.SplitAfter(string(data), "\n")
		says := slices.Contains(lines, "populated 0\n")
		denies := slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "populated ") && l != "populated 0\n" })
		if err == nil && !alive && (!says || denies) {
			t.Errorf("%q counts as empty", data)
		}
	})
}

// FuzzIDs reads cgroup.procs: the IDs that are listed and no others, or an error.
// The end of the file must not be missing.
func FuzzIDs(f *testing.F) {
	for _, s := range []string{
		"", "1\n", "0\n0\n7\n", "7", "12\n3", "x\n", "1 2\n", "-1\n", "\n", "1\n\n2\n", "4194304\n4294967297\n", "99999999999999999999999\n",
		"1\x002\n", strings.Repeat("12345\n", 2000), "7\r\n", "0x10\n", " 7\n",
	} {
		f.Add([]byte(s), 0)
	}
	f.Add([]byte("1\n2\n3\n"), 2)
	path := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte, limit int) {
		var want []int
		sound := len(data) == 0 || strings.HasSuffix(string(data), "\n")
		for line := range strings.Lines(string(data)) {
			id, err := strconv.Atoi(strings.TrimSuffix(line, "\n"))
			sound = sound && err == nil && id >= 0 && strings.IndexFunc(line, func(r rune) bool { return r != '\n' && (r < '0' || r > '9') }) < 0
			want = append(want, id)
		}
		tree := fake(t, path, "cgroup.procs", data)
		got, err := readIDs(tree.dir, "cgroup.procs", bounds{}, nil)
		if err == nil && (!sound || !slices.Equal(got, want)) {
			t.Errorf("%q is read as %d, sound %t", data, got, sound)
		}
		m, err := tree.list(bounds{limit: limit})
		if err == nil && m.empty() && len(data) > 0 {
			t.Errorf("%q counts as empty", data)
		}
		for _, pid := range m.pids {
			if !slices.Contains(want, pid) || pid <= 0 {
				t.Errorf("%q lists process %d", data, pid)
			}
		}
	})
}

// FuzzStat parses /proc/PID/stat. A process that has ended is one of which the
// first letter behind the name says so.
func FuzzStat(f *testing.F) {
	rest := strings.Repeat(" 0", 17)
	for _, s := range []string{
		"7 (sh) S 1" + rest + " 4711 0", "7 (a) Z 9 (b)) R 3" + rest + " 12", "7 () X 0" + rest + " 0", "", ")(", "7 (sh)", "7 (sh) Z", "7 (sh) S 1 0 0",
		"7 (sh) S 1" + rest + " 47", "7 (sh) S -1" + rest + " 18446744073709551616", "7 (x\n) R 2" + rest + " 1\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		st, err := parseStat(text)
		if err != nil {
			return
		}
		end := strings.LastIndexByte(text, ')')
		fields := strings.Fields(text[end+1:])
		if fields[0] != string(st.state) || fmt.Sprint(st.start) != strings.TrimLeft(fields[19], "+0") && st.start != 0 {
			t.Errorf("%q is read as %+v", text, st)
		}
		for n := range text[end+1:] { // cut off
			cut, err := parseStat(text[:end+1+n])
			if err == nil && (cut.start != st.start || cut.ppid != st.ppid) {
				t.Errorf("cut off after %d bytes, %q is read as %+v", end+1+n, text, cut)
			}
		}
	})
}

// FuzzStatus parses /proc/PID/status for the process that a thread is of.
func FuzzStatus(f *testing.F) {
	for _, s := range []string{"Name:\tsh\nTgid:\t12\nPid:\t13\n", "Name:\tTgid:\t1\nTgid:\t12\n", "Tgid:\t1", "Tgid:\t\n", "Tgid:\t-4\n", "Tgid:\t99999999999999999999\n", "", "Tgid: 5\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		pid, err := parseTgid(text)
		if err == nil && (pid < 0 || !strings.HasPrefix(text, "Tgid:\t") && !strings.Contains(text, "\nTgid:\t")) {
			t.Errorf("%q is of process %d", text, pid)
		}
		for n := range text {
			if cut, err := parseTgid(text[:n]); err == nil && cut != pid {
				t.Errorf("cut off after %d bytes, %q is of process %d, not %d", n, text, cut, pid)
			}
		}
	})
}

// FuzzCgroups parses /proc/PID/cgroup: each path is one that stands there.
func FuzzCgroups(f *testing.F) {
	for _, s := range []string{"0::/a\n", "1:cpu,cpuacct:/a\n0::/\n", "3:name=systemd:/a:b\n", "0::/a\x1b[2J (deleted)\n", "x", "::", "0::", ":::\n", "1:cpu:/a\n2:cpu:/b\n", "0::/" + strings.Repeat("d/", 5000)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for name, at := range parseCgroups(text) {
			if !strings.Contains(text, ":"+name) || !strings.Contains(text, ":"+at) || strings.Contains(at, "\n") {
				t.Errorf("%q: hierarchy %q at %q", text, name, at)
			}
		}
		if at := cgroupOf(text); !strings.Contains(text, at) {
			t.Errorf("%q: cgroup %q", text, at)
		}
	})
}

// FuzzMount has any line of mountinfo stand for the mount of a cgroup, and any text
// for the caller's own cgroups. A tree passes for a container's only where it is
// known that the caller is not inside.
func FuzzMount(f *testing.F) {
	for _, post := range []string{"cgroup2 none rw", "cgroup none rw,pids", "cgroup none rw", "cgroup", "cgroup x", "cgroup2", "cgroup  ", "cgroupx none rw,pids", "cgroup none ", "cgroup none rw,none,name=x", "cgroup2 none rw,nsdelegate - cgroup"} {
		f.Add("/", "", post, "5:pids:/a/b\n0::/a/b\n")
		f.Add("/a", "", post, "0::/\n")
		f.Add("/..", `\040`, post, "5:pids:/..\n4:name=x:/../b\n")
	}
	path := f.TempDir()
	f.Fuzz(func(t *testing.T, root, tail, post, own string) {
		tree := fake(t, path, "cgroup.procs", []byte(fmt.Sprintln(os.Getpid())))
		var st unix.Stat_t
		if err := unix.Fstat(tree.dir, &st); err != nil {
			t.Fatal(err)
		}
		line := fmt.Sprintf("36 35 %d:%d %s %s%s rw - %s\n", unix.Major(device(st.Dev)), unix.Minor(device(st.Dev)), root, filepath.Dir(tree.Path), tail, post)
		var mounts []mount
		for l := range strings.Lines(line) {
			if m, ok := parseMount(l); ok {
				mounts = append(mounts, m)
			}
		}
		self := kin{pid: os.Getpid(), cgroups: parseCgroups(own)}
		in, place, err := tree.place(mounts)
		if err == nil && (place == "" || !strings.HasPrefix(tree.Path, in.point)) {
			t.Errorf("%q: mount %+v, place %q", line, in, place)
		}
		err = tree.checkSafe(mounts, lineage{self}, nil)
		if err != nil {
			return
		}
		// The caller's process ID is in cgroup.procs.
		at, known := self.in(in)
		if !known {
			t.Errorf("%q: that the caller is not in it is not known of %q", line, own)
		}
		if at == place || strings.HasPrefix(at, place+"/") {
			t.Errorf("%q: the caller is in %q, and that is at %q", line, at, place)
		}
	})
}

// FuzzFlag reads a file of a freezer: nobody is thawed of whom the file does not say
// that it is frozen.
func FuzzFlag(f *testing.F) {
	for _, s := range []string{"1\n", "0\n", "", "1", "11\n", "1\n0\n", " 1\n", "x"} {
		f.Add([]byte(s))
	}
	path := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		frozen, err := readFlag(fake(t, path, "cgroup.freeze", data).dir, "cgroup.freeze")
		if err == nil && frozen && strings.TrimSpace(string(data)) != "1" {
			t.Errorf("%q counts as frozen", data)
		}
	})
}

// FuzzStart takes hold of the caller by any ID and start time: of none but the
// caller, and only by what it started at.
func FuzzStart(f *testing.F) {
	own, err := readStat(os.Getpid())
	if err != nil {
		f.Fatal(err)
	}
	for _, pid := range []int64{0, -1, 1, int64(os.Getpid()), int64(os.Getpid()) + 1<<32, 1 << 22, -1 << 63} {
		f.Add(pid, own.start)
		f.Add(pid, uint64(0))
	}
	f.Fuzz(func(t *testing.T, pid int64, start uint64) {
		if int64(int(pid)) != pid {
			return // nobody can ask for it where int has 32 bits
		}
		h, err := openProcess(Process{Pid: int(pid), StartTime: start})
		defer h.close()
		st, serr := readStat(int(pid))
		if err == nil && (pid <= 0 || pid > 1<<22 || serr == nil && st.start != start) {
			t.Errorf("process %d of %d is held, which started at %d", pid, start, st.start)
		}
		if err != nil && !errors.Is(err, errUnproven) && h.fd > 0 {
			t.Errorf("process %d of %d is held in spite of %v", pid, start, err)
		}
	})
}
