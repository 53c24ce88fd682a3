package launch

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/runc/libcontainer"
	"github.com/opencontainers/runc/libcontainer/system"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"runcsync/internal/statedir"
)

func TestSubCgroups(t *testing.T) {
	tests := map[string]struct {
		args []string
		want map[string]string
		err  string
	}{
		"none":            {nil, nil, ""},
		"one path":        {[]string{"sub"}, map[string]string{"": "sub"}, ""},
		"one controller":  {[]string{"cpu:sub"}, map[string]string{"cpu": "sub"}, ""},
		"several":         {[]string{"cpu,memory:a", "pids:b"}, map[string]string{"cpu": "a", "memory": "a", "pids": "b"}, ""},
		"colon in path":   {[]string{"cpu:a:b"}, map[string]string{"cpu": "a:b"}, ""},
		"two paths":       {[]string{"a", "b"}, nil, "invalid --cgroup argument: a (missing <controller>: prefix)"},
		"path and others": {[]string{"cpu:a", "b"}, nil, "invalid --cgroup argument: b (missing <controller>: prefix)"},
		"no controller":   {[]string{":a"}, nil, "invalid --cgroup argument: :a (empty <controller> prefix)"},
		"comma at end":    {[]string{"cpu,:a"}, nil, "invalid --cgroup argument: cpu,:a (empty <controller> prefix)"},
		"twice":           {[]string{"cpu:a", "pids,cpu:b"}, nil, "invalid --cgroup argument(s): controller cpu specified multiple times"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := subCgroups(tt.args)
			if text(err) != tt.err || !maps.Equal(got, tt.want) {
				t.Errorf("%v, error %q, want %v, error %q", got, text(err), tt.want, tt.err)
			}
		})
	}
}

func TestOverrides(t *testing.T) {
	p := &specs.Process{
		Args: []string{"old"}, Env: []string{"A=1"}, Cwd: "/old", Terminal: true,
		User:            specs.User{UID: 1, GID: 2, AdditionalGids: []uint32{3}},
		NoNewPrivileges: true,
	}
	o := Overrides{
		Args: []string{"new", "arg"}, Env: []string{"B=2"}, Cwd: "/new", User: "5:6", AdditionalGids: []int64{7},
		Capabilities: []string{"CAP_KILL"}, Label: "l", AppArmor: "a", NoNewPrivs: new(false),
	}
	if err := o.apply(p); err != nil {
		t.Fatal(err)
	}
	for what, ok := range map[string]bool{
		"args":         slices.Equal(p.Args, []string{"new", "arg"}),
		"env":          slices.Equal(p.Env, []string{"A=1", "B=2"}),
		"cwd":          p.Cwd == "/new",
		"terminal":     !p.Terminal,
		"user":         p.User.UID == 5 && p.User.GID == 6 && slices.Equal(p.User.AdditionalGids, []uint32{3, 7}),
		"capabilities": p.Capabilities != nil && slices.Equal(p.Capabilities.Permitted, []string{"CAP_KILL"}) && p.Capabilities.Ambient == nil,
		"labels":       p.SelinuxLabel == "l" && p.ApparmorProfile == "a",
		"privileges":   !p.NoNewPrivileges,
	} {
		if !ok {
			t.Errorf("%s not as told: %+v", what, p)
		}
	}
}

func TestOverridesKeep(t *testing.T) {
	p := &specs.Process{
		Cwd: "/c", User: specs.User{UID: 1, GID: 2}, SelinuxLabel: "l", ApparmorProfile: "a", NoNewPrivileges: true,
		Capabilities: &specs.LinuxCapabilities{Inheritable: []string{}},
	}
	o := Overrides{Args: []string{"x"}, User: "9", Capabilities: []string{"CAP_KILL"}}
	if err := o.apply(p); err != nil {
		t.Fatal(err)
	}
	if p.Cwd != "/c" || p.SelinuxLabel != "l" || p.ApparmorProfile != "a" || !p.NoNewPrivileges {
		t.Errorf("changed what no flag told to: %+v", p)
	}
	if p.User.UID != 9 || p.User.GID != 2 {
		t.Errorf("user %+v, want 9 with the old group 2", p.User)
	}
	if !slices.Equal(p.Capabilities.Ambient, []string{"CAP_KILL"}) {
		t.Errorf("ambient %v, want the capability, as the process has an inheritable set", p.Capabilities.Ambient)
	}
}

func TestOverridesErrors(t *testing.T) {
	args := []string{"x"}
	for want, o := range map[string]Overrides{
		"exec args cannot be empty": {},
		"bad uid: ":                 {Args: args, User: "root"},
		"bad gid: ":                 {Args: args, User: "0:wheel"},
		"bad uid: strconv.ParseUint: parsing \"-1\"":    {Args: args, User: "-1"},
		"additional-gids must be a positive number -1":  {Args: args, AdditionalGids: []int64{-1}},
		"additional-gids must be a positive number 429": {Args: args, AdditionalGids: []int64{1 << 32}},
	} {
		if err := o.apply(&specs.Process{}); !strings.HasPrefix(text(err), want) {
			t.Errorf("%+v: error %q, want %q", o, text(err), want)
		}
	}
}

// withInit loads a container of which init is a process of the test's, sleeping.
func withInit(t *testing.T) (e Exec, c *libcontainer.Container, init *exec.Cmd) {
	t.Helper()
	init = exec.Command("sleep", "60")
	if err := init.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = init.Process.Kill()
		_ = init.Wait()
	})
	stat, err := system.Stat(init.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile("../statedir/testdata/state.json")
	if err != nil {
		t.Fatal(err)
	}
	var state map[string]any
	if err := json.Unmarshal(data, &state); err != nil {
		t.Fatal(err)
	}
	state["init_process_pid"], state["init_process_start"] = init.Process.Pid, stat.StartTime
	if data, err = json.Marshal(state); err != nil {
		t.Fatal(err)
	}
	e = Exec{Root: t.TempDir(), ID: "demo"}
	dir := filepath.Join(e.Root, e.ID)
	if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, "state.json"), data, 0o600)); err != nil {
		t.Fatal(err)
	}
	if c, err = statedir.Load(e.Root, e.ID); err != nil {
		t.Fatal(err)
	}
	if err := e.check(c); err != nil {
		t.Fatalf("a running container: %v", err)
	}
	return e, c, init
}

// The container may end, or be deleted, while exec waits at the fence. However
// it comes, the fence is left.
func TestExecFence(t *testing.T) {
	shut := errors.New("shut")
	tests := map[string]struct {
		meanwhile func(e Exec, init *exec.Cmd) error
		want      string
	}{
		"running": {func(Exec, *exec.Cmd) error { return nil }, ""},
		"shut":    {func(Exec, *exec.Cmd) error { return shut }, "shut"},
		"ended": {func(_ Exec, init *exec.Cmd) error {
			_ = init.Process.Kill()
			_ = init.Wait()
			return nil
		}, "cannot exec in a stopped container"},
		"deleted": {func(e Exec, _ *exec.Cmd) error { return os.RemoveAll(filepath.Join(e.Root, e.ID)) }, "container does not exist"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e, c, init := withInit(t)
			entered, left := 0, 0
			e.Fence = func() (func(), error) {
				entered++
				return func() { left++ }, tt.meanwhile(e, init)
			}
			leave, err := e.enter(c)
			if text(err) != tt.want {
				t.Errorf("error %q, want %q", text(err), tt.want)
			}
			want := 1
			if tt.want == "" {
				if left != 0 {
					t.Error("left at once")
				}
				leave()
			} else if tt.want == shut.Error() {
				want = 0
			}
			if entered != 1 || left != want {
				t.Errorf("entered the fence %d times, left it %d times, want 1 and %d", entered, left, want)
			}
		})
	}
}

// What is wrong with an exec is told without the fence.
func TestExecOutsideFence(t *testing.T) {
	e, _, _ := withInit(t)
	e.Fence = func() (func(), error) {
		t.Error("entered the fence")
		return func() {}, nil
	}
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	process := fifo + ".json"
	if err := os.WriteFile(process, []byte(`{"args":["true"],"cwd":"/"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(e *Exec){
		"container does not exist": func(e *Exec) { e.ID = "other" },
		"no such file":             func(e *Exec) { e.ProcessFile = process + ".none" },
		"invalid --cgroup":         func(e *Exec) { e.Cgroups = []string{":a"} },
		"cannot use console socket": func(e *Exec) {
			e.ConsoleSocket = fifo
		},
		"failed to dial": func(e *Exec) { e.PidfdSocket, e.Detach = fifo, true },
		"preserve":       func(e *Exec) { e.PreserveFDs, e.Detach = -1, true },
	} {
		x := e
		x.ProcessFile = process
		change(&x)
		if _, err := x.Run(); !strings.Contains(text(err), want) {
			t.Errorf("error %q, want %q", text(err), want)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
