package main

import (
	"fmt"
	"go/ast"
	"go/format"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/tools/go/ast/astutil"
)

// Op is what an [Edit] does at its place.
type Op int

// The operations there are. Insert, InsertAfter and Remove take whole lines,
// the place's own among them; Replace takes the place exactly.
const (
	Insert Op = iota
	InsertAfter
	Replace
	Remove
)

// Edit is one change of a file of upstream's.
type Edit struct {
	File  string
	Place Place
	Op    Op
	Text  string
	// Imports are the packages that the text needs, of a Go file. Those that
	// are not used after the edit are taken out by themselves.
	Imports []string
}

// apply makes the edit in the text of its file.
func (e Edit) apply(text string) (string, error) {
	at, err := e.Place.find(e.File, text)
	if err != nil {
		return "", err
	}
	before := text
	first, next := lineStart(text, at.from), lineEnd(text, at.to)
	switch e.Op {
	case Insert:
		text = text[:first] + e.Text + text[first:]
	case InsertAfter:
		text = text[:next] + e.Text + text[next:]
	case Replace:
		text = text[:at.from] + e.Text + text[at.to:]
	case Remove:
		text = text[:first] + text[next:]
	}
	if path.Ext(e.File) != ".go" {
		return text, nil
	}
	return tidyGo(e.File, before, text, e.Imports)
}

// lineStart is where the line begins that has the byte at in it.
func lineStart(text string, at int) int { return strings.LastIndexByte(text[:at], '\n') + 1 }

// lineEnd is where the line after the last byte before at begins.
func lineEnd(text string, at int) int {
	if at > 0 && text[at-1] == '\n' {
		return at
	}
	if n := strings.IndexByte(text[at:], '\n'); n >= 0 {
		return at + n + 1
	}
	return len(text)
}

// tidyGo adds imports, takes out those that were used before the edit and are
// not any more, and formats.
func tidyGo(name, before, text string, imports []string) (string, error) {
	f, was := &file{name: name, text: text}, &file{name: name, text: before}
	if err := f.parse(); err != nil {
		return "", fmt.Errorf("%s does not parse after the edit: %w", name, err)
	}
	if err := was.parse(); err != nil {
		return "", err
	}
	changed := false
	for _, p := range imports {
		changed = astutil.AddImport(f.set, f.tree, p) || changed
	}
	for _, spec := range slices.Clone(f.tree.Imports) {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil || spec.Name != nil || !was.uses(p) || f.uses(p) {
			continue
		}
		changed = astutil.DeleteImport(f.set, f.tree, p) || changed
	}
	if !changed {
		out, err := format.Source([]byte(text))
		return string(out), err
	}
	var b strings.Builder
	if err := format.Node(&b, f.set, f.tree); err != nil {
		return "", fmt.Errorf("format %s: %w", name, err)
	}
	return b.String(), nil
}

// uses tells whether a package that is imported by its own name is used. Its
// name is taken from the path, which for all that upstream imports serves.
func (f *file) uses(p string) bool {
	name := path.Base(p)
	if len(name) > 1 && name[0] == 'v' && strings.Trim(name[1:], "0123456789") == "" {
		name = path.Base(path.Dir(p)) // .../cli/v3
	}
	name = strings.TrimSuffix(name, "-go") // .../specs-go
	used := false
	f.outermost(span{0, len(f.text)}, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			id, ok := sel.X.(*ast.Ident)
			used = used || ok && id.Name == name
		}
		return false
	})
	return used
}
