package launch

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
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

// The fence is entered before the container is looked at, and left once,
// whatever happens.
func TestExecFence(t *testing.T) {
	var entered, left int
	e := Exec{Root: t.TempDir(), ID: "none", Fence: func() (func(), error) {
		entered++
		return func() { left++ }, nil
	}}
	_, err := e.Run()
	if want := "container does not exist"; text(err) != want {
		t.Errorf("error %q, want %q", text(err), want)
	}
	if entered != 1 || left != 1 {
		t.Errorf("entered the fence %d times, left it %d times, want once each", entered, left)
	}
}

func TestExecFenceShut(t *testing.T) {
	shut := errors.New("shut")
	e := Exec{Root: t.TempDir(), ID: "none", Fence: func() (func(), error) { return nil, shut }}
	if _, err := e.Run(); !errors.Is(err, shut) {
		t.Errorf("error %q, want that of the fence", text(err))
	}
}

func TestExecLeavesFenceOnce(t *testing.T) {
	left := 0
	e := Exec{Fence: func() (func(), error) { return func() { left++ }, nil }}
	leave, err := e.enter()
	if err != nil {
		t.Fatal(err)
	}
	leave()
	leave()
	if left != 1 {
		t.Errorf("left %d times, want once", left)
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
