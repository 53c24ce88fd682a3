package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// What waits by its name, wherever it is defined and whoever is to run it: it may
// stand in the text of a shell command as well.
var waiting = regexp.MustCompile(`(?:^|[\s;&|(!])(sleep|retry|poll|wait_(?:for|until)\w*)(?:[\s;]|$)`)

// The suites' ways to call the runtime.
var runtimes = regexp.MustCompile(`^((kept_)?runc\w*|as_user)$`)

// standIn does without `--wait` what others do without it, for comparison, and is
// the one function that may be called for a `--wait` and wait.
const standIn = "polled"

// Helpers whose command is to fail.
var failing = map[string]bool{"refused": true, "times_out_after_1s": true}

// Words before a function that leave it the same call.
var prefixes = map[string]bool{"ok": true, "run": true, "time": true}

// A suite is the files of one directory. Functions of .bash files are known to
// all of it, those of a .bats file to that file.
type suite struct {
	files  []file
	shared map[string]*syntax.Stmt
}

type file struct {
	name string
	tree *syntax.File
}

func newSuite() *suite { return &suite{shared: map[string]*syntax.Stmt{}} }

func readSuite(dir string) (*suite, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	s := newSuite()
	for _, entry := range entries {
		name := filepath.Join(dir, entry.Name())
		if ext := filepath.Ext(name); ext != ".bats" && ext != ".bash" {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if err := s.add(name, string(text)); err != nil {
			return nil, err
		}
	}
	if len(s.files) == 0 {
		return nil, errors.New("no bats file in " + dir)
	}
	return s, nil
}

func (s *suite) add(name, text string) error {
	tree, err := syntax.NewParser(syntax.Variant(syntax.LangBats)).Parse(strings.NewReader(text), name)
	if err != nil {
		return err
	}
	s.files = append(s.files, file{name, tree})
	if filepath.Ext(name) == ".bash" {
		define(s.shared, tree)
	}
	return nil
}

func define(functions map[string]*syntax.Stmt, tree *syntax.File) {
	syntax.Walk(tree, func(n syntax.Node) bool {
		if f, ok := n.(*syntax.FuncDecl); ok {
			functions[f.Name.Value] = f.Body
		}
		return true
	})
}

// check returns a line for each place where a test or a function waits after a
// command that has waited.
func (s *suite) check() []string {
	var found []string
	for _, f := range s.files {
		c := checker{functions: maps.Clone(s.shared), known: map[string]effects{}}
		define(c.functions, f.tree)
		syntax.Walk(f.tree, func(n syntax.Node) bool {
			var body *syntax.Stmt
			switch n := n.(type) {
			case *syntax.FuncDecl:
				body = n.Body
			case *syntax.TestDecl:
				body = n.Body
			default:
				return true
			}
			for _, p := range c.body(body).places {
				found = append(found, fmt.Sprintf("%s:%d: %s waits after --wait (line %d)", f.name, p.line, p.what, p.after))
			}
			return true
		})
	}
	return found
}

type checker struct {
	functions map[string]*syntax.Stmt
	known     map[string]effects // of functions; nothing yet for those being looked at
}

// The effects of a piece of code: whether it waits by itself, whether it has
// called something with --wait, and where it does the one after the other.
type effects struct {
	waits, promises bool
	places          []place
}

type place struct {
	line, after uint
	what        string
}

// body goes through code in the order in which it is written.
func (c *checker) body(code syntax.Node) effects {
	var (
		e          effects
		promised   uint // the line of the last --wait
		background uint // of one whose end is not yet awaited
		async      = map[syntax.Command]bool{}
	)
	wait := func(n syntax.Node, what string) {
		e.waits = true
		if promised > 0 {
			e.places = append(e.places, place{n.Pos().Line(), promised, what})
		}
	}
	promise := func(line uint) { e.promises, promised = true, line }
	syntax.Walk(code, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.FuncDecl: // is looked at where it is called
			return false
		case *syntax.Stmt:
			if n.Background {
				async[n.Cmd] = true
			}
		case *syntax.WhileClause:
			if !readsLines(n) {
				wait(n, "a loop")
			}
		case *syntax.CallExpr:
			words := literals(n)
			name := command(words)
			of := c.function(name)
			if of.waits {
				wait(n, name)
			} else if m := waiting.FindStringSubmatch(text(n)); m != nil {
				wait(n, m[1])
			} else if name == "wait" && background > 0 {
				promise(background)
			}
			switch asked := asksToWait(words); {
			case asked && (async[n] || name == "in_background"):
				background = n.Pos().Line()
			case asked, of.promises:
				promise(n.Pos().Line())
			}
		}
		return true
	})
	return e
}

func (c *checker) function(name string) effects {
	body, ok := c.functions[name]
	if !ok || name == standIn {
		return effects{}
	}
	e, ok := c.known[name]
	if !ok {
		c.known[name] = e
		e = c.body(body)
		c.known[name] = e
	}
	return e
}

// readsLines: the loop ends with its input.
func readsLines(loop *syntax.WhileClause) bool {
	if loop.Until || len(loop.Cond) != 1 {
		return false
	}
	call, ok := loop.Cond[0].Cmd.(*syntax.CallExpr)
	return ok && command(literals(call)) == "read"
}

// asksToWait: a kill or delete with --wait that is to succeed, for only that has
// promised anything.
func asksToWait(words []string) bool {
	verb := false
	for i, w := range words {
		if i == 0 && failing[w] || i == 1 && words[0] == "runc_exits" && w != "0" {
			return false
		}
		verb = verb || w == "kill" || w == "delete" || i == 0 && runtimes.MatchString(w)
		if verb && w == "--wait" {
			return true
		}
	}
	return false
}

// command is the name of what is called.
func command(words []string) string {
	for i, w := range words {
		if option := i > 0 && strings.HasPrefix(w, "-"); !prefixes[w] && !option {
			return w
		}
	}
	return ""
}

// text is all that a call says itself, quoted or not. What $(...) in it calls is
// another call.
func text(call *syntax.CallExpr) string {
	var b strings.Builder
	for _, w := range call.Args {
		syntax.Walk(w, func(n syntax.Node) bool {
			switch n := n.(type) {
			case *syntax.Lit:
				b.WriteString(n.Value)
			case *syntax.SglQuoted:
				b.WriteString(n.Value)
			case *syntax.CmdSubst, *syntax.ProcSubst:
				return false
			}
			return true
		})
		b.WriteByte(' ')
	}
	return b.String()
}

// literals are the words of a call; one that is not a word as it stands is empty.
func literals(call *syntax.CallExpr) []string {
	var words []string
	for _, w := range call.Args {
		words = append(words, w.Lit())
	}
	return words
}
