package statedir

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/runc/libcontainer"
)

// seeds are state files, sound and otherwise.
func seeds(f *testing.F) [][]byte {
	f.Helper()
	whole, err := os.ReadFile("testdata/state.json")
	if err != nil {
		f.Fatal(err)
	}
	small := []byte(`{"id":"demo","init_process_pid":7,"init_process_start":9,"config":{"cgroups":{"path":"/a","Systemd":false}},"cgroup_paths":{"":"/b"}}`)
	return [][]byte{
		whole, small, whole[:len(whole)/2], small[:90], small[:40], nil,
		[]byte("null"), []byte("{}"), []byte("[]"), []byte(`{"config":null}`),
		bytes.Replace(small, []byte(`:7,`), []byte(`:-7,`), 1),
		bytes.Replace(small, []byte(`:9,`), []byte(`:-9,`), 1),
		bytes.Replace(small, []byte(`:7,`), []byte(`:4294967303,`), 1),
		bytes.Replace(small, []byte(`:9,`), []byte(`:18446744073709551615,`), 1),
		bytes.Replace(small, []byte(`{"":"/b"}`), []byte(`null`), 1),
	}
}

// FuzzRead has any contents for a state file. What is read is a container with
// an init and cgroups, or there is an error; and the same file with its end
// missing is no container.
func FuzzRead(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s)
	}
	root := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		putState(t, root, "demo", data)
		state, err := Read(root, "demo")
		if err != nil {
			return
		}
		if state == nil || state.Config.Cgroups == nil {
			t.Fatal("a state without cgroups counts as a container")
		}
		if state.InitProcessPid <= 0 || state.InitProcessPid > maxPid {
			t.Fatalf("init is process %d", state.InitProcessPid)
		}
		dec := json.NewDecoder(bytes.NewReader(data))
		var all json.RawMessage
		if err := dec.Decode(&all); err != nil {
			t.Fatalf("read without an error, but %v", err)
		}
		putState(t, root, "demo", data[:dec.InputOffset()-1])
		if _, err := Read(root, "demo"); err == nil {
			t.Fatal("without its last byte the file still counts as a container")
		}
	})
}

// FuzzSalvage has any contents for a damaged state file. Nobody is named as init
// who can't be told from the next process of the same ID.
func FuzzSalvage(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := Salvage(data)
		if r.InitPid < 0 || r.InitPid > maxPid || (r.InitPid == 0) != (r.InitStartTime == 0) || r.InitStartTime > 1<<63-1 {
			t.Fatalf("init is process %d, started at %d", r.InitPid, r.InitStartTime)
		}
		if _, complete := r.Paths(); complete && r.Cgroup == nil {
			t.Fatal("the cgroups are complete, and nothing says where they are")
		}
	})
}

// FuzzSalvageCut cuts a sound state file off, and may have zeros follow, as after a
// crash: what is salvaged is what the file was written with.
func FuzzSalvageCut(f *testing.F) {
	whole, err := os.ReadFile("testdata/state.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(4711, uint64(78815), "/sys/fs/cgroup/demo", uint(600), byte(0))
	f.Add(1<<22, uint64(1)<<63, "/sys/fs/cgroup/\"\\\n", uint(1<<20), byte(1))
	f.Add(12, uint64(12), "", uint(100), byte(8))
	f.Fuzz(func(t *testing.T, pid int, start uint64, path string, cut uint, zeros byte) {
		var state libcontainer.State
		if err := json.Unmarshal(whole, &state); err != nil {
			t.Fatal(err)
		}
		path = strings.ToValidUTF8(path, "?")
		state.InitProcessPid, state.InitProcessStartTime = pid, start
		state.CgroupPaths = map[string]string{"": path, "cpu": path + "/cpu"}
		data, err := json.Marshal(state)
		if err != nil {
			t.Fatal(err)
		}
		n := int(cut % uint(len(data)+1))
		data = append(data[:n:n], make([]byte, zeros)...)
		r := Salvage(data)
		if r.InitPid != 0 && (r.InitPid != pid || r.InitStartTime != start) {
			t.Errorf("cut off after %d bytes, init is process %d of %d, not %d of %d", n, r.InitPid, r.InitStartTime, pid, start)
		}
		for controller, at := range maps.All(r.CgroupPaths) {
			if at != state.CgroupPaths[controller] {
				t.Errorf("cut off after %d bytes, the cgroup of %q is %q, not %q", n, controller, at, state.CgroupPaths[controller])
			}
		}
		if c := r.Cgroup; c != nil && (c.Path != state.Config.Cgroups.Path || c.Name != state.Config.Cgroups.Name || c.Systemd != state.Config.Cgroups.Systemd) {
			t.Errorf("cut off after %d bytes, the cgroup is %+v, not %+v", n, c, state.Config.Cgroups)
		}
	})
}

// FuzzID has any ID: no file but one of the container's own is ever read.
func FuzzID(f *testing.F) {
	for _, id := range []string{"demo", "", ".", "..", "../demo", "a/b", "demo/", "./demo", "demo\x00", "/", "-", strings.Repeat("a", 300)} {
		f.Add(id)
	}
	root := f.TempDir()
	sound, err := os.ReadFile("testdata/state.json")
	if err != nil {
		f.Fatal(err)
	}
	inner := filepath.Join(root, "containers")
	for _, dir := range []string{root, inner, filepath.Join(inner, "demo")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			f.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, stateFile), sound, 0o600); err != nil {
			f.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, id string) {
		if _, err := Read(inner, id); err == nil && id != "demo" {
			t.Errorf("Read takes %q for a container", id)
		}
		if _, err := Load(inner, id); err == nil && id != "demo" {
			t.Errorf("Load takes %q for a container", id)
		}
		if _, err := Damage(inner, id); err == nil && id != "demo" {
			t.Errorf("Damage takes %q for a container", id)
		}
	})
}
