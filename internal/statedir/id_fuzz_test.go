package statedir

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// legal is what libcontainer takes for an ID, but for "." and "..".
var legal = regexp.MustCompile(`^[A-Za-z0-9_+.-]+$`)

// FuzzID: whatever ID the command line names, nothing outside of the state
// directory is read, and nothing in it that is no container's.
func FuzzID(f *testing.F) {
	for _, id := range []string{"demo", "", ".", "..", "../demo", "a/../demo", "/demo", "demo/", "./demo", "demo/.", "d\x00", ".exec-fence", ".exec-fence@", "x/y", "ä", "link"} {
		f.Add(id)
	}
	data, err := os.ReadFile("testdata/state.json")
	if err != nil {
		f.Fatal(err)
	}
	// Every directory that an ID might lead to has a state file.
	top := f.TempDir()
	root := filepath.Join(top, "outer", "root")
	for _, dir := range []string{top, filepath.Dir(root), root, filepath.Join(root, "demo"), filepath.Join(root, "x"), filepath.Join(root, "x", "y"), filepath.Join(filepath.Dir(root), "demo")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			f.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, stateFile), data, 0o600); err != nil {
			f.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, id string) {
		ok := legal.MatchString(id) && id != "." && id != ".."
		if _, err := file(root, id); err == nil && !ok {
			t.Errorf("a state file is read for %q", id)
		}
		if _, err := Damage(root, id); err == nil && !ok {
			t.Errorf("remains are read for %q", id)
		}
		state, err := Read(root, id)
		if err == nil && (!ok || state.ID != id) {
			t.Errorf("a state is read for %q, that of %q", id, state.ID)
		}
		if c, err := Load(root, id); err == nil && (!ok || c.ID() != id) {
			t.Errorf("a container is loaded for %q, %q", id, c.ID())
		}
		if !ok {
			if !Mentions(root, id, "no such text") {
				t.Errorf("a state file was looked at for %q", id)
			}
		}
	})
}
