package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v3"
)

// page is what a manual page says of one command.
type page struct {
	name     string // the line below NAME
	commands []string
	flags    map[string]flagDoc
}

// flagDoc is a flag as its page, or as the command itself, has it.
type flagDoc struct {
	short    string // "" if it has no short form
	value    string // placeholder; "" for a switch
	fallback string // default
	repeated bool
	hidden   bool
}

var (
	optionLine  = regexp.MustCompile(`^\*\*--([a-z0-9-]+)\*\*(?:, \*\*-([a-zA-Z])\*\*)?(?: \*(.+)\*)?$`)
	commandLine = regexp.MustCompile(`^\*\*runc-([a-z]+)\*\*\(8\)$`)
	defaultText = regexp.MustCompile(`Default:\s+(?:\*\*|\*)([^*]+)\*`)
)

func readPage(t *testing.T, path string) page {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p := page{flags: map[string]flagDoc{}}
	section, flag := "", ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if title, ok := strings.CutPrefix(line, "# "); ok {
			section, flag = title, ""
			continue
		}
		switch section {
		case "NAME":
			p.name += line
		case "COMMANDS":
			if m := commandLine.FindStringSubmatch(line); m != nil {
				p.commands = append(p.commands, m[1])
			}
		case "OPTIONS":
			if m := optionLine.FindStringSubmatch(line); m != nil {
				flag = m[1]
				p.flags[flag] = flagDoc{short: m[2], value: m[3]}
			} else if flag != "" {
				p.describe(flag, line)
			}
		}
	}
	return p
}

// describe adds what one line of a flag's description says.
func (p page) describe(flag, line string) {
	d := p.flags[flag]
	// A sentence may be broken across lines.
	d.fallback += " " + strings.TrimSpace(line)
	d.repeated = strings.Contains(d.fallback, "May be repeated.")
	p.flags[flag] = d
}

// settle reduces the collected description to the default it states.
func settle(flags map[string]flagDoc) {
	for name, d := range flags {
		if m := defaultText.FindStringSubmatch(d.fallback); m != nil {
			d.fallback = m[1]
		} else {
			d.fallback = ""
		}
		flags[name] = d
	}
}

// flagsOf reads a command's own flags.
func flagsOf(t *testing.T, c *cli.Command) map[string]flagDoc {
	t.Helper()
	flags := map[string]flagDoc{"help": {short: "h"}}
	if c.Version != "" {
		flags["version"] = flagDoc{short: "v"}
	}
	for _, f := range c.Flags {
		doc, ok := f.(interface {
			cli.VisibleFlag
			cli.DocGenerationFlag
			cli.DocGenerationMultiValueFlag
		})
		if !ok {
			t.Fatalf("%s: flag %v does not describe itself", c.Name, f.Names())
		}
		if err := f.PreParse(); err != nil { // settles its default
			t.Fatal(err)
		}
		d := flagDoc{hidden: !doc.IsVisible(), repeated: doc.IsMultiValueFlag()}
		if names := f.Names(); len(names) > 1 {
			d.short = names[1]
		}
		if doc.TakesValue() {
			d.value = placeholder(doc.GetUsage())
			d.fallback = fmt.Sprint(f.Get())
		}
		flags[f.Names()[0]] = d
	}
	return flags
}

// placeholder is what a flag's usage has in backquotes; "?" if it names none,
// for which a page may choose one.
func placeholder(usage string) string {
	if _, after, ok := strings.Cut(usage, "`"); ok {
		name, _, _ := strings.Cut(after, "`")
		return name
	}
	return "?"
}

// noDefault are the values that mean that a flag was not given.
var noDefault = []string{"", "0", "0s", "[]"}

func (want flagDoc) differs(got flagDoc) string {
	switch {
	case got.short != want.short:
		return "short form is -" + want.short
	case (got.value == "") != (want.value == ""):
		return "whether it takes a value"
	case want.value != "?" && got.value != want.value:
		return "its value is called " + want.value
	case !slices.Contains(noDefault, want.fallback) && got.fallback != want.fallback:
		return "its default is " + want.fallback
	case slices.Contains(noDefault, want.fallback) && got.fallback != "":
		return "it has no default"
	case got.repeated != want.repeated:
		return "whether it may be repeated"
	}
	return ""
}

// Each command has a page that lists its flags, and each page has its command:
// neither can change without the other.
func TestManualPages(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", "/run/user/1")
	app := newApp()
	pages := map[string]*cli.Command{"runc.8.md": app}
	for _, c := range app.Commands {
		if !c.Hidden {
			pages["runc-"+c.Name+".8.md"] = c
		}
	}
	files, err := filepath.Glob("man/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if pages[filepath.Base(f)] == nil {
			t.Errorf("%s: there is no such command", f)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		t.Run(name, func(t *testing.T) { checkPage(t, filepath.Join("man", name), pages[name]) })
	}
}

func checkPage(t *testing.T, path string, c *cli.Command) {
	p := readPage(t, path)
	settle(p.flags)
	want := flagsOf(t, c)
	if line := strings.TrimSuffix(filepath.Base(path), ".8.md") + " - " + c.Usage; p.name != line {
		t.Errorf("NAME is %q, the command says %q", p.name, line)
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		got, ok := p.flags[name]
		if !ok {
			if !want[name].hidden {
				t.Errorf("--%s is not described", name)
			}
			continue
		}
		// Where containers are kept by default depends on the caller.
		if name == "root" {
			got.fallback = want[name].fallback
		}
		if diff := want[name].differs(got); diff != "" {
			t.Errorf("--%s is described differently from what it is: %s", name, diff)
		}
	}
	for name := range p.flags {
		if _, ok := want[name]; !ok {
			t.Errorf("--%s is described, but the command has no such flag", name)
		}
	}
	if len(c.Commands) > 0 {
		checkCommands(t, p.commands, c.Commands)
	}
}

func checkCommands(t *testing.T, got []string, commands []*cli.Command) {
	t.Helper()
	var want []string
	for _, c := range commands {
		if !c.Hidden {
			want = append(want, c.Name)
		}
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("COMMANDS lists %v, the program has %v", got, want)
	}
}
