package drain

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestReadWhole reads files to their end, whatever their length has to do with
// that of any buffer.
func TestReadWhole(t *testing.T) {
	for _, n := range []int{0, 1, 511, 512, 513, 4095, 4096, 4097, 8191, 8192, 8193, 100_000} {
		path := filepath.Join(t.TempDir(), "f")
		want := strings.Repeat("x", max(n-1, 0)) + strings.Repeat("e", min(n, 1))
		if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := readFile(unix.AT_FDCWD, path); err != nil || got != want {
			t.Errorf("%d bytes: readFile read %d, %v", n, len(got), err)
		}
		if got, err := readAll(path); err != nil || got != want {
			t.Errorf("%d bytes: readAll read %d, %v", n, len(got), err)
		}
		fd, err := openat(unix.AT_FDCWD, path, unix.O_RDONLY)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if got, err := readAgain(fd); err != nil || got != want {
				t.Errorf("%d bytes: readAgain read %d, %v", n, len(got), err)
			}
		}
		unix.Close(fd)
	}
	if _, err := readFile(unix.AT_FDCWD, "/dev/zero"); !errors.Is(err, errTooLong) {
		t.Errorf("a file without an end: %v", err)
	}
}

// TestIDs takes IDs from pieces cut anywhere, and nothing that is no list of
// them.
func TestIDs(t *testing.T) {
	for text, want := range map[string][]int{
		"":                {},
		"1\n22\n333\n":    {1, 22, 333},
		"0\n0\n7\n":       {0, 0, 7},
		"4194304\n":       {4194304},
		"1\n2":            nil,
		"-5\n":            nil,
		"5 6\n":           nil,
		"5\n\n6\n":        nil,
		"5x\n":            nil,
		"99999999999\n":   nil,
		"\x00":            nil,
		"1\n184467440737": nil,
	} {
		for size := 1; size <= max(len(text), 1); size++ {
			var p ids
			got := []int{}
			var err error
			for piece := range slices.Chunk([]byte(text), size) {
				if err == nil {
					err = p.next(piece, func(id int) bool { got = append(got, id); return true })
				}
			}
			if err == nil {
				err = p.end()
			}
			if want == nil && !errors.Is(err, errText) || want != nil && (err != nil || !slices.Equal(got, want)) {
				t.Errorf("%q in pieces of %d: %v, %v; want %v", text, size, got, err, want)
			}
		}
	}
}
