package main

import (
	"embed"
	"errors"
	"fmt"
	"go/format"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
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
	Files []File
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
	Name    string // by which our files and the drafts speak of it
	Number  int    // from 1
	Subject string
	Message string
	// Drafts are files of drafts/, which are there until what takes their place
	// is: path by draft. They are templates, as the texts of edits are.
	Drafts map[string]string
	// Edits are of files of upstream's.
	Edits []Edit
	// Remove are files, of upstream's or drafts, that go.
	Remove []string
}

// File is one of this project's, which goes in as it is but for its import paths,
// and has the same path there. Declarations go in later than the rest where what
// they need is not there before, or nothing would call them.
type File struct {
	Name  string
	With  string              // the step that it goes in with
	Later map[string][]string // declarations, by the step that they go in with
	Until []Patch
}

// never is the step with which goes in what is left out.
const never = "never"

// Patch is an edit of one of our files that holds until a step, as soon as the
// function or structure is there that it is of.
type Patch struct {
	Step string
	Edit
}

//go:embed drafts messages
var texts embed.FS

// of is the function or structure that a patch is of.
func (p Patch) of() string {
	name := strings.TrimPrefix(p.Place[0], "func ")
	return strings.TrimSuffix(strings.TrimPrefix(name, "from ^type "), " struct")
}

// number is which step has a name; one that there is not is an error of ours.
func (s Series) number(name string) int {
	if slices.Contains([]string{never, "origin", "order", "sight", "rootless"}, name) {
		return len(s.Steps) + 1
	}
	for _, step := range s.Steps {
		if step.Name == name {
			return step.Number
		}
	}
	panic("there is no step " + name)
}

// ourFiles makes those of our files there that change with a step.
func (s Series) ourFiles(step Step, dir string) error {
	for _, f := range s.Files {
		changes := s.number(f.With) == step.Number
		var out []string
		for name, declarations := range f.Later {
			n := s.number(name)
			changes = changes || n == step.Number
			if n > step.Number {
				out = append(out, declarations...)
			}
		}
		for _, p := range f.Until {
			changes = changes || s.number(p.Step) == step.Number
		}
		if !changes || s.number(f.With) > step.Number {
			continue
		}
		text, err := os.ReadFile(filepath.Join(s.Ours, f.Name))
		if err == nil {
			err = s.put(dir, f.Name, string(text), out)
		}
		if err != nil {
			return err
		}
		for _, p := range f.Until {
			if s.number(p.Step) <= step.Number || slices.Contains(out, p.of()) {
				continue
			}
			p.File = f.Name
			if err := s.edit(p.Edit, step.Number, dir); err != nil {
				return err
			}
		}
	}
	return nil
}

// apply makes a step's changes in the tree at dir.
func (s Series) apply(step Step, dir string) error {
	if err := s.ourFiles(step, dir); err != nil {
		return err
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

// expand expands a template, to which .CLI is known, and .At tells whether a step,
// named, is there.
func (s Series) expand(text string, number int) (string, error) {
	t, err := template.New("").Parse(text)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = t.Execute(&b, progress{s.Base, s, number})
	return b.String(), err
}

// progress is what templates are expanded with.
type progress struct {
	Base
	series Series
	number int
}

// At tells whether a step is there.
func (p progress) At(name string) bool { return p.series.number(name) <= p.number }
