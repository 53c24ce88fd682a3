package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strings"
)

// A Place says where in a file of upstream's an edit goes, by the file's
// structure, so that none of its text has to be repeated here. It is a list of
// steps, each of which narrows the range that the one before it found:
//
//	func NAME, var NAME   a declaration of a Go file; of a method, TYPE.NAME
//	field NAME            the value of a field in a composite literal
//	stmt REGEXP           the statement of which the first line matches
//	shell NAME            a function or test of a shell or bats file
//	line REGEXP           the line that matches
//	from REGEXP           from the line that matches on
//	until REGEXP          up to the line that matches, without it
//	body                  what is between the braces of what was found
//	end                   the point before the brace that closes it
//
// Whatever is found has to be there exactly once: a file that changed so much
// that it isn't is for a person to look at.
type Place []string

// span is a range of bytes of a file.
type span struct{ from, to int }

// find returns the place's range in the text of the file name.
func (p Place) find(name, text string) (span, error) {
	f := &file{name: name, text: text}
	at := span{0, len(text)}
	for _, step := range p {
		kind, arg, _ := strings.Cut(step, " ")
		narrow, ok := steps[kind]
		if !ok {
			return at, fmt.Errorf("%s: no such kind of place: %q", name, step)
		}
		found, err := narrow(f, at, arg)
		if err != nil {
			return at, &PlaceError{File: name, Place: p, Step: step, Err: err}
		}
		at = found
	}
	return at, nil
}

// PlaceError says which place of a file of upstream's was not found, and so
// what has moved there.
type PlaceError struct {
	File  string
	Place Place
	Step  string // of the place: what comes before it was found
	Err   error
}

func (e *PlaceError) Error() string {
	return fmt.Sprintf("%s: place %q: %s: %v", e.File, strings.Join(e.Place, " / "), e.Step, e.Err)
}

func (e *PlaceError) Unwrap() error { return e.Err }

// file is a file in which places are looked for.
type file struct {
	name, text string
	set        *token.FileSet
	tree       *ast.File
}

// parse parses a Go file, once.
func (f *file) parse() error {
	if f.tree != nil {
		return nil
	}
	f.set = token.NewFileSet()
	var err error
	f.tree, err = parser.ParseFile(f.set, f.name, f.text, parser.ParseComments|parser.SkipObjectResolution)
	return err
}

func (f *file) span(n ast.Node) span {
	return span{f.set.Position(n.Pos()).Offset, f.set.Position(n.End()).Offset}
}

var steps = map[string]func(f *file, in span, arg string) (span, error){
	"func":  declaration,
	"var":   declaration,
	"field": field,
	"stmt":  statement,
	"shell": shell,
	"line":  line,
	"from":  from,
	"until": until,
	"body":  body,
	"end":   end,
}

// only is the one span of all that were found.
func only(found []span) (span, error) {
	switch len(found) {
	case 0:
		return span{}, errNotThere
	case 1:
		return found[0], nil
	}
	return span{}, fmt.Errorf("it is there %d times", len(found))
}

var errNotThere = fmt.Errorf("it is not there")

// declaration finds a function, or a variable or constant with its value.
func declaration(f *file, in span, name string) (span, error) {
	if err := f.parse(); err != nil {
		return in, err
	}
	var found []span
	for _, d := range f.tree.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if funcName(d) == name {
				found = append(found, f.span(d))
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				v, ok := s.(*ast.ValueSpec)
				if ok && len(v.Names) == 1 && v.Names[0].Name == name {
					if found = append(found, f.span(v)); len(d.Specs) == 1 {
						found[len(found)-1] = f.span(d)
					}
				}
			}
		}
	}
	return only(found)
}

func funcName(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return d.Name.Name
	}
	t := d.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	if id, ok := t.(*ast.Ident); ok {
		return id.Name + "." + d.Name.Name
	}
	return d.Name.Name
}

// outermost collects the nodes in a range for which is says yes, and does not
// look into these.
func (f *file) outermost(in span, is func(ast.Node) bool) []span {
	var found []span
	ast.Inspect(f.tree, func(n ast.Node) bool {
		if n == nil {
			return false
		}
		at := f.span(n)
		if at.to <= in.from || at.from >= in.to {
			return false
		}
		if at.from >= in.from && at.to <= in.to && at != in && is(n) {
			found = append(found, at)
			return false
		}
		return true
	})
	return found
}

func field(f *file, in span, name string) (span, error) {
	if err := f.parse(); err != nil {
		return in, err
	}
	var values []span
	f.outermost(in, func(n ast.Node) bool {
		kv, ok := n.(*ast.KeyValueExpr)
		if !ok {
			return false
		}
		if key, ok := kv.Key.(*ast.Ident); ok && key.Name == name {
			values = append(values, f.span(kv.Value))
		}
		return true
	})
	return only(values)
}

func statement(f *file, in span, pattern string) (span, error) {
	if err := f.parse(); err != nil {
		return in, err
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return in, err
	}
	return only(f.outermost(in, func(n ast.Node) bool {
		if _, ok := n.(ast.Stmt); !ok {
			return false
		}
		if _, ok := n.(*ast.BlockStmt); ok {
			return false
		}
		at := f.span(n)
		first, _, _ := strings.Cut(f.text[at.from:at.to], "\n")
		return re.MatchString(first)
	}))
}

// lines are the spans of the lines in a range, each with its end.
func (f *file) lines(in span) []span {
	var all []span
	for at := in.from; at < in.to; {
		next := in.to
		if n := strings.IndexByte(f.text[at:in.to], '\n'); n >= 0 {
			next = at + n + 1
		}
		all = append(all, span{at, next})
		at = next
	}
	return all
}

func (f *file) matching(in span, pattern string) ([]span, error) {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, err
	}
	var found []span
	for _, l := range f.lines(in) {
		if re.MatchString(strings.TrimSuffix(f.text[l.from:l.to], "\n")) {
			found = append(found, l)
		}
	}
	return found, nil
}

func line(f *file, in span, pattern string) (span, error) {
	found, err := f.matching(in, pattern)
	if err != nil {
		return in, err
	}
	return only(found)
}

func from(f *file, in span, pattern string) (span, error) {
	at, err := line(f, in, pattern)
	return span{at.from, in.to}, err
}

// until ends at the first line that matches after the range's own first one.
func until(f *file, in span, pattern string) (span, error) {
	all := f.lines(in)
	if len(all) == 0 {
		return in, errNotThere
	}
	found, err := f.matching(span{all[0].to, in.to}, pattern)
	if err != nil {
		return in, err
	}
	if len(found) == 0 {
		return in, errNotThere
	}
	return span{in.from, found[0].from}, nil
}

// shell finds a function or a test by its name, from its first line to the
// brace that closes it in the first column.
func shell(f *file, in span, name string) (span, error) {
	q := regexp.QuoteMeta(name)
	heads, err := f.matching(in, `^((function +)?`+q+` *\(\)|@test "`+q+`") *\{$`)
	if err != nil {
		return in, err
	}
	head, err := only(heads)
	if err != nil {
		return in, err
	}
	closing, err := f.matching(span{head.to, in.to}, `^\}$`)
	if err != nil || len(closing) == 0 {
		return in, fmt.Errorf("its end is not there")
	}
	return span{head.from, closing[0].to}, nil
}

func body(f *file, in span, _ string) (span, error) {
	open := strings.IndexByte(f.text[in.from:in.to], '{')
	end := strings.LastIndexByte(f.text[in.from:in.to], '}')
	if open < 0 || end <= open {
		return in, fmt.Errorf("it has no braces")
	}
	return span{in.from + open + 1, in.from + end}, nil
}

func end(f *file, in span, arg string) (span, error) {
	inside, err := body(f, in, arg)
	return span{inside.to, inside.to}, err
}
