package statedir

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestList(t *testing.T) {
	root := withState(t, "b", sound(t))
	putState(t, root, "a", sound(t))
	putState(t, root, "cut", sound(t)[:500])
	if err := os.Mkdir(filepath.Join(root, "aborted"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}

	var skipped []string
	entries, err := List(root, func(err error) { skipped = append(skipped, err.Error()) })
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, e := range entries {
		ids = append(ids, e.ID)
		if e.Owner != me.Username {
			t.Errorf("owner of %s is %q, want %q", e.ID, e.Owner, me.Username)
		}
	}
	if !slices.Equal(ids, []string{"a", "b"}) {
		t.Errorf("listed %v, want a and b", ids)
	}
	if len(skipped) != 2 || !strings.HasPrefix(skipped[0], "load container aborted: ") || !strings.HasPrefix(skipped[1], "load container cut: ") {
		t.Errorf("skipped %q, want aborted and cut", skipped)
	}
}

func TestListWithoutDirectory(t *testing.T) {
	if _, err := List(filepath.Join(t.TempDir(), "none"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("List of no directory: %v", err)
	}
}

// The process of the state file is not running: init of a stopped container
// is 0, whatever the file says.
func TestEntryOfStoppedContainer(t *testing.T) {
	data := strings.Replace(string(sound(t)), `"init_process_start":78815`, `"init_process_start":1`, 1)
	c, err := Load(withState(t, "demo", []byte(data)), "demo")
	if err != nil {
		t.Fatal(err)
	}
	e, err := Describe(c)
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"ociVersion":"1.3.0","id":"demo","pid":0,"status":"stopped","bundle":"/bundles/demo","rootfs":"/bundles/demo/rootfs",` +
		`"created":"2026-01-02T03:04:05.000000006Z","annotations":{"colour":"blue"},"owner":""}`
	if string(got) != want {
		t.Errorf("entry\n%s\nwant\n%s", got, want)
	}
}

func TestOwnerWithoutName(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to give a file away")
	}
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(path, 1234567, -1); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := (owners{}).of(info); got != "#1234567" {
		t.Errorf("owner %q, want #1234567", got)
	}
}
