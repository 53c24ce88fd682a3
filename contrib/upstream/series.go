package main

import (
	"embed"
	"errors"
	"fmt"
	"go/format"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

const (
	upstreamModule = "github.com/opencontainers/runc"
	ourModule      = "runcsync"
)

// Series is the work as upstream would take it, one commit a step.
type Series struct {
	Ours  string // root of this project's checkout
	Base  Base
	Steps []Step
	// Moved, if not nil, gets each place that is not found; the other edits are
	// made all the same. Without it the first one ends the work.
	Moved func(error)
}

// Base is a release of upstream's that the series goes onto.
type Base struct {
	Tag string
	CLI int // the major version of urfave/cli that it uses: 1 or 3
	Go  int // the minor version of the Go that it is for
}

// baseOf tells what there is to know of a checkout, given its go.mod.
func baseOf(tag, module string) (Base, error) {
	for cli, path := range map[int]string{1: "github.com/urfave/cli ", 3: "github.com/urfave/cli/v3 "} {
		if strings.Contains(module, "\t"+path) {
			return Base{Tag: tag, CLI: cli, Go: goMinor(module)}, nil
		}
	}
	return Base{}, fmt.Errorf("%s uses neither version 1 nor version 3 of urfave/cli", tag)
}

// Step is one commit.
type Step struct {
	Number  int // from 1
	Subject string
	Message string
	// Files are this project's, as they are but for their import paths, and
	// have the same path there.
	Files []string
	// Cut are declarations that are left out of some of these, for as long as
	// what they need is not there yet.
	Cut map[string][]string
	// Drafts are files of drafts/, which are there until what takes their place
	// is: path by draft. They are templates, as the texts of edits are.
	Drafts map[string]string
	// Edits are of files of upstream's, or of what this or an earlier step has
	// put there.
	Edits []Edit
	// Remove are files, of upstream's or drafts, that go.
	Remove []string
}

//go:embed drafts messages
var texts embed.FS

// apply makes a step's changes in the tree at dir.
func (s Series) apply(step Step, dir string) error {
	for _, name := range step.Files {
		text, err := os.ReadFile(filepath.Join(s.Ours, name))
		if err == nil {
			err = s.put(dir, name, string(text), step.Cut[name])
		}
		if err != nil {
			return err
		}
	}
	for draft, name := range step.Drafts {
		text, err := fs.ReadFile(texts, "drafts/"+draft)
		if err != nil {
			return err
		}
		whole, err := s.expand(string(text), step.Number)
		if err == nil && filepath.Ext(name) == ".go" {
			var formatted []byte
			formatted, err = format.Source([]byte(whole))
			whole = string(formatted)
		}
		if err == nil {
			err = s.put(dir, name, whole, nil)
		}
		if err != nil {
			return fmt.Errorf("drafts/%s: %w", draft, err)
		}
	}
	for _, name := range step.Remove {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	for _, edit := range step.Edits {
		err := s.edit(edit, step.Number, dir)
		_, isPlace := errors.AsType[*PlaceError](err)
		if s.Moved != nil && (isPlace || errors.Is(err, fs.ErrNotExist)) {
			s.Moved(fmt.Errorf("step %d, %q: %w", step.Number, step.Subject, err))
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// put writes one of our files into the tree at dir, with this project's import
// paths made upstream's and the declarations named left out.
func (s Series) put(dir, name, text string, out []string) (err error) {
	text = strings.ReplaceAll(text, ourModule+"/libcontainer/", upstreamModule+"/libcontainer/")
	path := filepath.Join(dir, name)
	if len(out) > 0 {
		if text, err = cut(name, text, out); err != nil {
			return err
		}
	}
	if filepath.Ext(name) == ".go" && s.Base.Go < 26 {
		var wanted bool
		if text, wanted, err = older(name, text); err != nil {
			return err
		}
		if as := filepath.Join(filepath.Dir(path), "astype.go"); wanted {
			pkg := filepath.Base(filepath.Dir(name))
			if pkg == "." {
				pkg = "main"
			}
			if err := write(as, fmt.Sprintf(asType, pkg)); err != nil {
				return err
			}
		}
	}
	return write(path, text)
}

func write(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

// edit makes one edit of a file in the tree at dir. Its text is a template: the
// two versions of the command-line library want other words.
func (s Series) edit(e Edit, number int, dir string) error {
	path := filepath.Join(dir, e.File)
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if e.Text, err = s.expand(e.Text, number); err != nil {
		return fmt.Errorf("%s: %w", e.File, err)
	}
	out, err := e.apply(string(text))
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(out), 0o644)
}

// expand expands a template, to which .CLI and .Step are known.
func (s Series) expand(text string, number int) (string, error) {
	t, err := template.New("").Parse(text)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = t.Execute(&b, struct {
		Base
		Step int
	}{s.Base, number})
	return b.String(), err
}
