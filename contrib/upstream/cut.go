package main

import (
	"fmt"
	"go/ast"
	"slices"
	"strings"
)

// cut takes declarations out of a Go file of ours, with their comments, for as
// long as what they need has not gone in. Each is there exactly once: a function,
// a method as TYPE.NAME, a type, or a variable or constant by itself.
func cut(name, text string, out []string) (string, error) {
	f := &file{name: name, text: text}
	if err := f.parse(); err != nil {
		return "", err
	}
	left := slices.Clone(out)
	var gone []span
	for _, d := range f.tree.Decls {
		i := slices.Index(left, declared(d))
		if i < 0 {
			continue
		}
		left = slices.Delete(left, i, i+1)
		at := f.span(d)
		if doc := docOf(d); doc != nil {
			at.from = f.span(doc).from
		}
		gone = append(gone, span{lineStart(text, at.from), lineEnd(text, at.to)})
	}
	if len(left) > 0 {
		return "", fmt.Errorf("%s has no declaration of %s", name, strings.Join(left, ", "))
	}
	cut := text
	for _, at := range slices.Backward(gone) {
		cut = cut[:at.from] + cut[at.to:]
	}
	return tidyGo(name, text, cut, nil)
}

// declared is the name of a declaration that [cut] can take out; "" if it is of
// several.
func declared(d ast.Decl) string {
	switch d := d.(type) {
	case *ast.FuncDecl:
		return funcName(d)
	case *ast.GenDecl:
		if len(d.Specs) != 1 {
			return ""
		}
		switch s := d.Specs[0].(type) {
		case *ast.TypeSpec:
			return s.Name.Name
		case *ast.ValueSpec:
			if len(s.Names) == 1 {
				return s.Names[0].Name
			}
		}
	}
	return ""
}

func docOf(d ast.Decl) *ast.CommentGroup {
	switch d := d.(type) {
	case *ast.FuncDecl:
		return d.Doc
	case *ast.GenDecl:
		return d.Doc
	}
	return nil
}
