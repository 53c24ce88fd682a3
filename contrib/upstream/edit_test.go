package main

import (
	"errors"
	"strings"
	"testing"
)

const goFile = `package main

import (
	"errors"
	"time"

	"example.org/lib/cli/v3"
)

// a comment that stays
var command = cli.Command{
	Name: "end",
	Flags: []cli.Flag{
		cli.BoolFlag{Name: "all"},
	},
	Action: func(c *cli.Context) error {
		if err := check(c); err != nil {
			return err
		}
		for range 100 {
			time.Sleep(1)
		}
		return errors.New("still there")
	},
}

func (t *thing) stop() {
	first()
	last()
}
`

const shellFile = `load helpers

function ends() {
	start
	wait_gone 10
}

@test "end it [all]" {
	ends
	wait_gone 20
}

@test "end it" {
	wait_gone 30
}
`

func TestEdit(t *testing.T) {
	tests := map[string]struct {
		text      string
		edit      Edit
		has, lost string
	}{
		"a flag is appended": {
			goFile,
			Edit{Place: Place{"var command", "field Flags", "end"}, Op: Insert, Text: "cli.BoolFlag{Name: \"wait\"},\n"},
			"\t\tcli.BoolFlag{Name: \"all\"},\n\t\tcli.BoolFlag{Name: \"wait\"},\n\t},\n\tAction", "",
		},
		"a statement is replaced, and its import goes": {
			goFile,
			Edit{Place: Place{"var command", "field Action", "stmt ^for "}, Op: Replace, Text: "wait(c)"},
			"\t\twait(c)\n\t\treturn errors", "\"time\"",
		},
		"imports that are needed come": {
			goFile,
			Edit{Place: Place{"func thing.stop", "stmt ^last"}, Op: Replace, Text: "os.Exit(1)", Imports: []string{"os"}},
			"\"os\"", "last()",
		},
		"before a statement": {
			goFile,
			Edit{Place: Place{"func thing.stop", "stmt ^first"}, Op: Insert, Text: "zeroth()\n"},
			"{\n\tzeroth()\n\tfirst()\n", "",
		},
		"a declaration is removed with its lines": {
			goFile, Edit{Place: Place{"func thing.stop"}, Op: Remove}, "a comment that stays", "first()",
		},
		"a line of one function": {
			shellFile, Edit{Place: Place{"shell ends", "line wait_gone"}, Op: Remove}, "wait_gone 20", "wait_gone 10",
		},
		"a line of one test, whose name has brackets": {
			shellFile, Edit{Place: Place{"shell end it [all]", "line wait_gone"}, Op: Replace, Text: "wait\n"}, "\tends\nwait\n}", "wait_gone 20",
		},
		"lines up to another": {
			shellFile, Edit{Place: Place{"from ^load", "until ^@test"}, Op: Remove}, "@test \"end it [all]\"", "helpers",
		},
		"at the end of a function": {
			shellFile, Edit{Place: Place{"shell end it", "end"}, Op: Insert, Text: "\tdone\n"}, "30\n\tdone\n}\n", "",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if test.edit.File = "x.bats"; strings.HasPrefix(test.text, "package") {
				test.edit.File = "x.go"
			}
			got, err := test.edit.apply(test.text)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(got, test.has) || test.lost != "" && strings.Contains(got, test.lost) {
				t.Errorf("want %q and not %q in:\n%s", test.has, test.lost, got)
			}
		})
	}
}

func TestPlaceNotFound(t *testing.T) {
	tests := map[string]struct {
		text string
		at   Place
		want string
	}{
		"no such declaration":   {goFile, Place{"var other"}, "var other: it is not there"},
		"no such field":         {goFile, Place{"var command", "field Usage"}, "field Usage: it is not there"},
		"a statement twice":     {goFile, Place{"var command", "stmt ^return"}, "stmt ^return: it is there 2 times"},
		"a line of another one": {shellFile, Place{"shell end it", "line ends"}, "line ends: it is not there"},
		"a line three times":    {shellFile, Place{"line wait_gone"}, "it is there 3 times"},
		"nothing after it":      {shellFile, Place{"from ^load", "until ^never"}, "until ^never: it is not there"},
		"no such kind":          {shellFile, Place{"chapter 1"}, "no such kind of place"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			file := "x.bats"
			if strings.HasPrefix(test.text, "package") {
				file = "x.go"
			}
			_, err := Edit{File: file, Place: test.at, Op: Remove}.apply(test.text)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), file) {
				t.Errorf("%v, want %q", err, test.want)
			}
			if p := (*PlaceError)(nil); strings.Contains(test.want, "there") && !errors.As(err, &p) {
				t.Errorf("%v is no PlaceError", err)
			}
		})
	}
}

func TestEditThatBreaksGo(t *testing.T) {
	_, err := Edit{File: "x.go", Place: Place{"func thing.stop", "stmt ^last"}, Op: Replace, Text: "if {"}.apply(goFile)
	if err == nil || !strings.Contains(err.Error(), "does not parse after the edit") {
		t.Errorf("%v", err)
	}
}
