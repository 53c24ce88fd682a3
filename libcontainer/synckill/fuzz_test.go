package synckill

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/cgroups"
	"github.com/opencontainers/runc/libcontainer"
	"github.com/opencontainers/runc/libcontainer/configs"
)

// here replaces names in a seed by the caller's own numbers.
func here(f *testing.F) *strings.Replacer {
	f.Helper()
	v, err := observe(nil)
	if err != nil {
		f.Fatal(err)
	}
	id, p, err := pinNamespaces("/proc/self")
	if err != nil {
		f.Fatal(err)
	}
	p.close()
	return strings.NewReplacer("BOOT", v.Boot, "USERNS", fmt.Sprint(v.User), "MOUNTID", fmt.Sprint(id.MountID), "MOUNTNS", fmt.Sprint(v.Mount),
		"PIDNS", fmt.Sprint(v.PID), "TIMENS", fmt.Sprint(v.Time), "SELF", fmt.Sprint(os.Getpid()))
}

// FuzzNamespaces has any contents for namespaces.json of a container whose init
// is gone. Nobody who was there before it becomes its process.
func FuzzNamespaces(f *testing.F) {
	for _, s := range []string{
		`{"user":USERNS,"mount":MOUNTNS,"mount_id":MOUNTID,"own_user":false}`, `{"user":USERNS,"mount":MOUNTNS,"mount_id":MOUNTID,"own_user":true}`,
		`{"user":USERNS,"mount":MOUNTNS}`, `{"user":USERNS,"mount":1,"mount_id":1,"own_user":true}`, `{"user":1,"mount":2,"mount_id":3}`,
		`{"user":4026531837,"mount":2,"mount_id":3,"own_user":true}`, `{}`, `null`, ``, `[]`, `{"user":-1}`, `{"user":USERNS,"mount":0,"mount_id":MOUNTID}`, `{"user":1,"mount":2,"mount_id":3,"own_`,
	} {
		f.Add(s)
	}
	own := here(f)
	dir := f.TempDir()
	strangers := []int{os.Getpid(), os.Getppid(), 1}
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(filepath.Join(dir, identityFile), []byte(own.Replace(text)), 0o600); err != nil {
			t.Fatal(err)
		}
		state := &libcontainer.State{BaseState: libcontainer.BaseState{
			ID: "demo", Config: configs.Config{RootlessCgroups: true, Cgroups: &cgroups.Cgroup{}, Namespaces: configs.Namespaces{{Type: configs.NEWNS}}},
		}}
		c, err := Open(dir, func() (*libcontainer.State, error) { return state, nil }, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer c.place.close()
		m, err := c.members()
		if err != nil {
			return
		}
		defer m.close()
		if m.namespaces == nil {
			if m.unproven() == nil {
				t.Errorf("by %q nothing tells who is the container's, and nothing is doubted", text)
			}
			return
		}
		for _, pid := range strangers {
			if m.namespaces.Has(pid) {
				t.Errorf("by %q process %d is the container's", text, pid)
			}
		}
	})
}

// FuzzOriginClaim has any contents for origin.json. Where nothing is left to look for,
// nothing is doubted only if the machine was started since, which takes a boot ID.
func FuzzOriginClaim(f *testing.F) {
	const vantage = `"vantage":{"boot":"BOOT","pid_ns":PIDNS,"time_ns":TIMENS,"user_ns":USERNS,"mount_ns":MOUNTNS,"boottime_offset":0,"mounts":{}}`
	for _, s := range []string{
		`{}`, `null`, ``, `[]`, `{"vantage":{}}`, `{` + vantage + `}`, `{` + vantage + `,"creator":SELF,"cgroup_paths":{"":"/sys/fs/cgroup/x"}}`,
		`{` + vantage + `,"creator":SELF,"cgroup_paths":{"":"/"},"cgroup":{"Rootless":true}}`,
		`{` + vantage + `,"creator":SELF,"cgroup":{"Rootless":true}}`,
		`{` + strings.Replace(vantage, "BOOT", "00000000-0000-0000-0000-000000000000", 1) + `,"creator":1,"cgroup_paths":{"":"/sys/fs/cgroup/x"}}`,
		`{` + strings.Replace(vantage, "BOOT", "x", 1) + `,"creator":1,"cgroup_paths":{"":"/sys/fs/cgroup/x"}}`,
		`{` + vantage + `,"creator":SELF,"cgroup_paths":{"":"../x","cpu":"/a/../b"}}`, `{` + vantage + `,"creator":SELF,"cgroup_pa`,
	} {
		f.Add(s)
	}
	own := here(f)
	dir := f.TempDir()
	// The container's processes would have it open.
	if err := os.WriteFile(filepath.Join(dir, "exec.fifo"), nil, 0o600); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		text = own.Replace(text)
		if err := os.WriteFile(filepath.Join(dir, originFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		o, err := readOrigin(dir)
		if err != nil {
			return
		}
		now, err := observe(o.CgroupPaths)
		if err != nil {
			t.Fatal(err)
		}
		if o.Vantage.earlierBoot(now) && !wellFormedBoot(o.Vantage.Boot) {
			t.Errorf("%q counts as of an earlier boot", text)
		}
		m := o.members(place{path: dir}, nil)
		defer m.close()
		if m.unproven() == nil && len(m.Trees) == 0 && len(m.Sources) == 0 && !o.Vantage.earlierBoot(now) {
			t.Errorf("by %q nothing is looked for, and nothing is doubted", text)
		}
	})
}

// FuzzVantage has any two places for where a container was made and where it is
// looked at: process IDs are never taken over from another PID namespace.
func FuzzVantage(f *testing.F) {
	f.Add([]byte(`{"pid_ns":1,"user_ns":2,"mount_ns":3,"mounts":{}}`), []byte(`{"pid_ns":1,"user_ns":2,"mount_ns":3,"mounts":{}}`), uint64(1))
	f.Add([]byte(`{"pid_ns":1,"user_ns":2,"mount_ns":3,"time_ns":4,"boottime_offset":5,"mounts":{}}`), []byte(`{"pid_ns":1,"time_ns":6,"boottime_offset":-9223372036854775808}`), uint64(1)<<63)
	f.Add([]byte(`{}`), []byte(`{"strange_proc":true}`), uint64(0))
	f.Fuzz(func(t *testing.T, then, now []byte, start uint64) {
		var v, n vantage
		if json.Unmarshal(then, &v) != nil || json.Unmarshal(now, &n) != nil {
			return
		}
		doubts := v.judge(n)
		if len(doubts) == 0 && !v.earlierBoot(n) && (v.PID != n.PID || n.StrangeProc || v.PID == 0) {
			t.Errorf("made at %s, looked at from %s, without a doubt", then, now)
		}
		times := v.startTimes(n, start)
		if len(times) == 0 || v.Time == n.Time && (len(times) != 1 || times[0] != start) {
			t.Errorf("start time %d of %s is %d at %s", start, then, times, now)
		}
	})
}

// FuzzOffset has any text for timens_offsets.
func FuzzOffset(f *testing.F) {
	for _, s := range []string{"monotonic 0 0\nboottime 86400 5\n", "boottime -1 999999999\n", "7 1 2\n", "boottime 99999999999999 0\n", "boottime\n", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, ok := parseBoottime(text); ok && !strings.Contains(text, "boottime") && !strings.Contains(text, "7") {
			t.Errorf("%q has an offset", text)
		}
	})
}
