package synckill

import (
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/runc/libcontainer"
	"github.com/opencontainers/runc/libcontainer/system"
	"golang.org/x/sys/unix"

	"runcsync/libcontainer/drain"
)

const (
	oneBoot   = "44b557d3-5c17-469e-a0d6-d97eac3a3d40"
	otherBoot = "44b557d3-5c17-469e-a0d6-d97eac3a3d41"
)

func offset(ns int64) *int64 { return &ns }

// standing is a vantage of the initial namespaces.
func standing(changes ...func(*vantage)) vantage {
	v := vantage{
		Boot: oneBoot, PID: initialPID, Time: initialTime, User: initialUser, Mount: 10, Cgroup: 11,
		Offset: offset(0), Mounts: map[string]mountRoot{"/cg": {Dev: 20, Ino: 1}},
	}
	for _, change := range changes {
		change(&v)
	}
	return v
}

// TestJudge tells what of a container can't be known from elsewhere.
func TestJudge(t *testing.T) {
	away := func(by *int64) func(*vantage) { return func(v *vantage) { v.Time, v.Offset = 99, by } }
	for name, c := range map[string]struct {
		then, now vantage
		want      []string // in the doubts, in their order
	}{
		"the same place": {standing(), standing(), nil},
		"other mount and cgroup namespaces, same mounts": {standing(), standing(func(v *vantage) { v.Mount, v.Cgroup = 98, 99 }), nil},
		"another user namespace":                         {standing(), standing(func(v *vantage) { v.User = 99 }), nil},
		"another PID namespace":                          {standing(), standing(func(v *vantage) { v.PID = 99 }), []string{"another PID namespace"}},
		"another namespace's /proc":                      {standing(), standing(func(v *vantage) { v.StrangeProc = true }), []string{"/proc is not"}},
		"made with another namespace's /proc":            {standing(func(v *vantage) { v.StrangeProc = true }), standing(), []string{"whose /proc was not"}},
		"another time namespace":                         {standing(), standing(away(offset(7))), nil},
		"another time namespace, unknown here":           {standing(), standing(away(nil)), []string{"time namespace"}},
		"another time namespace, unknown then":           {standing(away(nil)), standing(), []string{"time namespace"}},
		"the same time namespace, unknown":               {standing(away(nil)), standing(away(nil)), nil},
		"another directory of the hierarchy":             {standing(), standing(func(v *vantage) { v.Mounts["/cg"] = mountRoot{Dev: 20, Ino: 2} }), []string{"mounted at /cg"}},
		"another file system":                            {standing(), standing(func(v *vantage) { v.Mounts["/cg"] = mountRoot{Dev: 21, Ino: 1} }), []string{"mounted at /cg"}},
		"a mount below":                                  {standing(), standing(func(v *vantage) { v.Mounts["/cg/x"] = mountRoot{Dev: 20, Ino: 1} }), []string{"mounted at /cg/x"}},
		"no mount that is of interest":                   {standing(), standing(func(v *vantage) { clear(v.Mounts) }), nil},
		"everything else": {
			standing(), standing(away(nil), func(v *vantage) { v.PID, v.Mounts["/cg"] = 99, mountRoot{} }),
			[]string{"PID namespace", "time namespace", "mounted at /cg"},
		},
		"an earlier boot":                {standing(), standing(func(v *vantage) { v.Boot, v.PID = otherBoot, 99 }), nil},
		"the boot is not told":           {standing(), standing(func(v *vantage) { v.Boot, v.PID = "", 99 }), []string{"PID namespace"}},
		"the boot was not told":          {standing(func(v *vantage) { v.Boot = "" }), standing(func(v *vantage) { v.PID = 99 }), []string{"PID namespace"}},
		"nothing":                        {vantage{}, standing(), []string{"names no namespaces"}},
		"no PID namespace":               {standing(func(v *vantage) { v.PID = 0 }), standing(), []string{"names no namespaces"}},
		"no user namespace":              {standing(func(v *vantage) { v.User = 0 }), standing(), []string{"names no namespaces"}},
		"no mount namespace":             {standing(func(v *vantage) { v.Mount = 0 }), standing(), []string{"names no namespaces"}},
		"no mounts":                      {standing(func(v *vantage) { v.Mounts = nil }), standing(), []string{"names no mounts"}},
		"a boot that is no boot":         {standing(func(v *vantage) { v.Boot = "yesterday" }), standing(), []string{"boot ID"}},
		"no namespaces, an earlier boot": {standing(func(v *vantage) { v.Boot, v.PID = otherBoot, 0 }), standing(), []string{"names no namespaces"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := c.then.judge(c.now)
			if len(got) != len(c.want) {
				t.Fatalf("doubts %v, want %q", got, c.want)
			}
			for i, want := range c.want {
				if !strings.Contains(got[i].Error(), want) {
					t.Errorf("doubt %q, want %q", got[i], want)
				}
			}
		})
	}
}

// TestAnotherBoot takes two boot IDs that are spelled as such.
func TestAnotherBoot(t *testing.T) {
	for _, c := range []struct {
		then, now string
		want      bool
	}{
		{oneBoot, otherBoot, true},
		{oneBoot, oneBoot, false},
		{"", otherBoot, false},
		{oneBoot, "", false},
		{"", "", false},
		{"x", otherBoot, false},
		{oneBoot[:35], otherBoot, false},
		{oneBoot + "0", otherBoot, false},
		{strings.ToUpper(oneBoot), otherBoot, false},
		{strings.ReplaceAll(oneBoot, "-", "0"), otherBoot, false},
	} {
		if got := (vantage{Boot: c.then}).earlierBoot(vantage{Boot: c.now}); got != c.want {
			t.Errorf("%q, then %q: earlier %t, want %t", c.then, c.now, got, c.want)
		}
	}
}

// TestStartTimes moves start times from one time namespace to another.
func TestStartTimes(t *testing.T) {
	at := func(ns uint64, offset int64) vantage { return vantage{Time: ns, Offset: &offset} }
	const wrapped = (1<<64 - 1_000_000_000) / 10_000_000
	for name, c := range map[string]struct {
		then, now vantage
		start     uint64
		want      []uint64
	}{
		"the same":             {at(1, 5e9), at(1, 5e9), 100, []uint64{100}},
		"ahead":                {at(1, 0), at(2, 100000e9), 100, []uint64{100 + 10000000}},
		"back":                 {at(1, 100000e9), at(2, 0), 100 + 10000000, []uint64{100}},
		"between two":          {at(1, 3e9), at(2, 1e9), 1000, []uint64{800}},
		"half a tick ahead":    {at(1, 0), at(2, 5e6), 100, []uint64{100, 101}},
		"half a tick back":     {at(1, 0), at(2, -5e6), 100, []uint64{99, 100}},
		"a nanosecond":         {at(1, 0), at(2, 1), 100, []uint64{100, 101}},
		"before the beginning": {at(1, 0), at(2, -2e9), 100, []uint64{wrapped, wrapped + 1}},
		"unknown":              {vantage{Time: 1}, at(2, 5e9), 100, []uint64{100}},
	} {
		if got := c.then.startTimes(c.now, c.start); !slices.Equal(got, c.want) {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

// TestParseBoottime reads both spellings of timens_offsets.
func TestParseBoottime(t *testing.T) {
	for text, want := range map[string]int64{
		"monotonic           1         2\nboottime       100000         5\n": 100000e9 + 5,
		"1 0 0\n7 -3 999999999\n": -3e9 + 999999999,
		"boottime 0 0":            0,
	} {
		if got, ok := parseBoottime(text); !ok || got != want {
			t.Errorf("%q: %d, %t; want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "monotonic 1 1\n", "boottime\n", "boottime 1\n", "boottime x 1\n", "boottime 1 x\n", "boottime 1 2 3\n", "boottime 99999999999 0\n"} {
		if got, ok := parseBoottime(text); ok {
			t.Errorf("%q is taken for %d", text, got)
		}
	}
}

// TestBoottimeOffset does not take the children's offset for the caller's own.
func TestBoottimeOffset(t *testing.T) {
	for _, own := range []uint64{0, initialTime} {
		if o := boottimeOffset(own, 99); o == nil || *o != 0 {
			t.Errorf("namespace %d: offset %v, want 0", own, o)
		}
	}
	if o := boottimeOffset(98, 99); o != nil {
		t.Errorf("children elsewhere: offset %d, want none", *o)
	}
}

// TestObserve looks at the test's own place.
func TestObserve(t *testing.T) {
	dir := t.TempDir()
	v, err := observe(map[string]string{"": filepath.Join(dir, "not/made/yet"), "pids": "/proc/self", "no": "", "relative": "x/y"})
	if err != nil {
		t.Fatal(err)
	}
	if err := v.check(); err != nil || v.StrangeProc || v.Offset == nil {
		t.Errorf("%+v: %v", v, err)
	}
	proc := mountRoot{}
	var st unix.Stat_t
	if err := unix.Stat("/proc", &st); err != nil {
		t.Fatal(err)
	}
	if proc.Dev, proc.Ino = device(st.Dev), st.Ino; v.Mounts["/proc"] != proc || len(v.Mounts) != 2 {
		t.Errorf("mounts %v, want /proc as %v and the one of %s", v.Mounts, proc, dir)
	}
	for point := range v.Mounts {
		if point != "/proc" && point != "/" && !strings.HasPrefix(dir, point+"/") {
			t.Errorf("%s is mounted at %s?", dir, point)
		}
	}
	if doubts := v.judge(v); doubts != nil {
		t.Errorf("doubts of the place where it stands: %v", doubts)
	}
}

// stateDirWith makes a state directory with an origin in it.
func stateDirWith(t *testing.T, origin string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, originFile), []byte(origin), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestDamagedVantage takes a record that is none for a reason to doubt, never for
// one to claim, and looks for init as if there were no record.
func TestDamagedVantage(t *testing.T) {
	self := libcontainer.BaseState{ID: "c", InitProcessPid: os.Getpid(), InitProcessStartTime: startTime(t, os.Getpid())}
	for _, text := range []string{
		"", "{", "null", "{}", "[]", `{"vantage":null}`, `{"vantage":{}}`, `{"vantage":[]}`, `{"vantage":{"boot":"x"}}`,
		`{"vantage":{"boot":"` + otherBoot + `"}}`, `{"vantage":{"pid_ns":-1}}`,
	} {
		c := &Container{stateDir: stateDirWith(t, text), state: &libcontainer.State{BaseState: self}}
		s := c.see()
		if len(s.doubts) == 0 || s.earlier || s.init != c.init() {
			t.Errorf("%q: doubts %v, earlier %t, init %v", text, s.doubts, s.earlier, s.init)
		}
	}
	c := &Container{stateDir: t.TempDir(), state: &libcontainer.State{BaseState: self}}
	if s := c.see(); s.doubts != nil || s.unsure != nil || s.misled(c) {
		t.Errorf("no record: doubts %v", s.doubts)
	}
}

// TestUnrecorded looks for the init of a container that nothing was recorded of.
func TestUnrecorded(t *testing.T) {
	start := startTime(t, os.Getpid())
	away := func(v *vantage) { v.Time, v.Offset = 99, offset(5e9) }
	for name, c := range map[string]struct {
		here  vantage
		start uint64 // in the state file
		found bool
		doubt bool
	}{
		"seen":                          {standing(), start, true, false},
		"gone":                          {standing(), start + 1, false, false},
		"other PIDs, seen":              {standing(func(v *vantage) { v.PID = 99 }), start, true, false},
		"other PIDs, not seen":          {standing(func(v *vantage) { v.PID = 99 }), start + 1, false, true},
		"other time, made there":        {standing(away), start, true, false},
		"other time, made in the first": {standing(away), start - 500, true, false},
		"other time, not seen":          {standing(away), start - 501, false, true},
		"time before Linux 5.6":         {standing(func(v *vantage) { v.Time = 0 }), start + 1, false, false},
		"other time, offset not known":  {standing(func(v *vantage) { v.Time, v.Offset = 99, nil }), start + 1, false, true},
		"another namespace's /proc":     {standing(func(v *vantage) { v.StrangeProc = true }), start, false, true},
		"a process that is not there":   {standing(func(v *vantage) { v.PID = 99 }), 0, false, true},
	} {
		s := sight{here: c.here, init: drain.Process{Pid: os.Getpid(), StartTime: c.start}}
		s.unrecorded(time.Time{})
		if found := s.init.StartTime == start && s.init.Pid > 0; found != c.found || (s.unsure != nil) != c.doubt || (len(s.doubts) == 1) != c.doubt {
			t.Errorf("%s: init %v, doubts %v", name, s.init, s.doubts)
		}
	}
}

// TestMadeBeforeBoot has nothing of an earlier boot's container be looked for, and
// what has the path of one of its cgroups be left alone.
func TestMadeBeforeBoot(t *testing.T) {
	v, err := observe(nil)
	if err != nil {
		t.Fatal(err)
	}
	if v.Boot == "" {
		t.Skip("the boot ID can't be told: /proc/sys/kernel/random/boot_id is not the kernel's")
	}
	v.Boot = otherBoot
	dir := t.TempDir()
	if err := writeRecord(dir, originFile, origin{Vantage: v, Creator: 1, CgroupPaths: map[string]string{"pids": "/x"}}); err != nil {
		t.Fatal(err)
	}
	state := &libcontainer.State{BaseState: libcontainer.BaseState{ID: "c", InitProcessPid: os.Getpid(), InitProcessStartTime: startTime(t, os.Getpid())}}
	c := &Container{stateDir: dir, state: state}
	for _, path := range []string{"", "/there/is/none", dir} {
		state.CgroupPaths = map[string]string{"pids": path}
		m, err := c.members()
		if err != nil {
			t.Fatal(err)
		}
		if !m.seen.earlier || len(m.Processes)+len(m.Trees)+len(m.Sources) > 0 || m.seen.misled(c) {
			t.Errorf("cgroup %q: %+v", path, m)
		}
		if taken := path == dir; (m.unproven() != nil) != taken || (m.seen.reused() != nil) != taken {
			t.Errorf("cgroup %q: doubts %v", path, m.doubts)
		}
	}
}

func startTime(t *testing.T, pid int) uint64 {
	t.Helper()
	st, err := system.Stat(pid)
	if err != nil {
		t.Fatal(err)
	}
	return st.StartTime
}

// TestOwnNamespaces refuses what can't be a container's.
func TestOwnNamespaces(t *testing.T) {
	here := standing()
	for name, c := range map[string]struct {
		id identity
		ok bool
	}{
		"of its own":                     {identity{User: 1, Mount: 2, OwnUser: true}, true},
		"in the caller's user namespace": {identity{User: here.User, Mount: 2}, true},
		"the caller's mount namespace":   {identity{User: 1, Mount: here.Mount, OwnUser: true}, false},
		"the caller's user namespace":    {identity{User: here.User, Mount: 2, OwnUser: true}, false},
		"no user namespace":              {identity{Mount: 2}, false},
		"no mount namespace":             {identity{User: 1}, false},
		"nothing":                        {identity{}, false},
		"a user namespace of its own, 0": {identity{Mount: 2, OwnUser: true}, false},
	} {
		if err := c.id.check(here); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	here.User = 99
	if err := (identity{User: initialUser, Mount: 2, OwnUser: true}).check(here); err == nil {
		t.Error("the initial user namespace is taken for a container's")
	}
}

// TestOtherUserNamespace doubts what processes show of themselves in terms of the
// reader's user namespace.
func TestOtherUserNamespace(t *testing.T) {
	then, away := standing(), standing(func(v *vantage) { v.User = 99 })
	for name, c := range map[string]struct {
		s     sight
		doubt bool
	}{
		"the same":                {sight{here: then, then: &then}, false},
		"the same, not the first": {sight{here: away, then: &away}, false},
		"another":                 {sight{here: away, then: &then}, true},
		"from the first":          {sight{here: then, then: &away}, !then.seesAll()},
		"not recorded, the first": {sight{here: then}, false},
		"not recorded, another":   {sight{here: away}, true},
	} {
		if got := c.s.namespaces(true); slices.ContainsFunc(got, func(err error) bool { return strings.Contains(err.Error(), "user namespace") }) != c.doubt {
			t.Errorf("%s: %v", name, got)
		}
	}
	if away.seesAll() {
		t.Error("in a user namespace of its own the caller sees all")
	}
}

// TestDamagedCgroups takes no record of cgroups for granted.
func TestDamagedCgroups(t *testing.T) {
	dir := t.TempDir()
	if r, err := recordedCgroups(dir); r != nil || err != nil {
		t.Errorf("no record: %v, %v", r, err)
	}
	for text, ok := range map[string]bool{
		"": false, "{}": false, "null": true, "[]": true, "[{}]": false, `[{"path":"x","type":1,"handle":"AAAA"}]`: false,
		`[{"path":"/x","type":1}]`: false, `[{"path":"/x","dev":1,"type":1,"handle":"?"}]`: false, `[{"path":"/x","type":1,"handle":"AAAA"}]`: false,
		`[{"path":"/x","dev":1,"type":1,"handle":"AAAA"}]`: true,
	} {
		if err := os.WriteFile(filepath.Join(dir, cgroupsFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := recordedCgroups(dir); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestNoCgroupToLookIn doubts a cgroup of which the place is in no hierarchy.
func TestNoCgroupToLookIn(t *testing.T) {
	m := &members{}
	m.openRenamed([]cgroupRecord{{Path: filepath.Join(t.TempDir(), "a/b"), Type: 1, Handle: []byte{1, 2, 3, 4, 5, 6, 7, 8}}})
	if _, ok := asType[*drain.UnverifiableError](m.unproven()); !ok || len(m.Trees) > 0 {
		t.Errorf("doubts %v, trees %v", m.doubts, m.Trees)
	}
}

// TestRecordWhole writes a record completely or not at all.
func TestRecordWhole(t *testing.T) {
	dir := t.TempDir()
	if err := writeRecord(dir, "r", maps.Collect(slices.All([]string{"a"}))); err != nil {
		t.Fatal(err)
	}
	if err := writeRecord(dir, "f", math.NaN()); err == nil {
		t.Error("what can't be written was")
	}
	if err := os.Mkdir(filepath.Join(dir, "d"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := writeRecord(dir, "d", 1); err == nil {
		t.Error("a directory was replaced")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 || !entries[0].IsDir() || entries[1].Type()&fs.ModeType != 0 {
		t.Errorf("left: %v, %v", entries, err)
	}
}
