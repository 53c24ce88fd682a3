package main

import (
	"errors"
	"strings"
	"testing"
)

// mit is enough of the licence to be recognized by, and no more than that.
const mit = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
`

func TestObjection(t *testing.T) {
	for _, c := range []struct {
		name string
		part part
		want string
	}{
		{"MIT goes", part{Name: "a", Texts: []text{{"LICENSE", mit}}}, ""},
		{"no text", part{Name: "a"}, "no licence was recognized"},
		{"a mention is no licence", part{Name: "a", Texts: []text{{"NOTICE", strings.Repeat("We like MIT. ", 50)}}}, "no licence was recognized"},
		{"a patent grant is no licence", part{Name: "a", Texts: []text{{"PATENTS", mit}}}, "no licence was recognized"},
		{"a C library", part{Name: "libseccomp"}, ""},
	} {
		if got := c.part.objection(); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: objection is %q, want %q", c.name, got, c.want)
		}
	}
}

func TestUnexplained(t *testing.T) {
	whole := reason{"a", "it is needed", "nothing"}
	for _, c := range []struct {
		name   string
		wanted []string
		rows   []reason
		faults int
	}{
		{"each has its row", []string{"a"}, []reason{whole}, 0},
		{"no row", []string{"a", "b"}, []reason{whole}, 1},
		{"an empty cell", []string{"a"}, []reason{{"a", "it is needed", ""}}, 1},
		{"a row too many", nil, []reason{whole}, 1},
	} {
		if got := unexplained(c.wanted, c.rows); len(got) != c.faults {
			t.Errorf("%s: %d faults, want %d: %v", c.name, len(got), c.faults, errors.Join(got...))
		}
	}
}

func TestUnnamed(t *testing.T) {
	parts := []part{{Name: "a", Texts: []text{{"LICENSE", mit}, {"NOTICE", "A\nCopyright 2020 A's authors\n"}}}}
	for _, c := range []struct {
		name   string
		notice string
		faults int
	}{
		{"named, and its notice carried on", "  a (MIT)\n  Copyright  2020 A's authors\n", 0},
		{"not named", "Copyright 2020 A's authors\n", 1},
		{"under another licence", "a (BSD-3-Clause)\nCopyright 2020 A's authors\n", 1},
		{"its notice is missing", "a (MIT)\n", 1},
	} {
		if got := unnamed(c.notice, parts); len(got) != c.faults {
			t.Errorf("%s: %d faults, want %d: %v", c.name, len(got), c.faults, errors.Join(got...))
		}
	}
}
