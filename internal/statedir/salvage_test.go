package statedir

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/opencontainers/runc/libcontainer"
)

// check fails if r has anything that the sound state file does not say.
func check(t *testing.T, r Remains, paths map[string]string) {
	t.Helper()
	if r.InitPid != 0 && r.InitPid != 4711 || r.InitStartTime != 0 && r.InitStartTime != 78815 || (r.InitPid == 0) != (r.InitStartTime == 0) {
		t.Fatalf("init %d started at %d, want 4711 at 78815 or nothing", r.InitPid, r.InitStartTime)
	}
	if c := r.Cgroup; c != nil && (c.Path != "/demo" || c.Name != "" || c.Systemd || c.Resources == nil) {
		t.Fatalf("cgroup %+v, want path /demo", *c)
	}
	for controller, path := range r.CgroupPaths {
		if want, ok := paths[controller]; !ok || path != want {
			t.Fatalf("path %q of controller %q, want %q", path, controller, want)
		}
	}
}

func TestSalvageTruncatedAnywhere(t *testing.T) {
	whole := sound(t)
	all := Salvage(whole)
	if all.InitPid != 4711 || all.Cgroup == nil || len(all.CgroupPaths) < 2 {
		t.Fatalf("Salvage of a sound state: %+v", all)
	}
	after := func(s string) int { return bytes.Index(whole, []byte(s)) + len(s) }
	pid, place, paths := after(`"init_process_start":78815,`), after(`"path":"/demo"`), after(`"namespace_paths"`)
	for n := range whole {
		for name, tail := range map[string]string{"cut off": "", "zeros": "\x00\x00\x00\x00", "digit": "7", "text": "\xff{]"} {
			r := Salvage(append(bytes.Clone(whole[:n]), tail...))
			check(t, r, all.CgroupPaths)
			if n >= pid && r.InitPid == 0 {
				t.Fatalf("%s at %d: init is lost", name, n)
			}
			if n >= place && r.Cgroup == nil {
				t.Fatalf("%s at %d: the cgroup is lost", name, n)
			}
			if n >= paths && !maps.Equal(r.CgroupPaths, all.CgroupPaths) {
				t.Fatalf("%s at %d: cgroup paths %v", name, n, r.CgroupPaths)
			}
		}
	}
}

// A byte that is no digit can't make another number of a number.
func TestSalvageOverwrittenAnywhere(t *testing.T) {
	whole := sound(t)
	paths := Salvage(whole).CgroupPaths
	for n := range whole {
		if c := whole[n]; c == '/' || c >= 'A' && c <= 'z' || c == '=' || c == '_' {
			continue // names and paths carry nothing to check them by
		}
		data := bytes.Clone(whole)
		data[n] = 0
		r := Salvage(data)
		if r.InitPid != 0 && r.InitPid != 4711 {
			t.Fatalf("byte %d overwritten: init %d", n, r.InitPid)
		}
		for _, path := range r.CgroupPaths {
			if strings.ContainsRune(path, 0) {
				t.Fatalf("byte %d overwritten: path %q", n, path)
			}
		}
	}
	check(t, Salvage(whole), paths)
}

func TestSalvagePlace(t *testing.T) {
	const head = `{"config":{"cgroups":`
	tests := map[string]struct {
		data             string
		known            bool
		path, name       string
		systemd          bool
		parent, scopePfx string
	}{
		"cgroupfs":                    {data: head + `{"path":"/a/b","devices":[{`, known: true, path: "/a/b"},
		"cgroupfs, path cut off":      {data: head + `{"path":"/a/b`},
		"default of cgroupfs":         {data: head + `{"name":"demo","devices":[]}`, known: true, name: "demo"},
		"default of cgroupfs cut off": {data: head + `{"name":"demo","devices":[]`},
		"systemd": {
			data:  head + `{"name":"demo","parent":"x.slice","scope_prefix":"runc","devices":[],"Systemd":true},"mask`,
			known: true, name: "demo", parent: "x.slice", scopePfx: "runc", systemd: true,
		},
		"systemd cut off": {data: head + `{"name":"demo","parent":"x.slice","scope_prefix":"runc","devices":[]`},
		"nothing in it":   {data: head + `{}}}`},
		"null":            {data: head + `null}}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := Salvage([]byte(test.data)).Cgroup
			if (c != nil) != test.known {
				t.Fatalf("cgroup %+v, known should be %t", c, test.known)
			}
			if c == nil {
				return
			}
			if c.Path != test.path || c.Name != test.name || c.Systemd != test.systemd || c.Parent != test.parent || c.ScopePrefix != test.scopePfx {
				t.Errorf("cgroup %+v", *c)
			}
		})
	}
}

func TestSalvagePidNeedsStartTime(t *testing.T) {
	for _, data := range []string{
		`{"init_process_pid":12`, `{"init_process_pid":12,`, `{"init_process_pid":12,"init_process_start":3`,
		`{"init_process_pid":12,"init_process_start":0,"x":1}`, `{"init_process_start":3,"init_process_pid":-1,"x":1}`,
		`{"init_process_pid":"12","init_process_start":3}`, `{"init_process_pid":1e1,"init_process_start":3}`, `[12,3]`, `null`, ``,
	} {
		if r := Salvage([]byte(data)); r.InitPid != 0 || r.InitStartTime != 0 {
			t.Errorf("Salvage(%s): init %d started at %d, want none", data, r.InitPid, r.InitStartTime)
		}
	}
}

func TestDamage(t *testing.T) {
	root := withState(t, "demo", sound(t)[:1000])
	r, err := Damage(root, "demo")
	if err != nil || r.InitPid != 4711 {
		t.Errorf("Damage = %+v, %v; want init 4711", r, err)
	}
	if _, err := Damage(root, "nonesuch"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Damage of no container: %v", err)
	}
	for _, id := range []string{"", ".", "..", "../demo", "a/b", "/"} {
		if _, err := Damage(root, id); !errors.Is(err, libcontainer.ErrInvalidID) {
			t.Errorf("Damage(%q): %v, want %v", id, err, libcontainer.ErrInvalidID)
		}
	}
}
