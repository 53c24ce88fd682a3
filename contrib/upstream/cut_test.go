package main

import (
	"strings"
	"testing"
)

const ourFile = `package p

import (
	"errors"
	"os"
)

// errGone goes.
var errGone = errors.New("gone")

// thing stays.
type thing struct{}

// close goes, with its comment.
func (t *thing) close() { os.Exit(1) }

func stays() { _, _ = errors.AsType[*thing](nil) }
`

func TestCut(t *testing.T) {
	out, err := cut("p.go", ourFile, []string{"errGone", "thing.close"})
	if err != nil {
		t.Fatal(err)
	}
	for _, gone := range []string{"errGone", "close", `"os"`} {
		if strings.Contains(out, gone) {
			t.Errorf("%q is still in\n%s", gone, out)
		}
	}
	for _, there := range []string{"// thing stays.\ntype thing", "func stays", `"errors"`} {
		if !strings.Contains(out, there) {
			t.Errorf("%q is not in\n%s", there, out)
		}
	}
	if _, err := cut("p.go", ourFile, []string{"nobody"}); err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("got %v, want that nobody is not there", err)
	}
}

func TestOlder(t *testing.T) {
	out, wanted, err := older("p.go", ourFile)
	if err != nil || !wanted || !strings.Contains(out, "= asType[*thing](nil)") || !strings.Contains(out, `"errors"`) {
		t.Errorf("got %v, %v:\n%s", wanted, err, out)
	}
	if out, wanted, err := older("p.go", goFile); err != nil || wanted || out != goFile {
		t.Errorf("a file without it: got %v, %v:\n%s", wanted, err, out)
	}
	for text, want := range map[string]int{"module x\n\ngo 1.25.0\n": 25, "go 1.26\n": 26, "module x\n": 0} {
		if got := goMinor(text); got != want {
			t.Errorf("%q: got %d, want %d", text, got, want)
		}
	}
}

// TestMessages reads the message of each step, and finds none left over.
func TestMessages(t *testing.T) {
	for _, cli := range []int{1, 3} {
		s, err := newSeries("../..", Base{CLI: cli, Go: 26})
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range s.Steps {
			if len(step.Subject) > 72 || strings.HasSuffix(step.Subject, ".") {
				t.Errorf("step %d: subject %q", step.Number, step.Subject)
			}
			for line := range strings.Lines(step.Message) {
				if len(line) > 81 {
					t.Errorf("step %d: line %q is longer than 80", step.Number, line)
				}
			}
		}
		names, err := texts.ReadDir("messages")
		if err != nil || len(names) != len(s.Steps) {
			t.Errorf("%d messages for %d steps (%v)", len(names), len(s.Steps), err)
		}
	}
}
