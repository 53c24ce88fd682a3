package features

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/opencontainers/runc/libcontainer/seccomp"
	annotation "github.com/opencontainers/runc/types/features"
	"github.com/opencontainers/runtime-spec/specs-go"
)

func TestOf(t *testing.T) {
	f := Of("1.2.3", "abc")
	if f.Annotations[annotation.AnnotationRuncVersion] != "1.2.3" || f.Annotations[annotation.AnnotationRuncCommit] != "abc" {
		t.Errorf("annotations %v", f.Annotations)
	}
	if f.Annotations[WaitEnabled] != "true" {
		t.Errorf("annotations %v do not tell of --wait", f.Annotations)
	}
	if f.OCIVersionMax != specs.Version {
		t.Errorf("newest version %s, want %s", f.OCIVersionMax, specs.Version)
	}
	for name, list := range map[string][]string{
		"hooks": f.Hooks, "mount options": f.MountOptions, "capabilities": f.Linux.Capabilities, "memory policy modes": f.Linux.MemoryPolicy.Modes,
	} {
		if len(list) == 0 {
			t.Errorf("no %s", name)
		}
	}
	if !slices.Contains(f.Linux.Namespaces, "user") {
		t.Errorf("namespaces %v lack user", f.Linux.Namespaces)
	}
	if (f.Linux.Seccomp != nil) != seccomp.Enabled || (f.Annotations[annotation.AnnotationLibseccompVersion] != "") != seccomp.Enabled {
		t.Errorf("seccomp %+v, annotations %v; enabled is %t", f.Linux.Seccomp, f.Annotations, seccomp.Enabled)
	}
	data, err := json.Marshal(f.Linux)
	if err != nil {
		t.Fatal(err)
	}
	var sections map[string]json.RawMessage
	if err := json.Unmarshal(data, &sections); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"apparmor", "cgroup", "intelRdt", "mountExtensions", "netDevices", "selinux"} {
		if sections[name] == nil {
			t.Errorf("no section %s", name)
		}
	}
}
