package main

import (
	"bytes"
	"embed"
	"fmt"
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
}

// Base is a release of upstream's that the series goes onto.
type Base struct {
	Tag string
	CLI int // the major version of urfave/cli that it uses: 1 or 3
}

// baseOf tells what there is to know of a checkout, given its go.mod.
func baseOf(tag, module string) (Base, error) {
	for cli, path := range map[int]string{1: "github.com/urfave/cli ", 3: "github.com/urfave/cli/v3 "} {
		if strings.Contains(module, "\t"+path) {
			return Base{Tag: tag, CLI: cli}, nil
		}
	}
	return Base{}, fmt.Errorf("%s uses neither version 1 nor version 3 of urfave/cli", tag)
}

// Step is one commit.
type Step struct {
	Subject string
	Message string
	// Files are this project's, as they are but for their import paths, and
	// have the same path there.
	Files []string
	// Drafts are files of drafts/, which stand for a file of the project's
	// for as long as what the whole of it needs is not there yet: path by
	// draft.
	Drafts map[string]string
	// Edits are of files of upstream's.
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
			err = put(filepath.Join(dir, name), theirs(text))
		}
		if err != nil {
			return err
		}
	}
	for draft, name := range step.Drafts {
		text, err := fs.ReadFile(texts, "drafts/"+draft)
		if err == nil {
			err = put(filepath.Join(dir, name), theirs(text))
		}
		if err != nil {
			return err
		}
	}
	for _, name := range step.Remove {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	for _, edit := range step.Edits {
		if err := s.edit(edit, dir); err != nil {
			return err
		}
	}
	return nil
}

// theirs is a text with this project's import paths made upstream's.
func theirs(text []byte) []byte {
	return bytes.ReplaceAll(text, []byte(ourModule+"/libcontainer/"), []byte(upstreamModule+"/libcontainer/"))
}

func put(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}

// edit makes one edit of a file in the tree at dir. Its text is a template: the
// two versions of the command-line library want other words.
func (s Series) edit(e Edit, dir string) error {
	path := filepath.Join(dir, e.File)
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if e.Text, err = s.expand(e.Text); err != nil {
		return fmt.Errorf("%s: %w", e.File, err)
	}
	out, err := e.apply(string(text))
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(out), 0o644)
}

func (s Series) expand(text string) (string, error) {
	t, err := template.New("").Parse(text)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = t.Execute(&b, s.Base)
	return b.String(), err
}
