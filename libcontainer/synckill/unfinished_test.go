package synckill

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/opencontainers/runc/libcontainer"

	"runcsync/libcontainer/drain"
)

// unfinished is a state directory without a state file.
func unfinished(t *testing.T) (*Unfinished, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "c")
	if err := os.Mkdir(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	u, err := OpenUnfinished("c", dir)
	if err != nil {
		t.Fatal(err)
	}
	return u, dir
}

func gonePath(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is still there: %v", path, err)
	}
}

// TestUnfinishedEmpty removes what was never begun.
func TestUnfinishedEmpty(t *testing.T) {
	u, dir := unfinished(t)
	if _, err := u.Kill(t.Context(), Request{}); !errors.Is(err, libcontainer.ErrNotExist) {
		t.Errorf("kill: %v, want that there is nothing", err)
	}
	if rep, err := u.Delete(t.Context(), Request{}, true, true); err != nil || !rep.Drained {
		t.Errorf("delete: %+v, %v", rep, err)
	}
	gonePath(t, dir)
	if _, err := OpenUnfinished("c", dir); !errors.Is(err, libcontainer.ErrNotExist) {
		t.Errorf("afterwards: %v", err)
	}
}

// TestUnfinishedMaking waits for whoever makes the container, and leaves it alone
// without force.
func TestUnfinishedMaking(t *testing.T) {
	u, dir := unfinished(t)
	leave, err := EnterExec(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := u.Delete(t.Context(), Request{}, false, true); !errors.Is(err, libcontainer.ErrNotExist) {
		t.Errorf("without force: %v", err)
	}
	_, err = u.Delete(t.Context(), Request{Timeout: pause}, true, true)
	if _, late := asType[*drain.TimeoutError](err); !late {
		t.Errorf("while it is being made: %v, want a time-out", err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Error(err)
	}
	deleted := make(chan error, 1)
	go func() {
		_, err := u.Delete(t.Context(), Request{}, true, true)
		deleted <- err
	}()
	select {
	case err := <-deleted:
		t.Fatalf("it did not wait: %v", err)
	case <-time.After(pause):
	}
	leave()
	if err := bounded(t, "delete after the create", deleted); err != nil {
		t.Error(err)
	}
	gonePath(t, dir)
}

// TestUnfinishedCompleted is told that there is a state file now.
func TestUnfinishedCompleted(t *testing.T) {
	u, dir := unfinished(t)
	if err := os.WriteFile(filepath.Join(dir, stateFile), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for what, do := range map[string]func() (*Report, error){
		"kill":   func() (*Report, error) { return u.Kill(t.Context(), Request{}) },
		"delete": func() (*Report, error) { return u.Delete(t.Context(), Request{}, true, true) },
	} {
		if _, err := do(); !errors.Is(err, ErrChanged) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestUnfinishedLink takes no link that leads nowhere for a state file: nobody can
// read the state, and it would be looked at again for ever.
func TestUnfinishedLink(t *testing.T) {
	u, dir := unfinished(t)
	if err := os.Symlink("none", filepath.Join(dir, stateFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := u.Delete(t.Context(), Request{}, true, true); err != nil {
		t.Error(err)
	}
	gonePath(t, dir)
}

// TestUnfinishedReplaced leaves a directory alone that was made later.
func TestUnfinishedReplaced(t *testing.T) {
	u, dir := unfinished(t)
	if err := errors.Join(os.Remove(dir), os.Mkdir(dir, 0o711)); err != nil {
		t.Fatal(err)
	}
	if _, err := u.Delete(t.Context(), Request{}, false, true); !errors.Is(err, libcontainer.ErrNotExist) {
		t.Errorf("got %v, want that it does not exist", err)
	}
	if _, err := u.Delete(t.Context(), Request{}, true, true); err != nil {
		t.Errorf("by force: %v, want that it is gone", err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Errorf("the other one was touched: %v", err)
	}
}

// TestUnfinishedUnknown claims nothing of what another runtime has begun, or of
// which the note is damaged, and removes it for those who ask for no claim.
func TestUnfinishedUnknown(t *testing.T) {
	for name, text := range map[string]string{fifoFile: "", originFile: "{}"} {
		u, dir := unfinished(t)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for what, do := range map[string]func() (*Report, error){
			"kill":   func() (*Report, error) { return u.Kill(t.Context(), Request{}) },
			"delete": func() (*Report, error) { return u.Delete(t.Context(), Request{}, true, true) },
		} {
			rep, err := do()
			if _, unknown := asType[*drain.UnverifiableError](err); !unknown || rep.Drained {
				t.Errorf("%s, %s: %+v, %v", name, what, rep, err)
			}
		}
		if _, err := u.Delete(t.Context(), Request{}, true, false); err != nil {
			t.Errorf("%s, delete without a claim: %v", name, err)
		}
		gonePath(t, dir)
	}
}

// TestRemoveFiles removes the records last, in their order.
func TestRemoveFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{originFile, "zz", stateFile, "aa", identityFile, cgroupsFile} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	left := func(leave ...string) (names []string) {
		if err := placeOf(t, dir).removeFiles(leave...); err != nil {
			t.Fatal(err)
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names
	}
	if got := left(records...); !slices.Equal(got, slices.Sorted(slices.Values(records))) {
		t.Errorf("left %v, want the records", got)
	}
	if got := inOrder(mustReadDir(t, dir)); !slices.Equal(got, records) {
		t.Errorf("to be removed in the order %v, want %v", got, records)
	}
	if got := left(originFile); !slices.Equal(got, []string{originFile}) {
		t.Errorf("left %v", got)
	}
	if err := placeOf(t, dir).remove(); err != nil {
		t.Error(err)
	}
	gonePath(t, dir)
}

func mustReadDir(t *testing.T, dir string) []os.DirEntry {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}
