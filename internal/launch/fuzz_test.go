package launch

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/opencontainers/runc/libcontainer/configs/validate"
	"github.com/opencontainers/runc/libcontainer/specconv"

	"runcsync/internal/bundle"
)

// FuzzConfig has any contents for config.json, up to where a container would be
// made of it: an error, or a configuration that has what libcontainer takes for
// granted.
func FuzzConfig(f *testing.F) {
	example, err := json.Marshal(specconv.Example())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example)
	for _, s := range []string{
		`{"process":{"cwd":"/","args":["x"]}}`, `{"process":{"cwd":"/","args":["x"]},"root":{"path":"rootfs"}}`,
		`{"process":{"cwd":"/","args":["x"]},"root":{"path":"/r"},"linux":null}`,
		`{"process":{"cwd":"/","args":["x"]},"root":{"path":"/r"},"linux":{"namespaces":[{"type":"pid"},{"type":"pid"}]}}`,
		`{"process":{"cwd":"/","args":["x"]},"root":{"path":"/r"},"linux":{"cgroupsPath":"a:b","resources":{"devices":[{"type":"?"}],"memory":null,"pids":{}}}}`,
		`{"process":{"cwd":"/","args":["x"]},"root":{"path":"/r"},"linux":{"seccomp":{"syscalls":[{"names":[],"args":[{}]}]},"intelRdt":{},"timeOffsets":{"x":{}}}}`,
		`{"process":{"cwd":"/","args":["x"]},"root":{"path":"/r"},"mounts":[{"destination":"x","options":["idmap"]},{}],"hooks":{"prestart":[{}],"poststop":[{"timeout":-1}]}}`,
	} {
		f.Add([]byte(s))
	}
	dir := f.TempDir()
	f.Chdir(dir)
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, bundle.Config), data, 0o600); err != nil {
			t.Fatal(err)
		}
		spec, err := bundle.Enter("")
		if err != nil {
			return
		}
		config, err := specconv.CreateLibcontainerConfig(&specconv.CreateOpts{Spec: spec, CgroupName: "demo"})
		if err != nil {
			return
		}
		if config.Cgroups == nil || config.Rootfs == "" {
			t.Errorf("made of %q without an error: %+v", data, config)
		}
		_ = validate.Validate(config) // as libcontainer does before it makes anything
	})
}
