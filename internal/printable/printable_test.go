package printable

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestLine(t *testing.T) {
	tests := []struct{ text, want string }{
		{"", ""},
		{"no such file", "no such file"},
		{"größe", "größe"},
		{"a hook said: no\n", "a hook said: no"},
		{"one\ntwo\r\n", `one\x0atwo\x0d`},
		{"\x1b[2J\u009b\x9b\u202e", `\x1b[2J\u009b\x9b\u202e`},
		{`exec: "\x1b[2J": not found`, `exec: "\x1b[2J": not found`}, // has been quoted
		{`\x1b`, `\x1b`},
	}
	for _, tt := range tests {
		if got := Line(tt.text); got != tt.want {
			t.Errorf("%q: got %s, want %s", tt.text, got, tt.want)
		}
	}
	if got, want := Lines("PID CMD\n1 a\x1b[2J\r\n2 b\n"), "PID CMD\n1 a\\x1b[2J\\x0d\n2 b\n"; got != want {
		t.Errorf("lines: got %q, want %q", got, want)
	}
}

func TestError(t *testing.T) {
	a, b, c := errors.New("a"), errors.New("b\nb"), errors.New("c")
	tests := []struct {
		err  error
		want string
	}{
		{a, "a"},
		{b, `b\x0ab`},
		{errors.Join(a, b), `a; b\x0ab`},
		{fmt.Errorf("kill: %w", errors.Join(a, errors.Join(b, c))), `kill: a; b\x0ab; c`},
		{fmt.Errorf("%w: %w", a, errors.Join(b, c)), `a: b\x0ab; c`},
		{errors.Join(a), "a"},
		{&fs.PathError{Op: "open", Path: "/x\x1b[2J", Err: errors.Join(a, c)}, `open /x\x1b[2J: a; c`},
		{errors.Join(errors.New(""), c), "; c"},
	}
	for _, tt := range tests {
		if got := Error(tt.err); got != tt.want {
			t.Errorf("%q: got %s, want %s", tt.err, got, tt.want)
		}
	}
}

func TestJSON(t *testing.T) {
	var out bytes.Buffer
	name := "a\x1b[2J\u009b\u202e\u2028\x7f\U000e0041ö\n\xff"
	e := json.NewEncoder(JSON(&out))
	e.SetIndent("", "\t")
	if err := e.Encode(map[string]string{"name": name}); err != nil {
		t.Fatal(err)
	}
	want := "{\n\t\"name\": \"" + `a\u001b[2J\u009b\u202e\u2028\u007f\udb40\udc41ö\n\ufffd` + "\"\n}\n"
	if out.String() != want {
		t.Errorf("got  %q\nwant %q", out.String(), want)
	}
}

// FuzzText: nothing is left that does not print, and JSON means the same.
func FuzzText(f *testing.F) {
	for _, s := range []string{"a", "\x1b[2J\n", "\u009b\u202e", "\xff", `\x1b"`, "\U000e0041"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for what, got := range map[string]string{"line": Line(text), "error": Error(errors.Join(errors.New(text), errors.New(text)))} {
			if i := strings.IndexFunc(got, func(r rune) bool { return !strconv.IsPrint(r) }); i >= 0 || !utf8.ValidString(got) {
				t.Errorf("%s of %q is %q", what, text, got)
			}
			if again := Line(got); again != got {
				t.Errorf("line of %q is %q", got, again)
			}
		}
		encoded, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		escaped := EscapeJSON(encoded)
		var want, got string
		if err := errors.Join(json.Unmarshal(encoded, &want), json.Unmarshal(escaped, &got)); err != nil || got != want {
			t.Errorf("%s decodes to %q, %v; want %q", escaped, got, err, want)
		}
		if i := strings.IndexFunc(string(escaped), func(r rune) bool { return !strconv.IsPrint(r) }); i >= 0 {
			t.Errorf("%q as JSON is %q", text, escaped)
		}
	})
}
