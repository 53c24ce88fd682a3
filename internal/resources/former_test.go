package resources

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFormer(t *testing.T) {
	v1, v2 := t.TempDir(), t.TempDir()
	content := map[string]string{
		filepath.Join(v1, "cpu.shares"):  "1024\n",
		filepath.Join(v1, "pids.max"):    "max\n", // not of the controller cpu
		filepath.Join(v2, "cpu.max"):     "max 100000\n",
		filepath.Join(v2, "memory.high"): "max\n",
		filepath.Join(v2, "pids.max"):    "5\n",
	}
	for path, value := range content {
		if err := os.WriteFile(path, []byte(value), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := remember(map[string]string{"cpu": v1, "": v2, "memory": filepath.Join(v1, "none")}, map[string]string{"memory.high": "1", "../x": "1", "none": "2"})
	if len(f) != 4 {
		t.Fatalf("remembered %v, want four files", f)
	}
	for path := range content {
		// No longer than the old values: a write to a control file replaces the
		// value, one to a plain file just the bytes it covers.
		if err := os.WriteFile(path, []byte("new\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(v2, "pids.max")); err != nil {
		t.Fatal(err)
	}
	if err := f.restore(); err != nil {
		t.Fatalf("restore: %v", err)
	}
	for path, want := range map[string]string{
		filepath.Join(v1, "cpu.shares"): "1024\n", filepath.Join(v2, "cpu.max"): "max 100000\n",
		filepath.Join(v2, "memory.high"): "max\n", filepath.Join(v1, "pids.max"): "new\n",
	} {
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%s holds %q (%v), want %q", path, got, err, want)
		}
	}
	if _, err := os.Stat(filepath.Join(v2, "pids.max")); err == nil {
		t.Error("a file that is gone was made anew")
	}
}

func TestFormerTellsWhatFails(t *testing.T) {
	f := former{{path: t.TempDir(), value: "5\n"}} // a directory takes no value
	if err := f.restore(); err == nil {
		t.Error("a refused value is not reported")
	}
}
