package statedir

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/runc/libcontainer"
	"golang.org/x/sys/unix"
)

// sound is the state file of a running container, as upstream's runc wrote it.
func sound(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/state.json")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// withState makes a state directory with a container that has the given file.
func withState(t *testing.T, id string, data []byte) (root string) {
	t.Helper()
	root = t.TempDir()
	putState(t, root, id, data)
	return root
}

func putState(t *testing.T, root, id string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(root, id), 0o711); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, id, stateFile), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestLoadSoundState(t *testing.T) {
	c, err := Load(withState(t, "demo", sound(t)), "demo")
	if err != nil {
		t.Fatalf("Load of a sound state: %v", err)
	}
	if c.ID() != "demo" || c.Config().Hostname != "runc" {
		t.Errorf("Load gave id %q, hostname %q", c.ID(), c.Config().Hostname)
	}
}

func TestLoadDamagedState(t *testing.T) {
	whole := string(sound(t))
	replace := func(old, changed string) string {
		if !strings.Contains(whole, old) {
			t.Fatalf("the sound state does not contain %s", old)
		}
		return strings.Replace(whole, old, changed, 1)
	}
	tests := map[string]struct{ data, want string }{
		"empty":           {"", "it is empty"},
		"blank":           {" \n", "it is empty"},
		"null":            {"null", "nothing but null"},
		"empty object":    {"{}", "config.cgroups is missing"},
		"null config":     {`{"config":null}`, "config.cgroups is missing"},
		"array":           {"[]", "cannot unmarshal array"},
		"zeros":           {"\x00\x00\x00", "byte 1"},
		"cut off":         {whole[:100], "cut off after 100 bytes"},
		"garbage inside":  {whole[:100] + "\x00" + whole[100:], "byte "},
		"no pid":          {replace(`"init_process_pid":4711,`, ""), "init_process_pid"},
		"pid 0":           {replace(`"init_process_pid":4711`, `"init_process_pid":0`), "init_process_pid"},
		"pid -1":          {replace(`"init_process_pid":4711`, `"init_process_pid":-1`), "init_process_pid"},
		"pid a string":    {replace(`"init_process_pid":4711`, `"init_process_pid":"4711"`), "init_process_pid"},
		"pid too large":   {replace(`4711`, `47119999999999999999`), "init_process_pid"},
		"pid of 33 bits":  {replace(`"init_process_pid":4711`, `"init_process_pid":4294972007`), "init_process_pid"},
		"bad time":        {replace(`"2026-01-02T`, `"2026-99-02T`), "parsing time"},
		"paths no object": {replace(`"cgroup_paths":{`, `"cgroup_paths":7,"x":{`), "cgroup_paths"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			root := withState(t, "demo", []byte(test.data))
			c, err := Load(root, "demo")
			damage, ok := errors.AsType[*DamagedStateError](err)
			if !ok {
				t.Fatalf("Load = %v, %v; want a DamagedStateError", c, err)
			}
			if want := filepath.Join(root, "demo", stateFile); damage.Path != want {
				t.Errorf("the error names %s, want %s", damage.Path, want)
			}
			if !strings.Contains(err.Error(), damage.Path) || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q, want one line with the path and %q", err, test.want)
			}
		})
	}
}

func TestLoadKeepsOtherErrors(t *testing.T) {
	root := withState(t, "demo", sound(t))
	if err := os.Mkdir(filepath.Join(root, "aborted"), 0o711); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(root, "odd", stateFile), 0o711); err != nil {
		t.Fatal(err)
	}
	tests := map[string]error{
		"nonesuch": libcontainer.ErrNotExist,
		"aborted":  libcontainer.ErrNotExist,
		"":         libcontainer.ErrInvalidID,
		"../demo":  libcontainer.ErrInvalidID,
		"a/b":      libcontainer.ErrInvalidID,
		"odd":      nil, // its state file is a directory: the file system's error
	}
	for id, want := range tests {
		_, err := Load(root, id)
		if _, ok := errors.AsType[*DamagedStateError](err); err == nil || ok {
			t.Errorf("Load(%q) = %v, want an error that is not about damage", id, err)
		}
		if want != nil && !errors.Is(err, want) {
			t.Errorf("Load(%q) = %v, want %v", id, err, want)
		}
	}
}

func TestLoadTruncatedAnywhere(t *testing.T) {
	whole := sound(t)
	root := withState(t, "demo", nil)
	for n := range whole {
		putState(t, root, "demo", whole[:n])
		if _, ok := errors.AsType[*DamagedStateError](second(Load(root, "demo"))); !ok {
			t.Fatalf("Load of the first %d bytes: %v, want a DamagedStateError", n, second(Load(root, "demo")))
		}
	}
}

func second[A any](_ A, err error) error { return err }

// TestRead gets from the file what libcontainer's loading gets, and the same
// errors.
func TestRead(t *testing.T) {
	whole := string(sound(t))
	files := map[string]string{
		"sound":           whole,
		"without paths":   strings.Replace(whole, `"cgroup_paths":`, `"x":`, 1),
		"cut off":         whole[:len(whole)/2],
		"another's":       strings.Replace(whole, `"id":"demo"`, `"id":"other"`, 1),
		"without a start": strings.Replace(whole, `"init_process_start":`, `"x":`, 1),
	}
	for name, data := range files {
		t.Run(name, func(t *testing.T) {
			root := withState(t, "demo", []byte(data))
			got, err := Read(root, "demo")
			c, lerr := Load(root, "demo")
			if fmt.Sprint(err) != fmt.Sprint(lerr) {
				t.Fatalf("Read: %v; Load: %v", err, lerr)
			}
			if err != nil {
				return
			}
			want, err := c.State()
			if err != nil {
				t.Fatal(err)
			}
			if got.ID != want.ID || got.InitProcessPid != want.InitProcessPid || got.InitProcessStartTime != want.InitProcessStartTime {
				t.Errorf("Read: %s, process %d of %d; Load: %s, process %d of %d", got.ID, got.InitProcessPid, got.InitProcessStartTime, want.ID, want.InitProcessPid, want.InitProcessStartTime)
			}
			if len(got.CgroupPaths) == 0 || !maps.Equal(got.CgroupPaths, want.CgroupPaths) {
				t.Errorf("cgroups by Read: %v; by Load: %v", got.CgroupPaths, want.CgroupPaths)
			}
			if !reflect.DeepEqual(got.Config.Labels, want.Config.Labels) || !reflect.DeepEqual(got.Config.Namespaces, want.Config.Namespaces) {
				t.Errorf("Read: %v, %v; Load: %v, %v", got.Config.Labels, got.Config.Namespaces, want.Config.Labels, want.Config.Namespaces)
			}
		})
	}
	root := withState(t, "demo", sound(t))
	for _, id := range []string{"", ".", "..", "a/b", "../" + filepath.Base(root) + "/demo", "none"} {
		_, err := Read(root, id)
		if _, lerr := Load(root, id); err == nil || fmt.Sprint(err) != fmt.Sprint(lerr) {
			t.Errorf("id %q: Read: %v; Load: %v", id, err, lerr)
		}
	}
}

func TestMentions(t *testing.T) {
	root := withState(t, "demo", []byte(`{"config":{"labels":["some.key=1s"]}}`))
	putState(t, filepath.Dir(root), "outside", []byte("{}"))
	for _, tt := range []struct {
		id, text string
		want     bool
	}{
		{"demo", "some.key", true},
		{"demo", "another.key", false},
		{"none", "another.key", true},
		{"", "another.key", true},
		{"../outside", "another.key", true},
	} {
		if got := Mentions(root, tt.id, tt.text); got != tt.want {
			t.Errorf("%q of %q: %t", tt.text, tt.id, got)
		}
	}
}

// TestStateFIFO has a FIFO for a state file keep nobody: it is a damaged one.
func TestStateFIFO(t *testing.T) {
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "c"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(filepath.Join(root, "c", stateFile), 0o600); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := Read(root, "c")
		done <- err
		r, err := Damage(root, "c")
		if _, complete := r.Paths(); err == nil && (complete || r.InitPid != 0) {
			err = errors.New("there is something left of it")
		}
		done <- err
	}()
	for _, want := range []bool{true, false} {
		select {
		case err := <-done:
			if _, damaged := errors.AsType[*DamagedStateError](err); damaged != want || !want && err != nil {
				t.Errorf("damaged %t, want %t: %v", damaged, want, err)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("it hangs")
		}
	}
}
