package starter

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

func written(t *testing.T, rootless bool) specs.Spec {
	t.Helper()
	dir := t.TempDir()
	if err := Write(dir, rootless); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	var spec specs.Spec
	if err := json.Unmarshal(data, &spec); err != nil {
		t.Fatal(err)
	}
	return spec
}

func TestWrite(t *testing.T) {
	for _, rootless := range []bool{false, true} {
		spec := written(t, rootless)
		if !slices.Equal(spec.Process.Args, []string{"sh"}) || spec.Version != specs.Version {
			t.Errorf("rootless %t: args %q, version %s", rootless, spec.Process.Args, spec.Version)
		}
		userns := slices.ContainsFunc(spec.Linux.Namespaces, func(n specs.LinuxNamespace) bool { return n.Type == specs.UserNamespace })
		if userns != rootless {
			t.Errorf("rootless %t: user namespace %t", rootless, userns)
		}
	}
}

func TestWriteRefusals(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "config.json")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	const want = "File config.json exists. Remove it first"
	if err := Write(dir, false); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if data, _ := os.ReadFile(path); string(data) != "mine" {
		t.Errorf("the file now holds %q", data)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "elsewhere"), path); err != nil {
		t.Fatal(err)
	}
	if err := Write(dir, false); err == nil || err.Error() != want {
		t.Errorf("dangling link: error %v, want %s", err, want)
	}
	if err := Write(filepath.Join(dir, "none"), false); !os.IsNotExist(err) {
		t.Errorf("no bundle: %v", err)
	}
}

func TestWriteInWorkingDirectory(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := Write("", false); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("config.json"); err != nil {
		t.Error(err)
	}
}
