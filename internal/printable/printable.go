// Package printable keeps what runc writes for people from doing anything to
// their terminal. Names of programs, cgroups and paths, and the errors that hold
// them, may be a container's choice: one that clears the screen, or rewrites the
// line that it stands in.
package printable

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"runcsync/libcontainer/drain"
)

// Name is one name, such as a cell of a table, as [drain.Escape] has it.
func Name(s string) string { return drain.Escape(s) }

// Line is a text in which names may stand, in one line. Whatever does not print
// is escaped as in a name. Backslashes are left alone, since names that have
// been escaped or quoted before have them. Line of a Line changes nothing.
func Line(s string) string {
	s = strings.TrimRight(s, "\n")
	if plain(s) {
		return s
	}
	var b strings.Builder
	for s != "" {
		_, n := utf8.DecodeRuneInString(s)
		b.WriteString(drain.Escape(s[:n]))
		s = s[n:]
	}
	return b.String()
}

// Lines is Line of each line of s.
func Lines(s string) string {
	if plain(s) {
		return s
	}
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = Line(l)
	}
	return strings.Join(lines, "\n")
}

func plain(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

// Error is the text of err in one line.
func Error(err error) string { return Line(Flat(err)) }

// Flat is the text of err, in which what [errors.Join] has put below each other,
// wherever in the tree, is told apart by semicolons. Line feeds of other origin
// stay.
func Flat(err error) string {
	text := err.Error()
	var inner []error
	switch e := err.(type) { //nolint:errorlint // the tree is walked here
	case interface{ Unwrap() error }:
		inner = append(inner, e.Unwrap())
	case interface{ Unwrap() []error }:
		inner = e.Unwrap()
	}
	said, flattened := make([]string, len(inner)), make([]string, len(inner))
	for i, e := range inner {
		if e == nil {
			return text
		}
		said[i], flattened[i] = e.Error(), Flat(e)
		if said[i] != flattened[i] {
			text = strings.ReplaceAll(text, said[i], flattened[i])
		}
	}
	if len(inner) > 1 && err.Error() == strings.Join(said, "\n") {
		return strings.Join(flattened, "; ")
	}
	return text
}

// JSON passes JSON on to w with each character that does not print as an escape
// of JSON's, which decodes to the same. A write has to end where a character
// does.
func JSON(w io.Writer) io.Writer { return jsonWriter{w} }

type jsonWriter struct{ to io.Writer }

func (w jsonWriter) Write(text []byte) (int, error) {
	n, err := w.to.Write(EscapeJSON(text))
	return min(n, len(text)), err
}

// EscapeJSON is text, which is JSON, with each character that does not print as
// an escape of JSON's. Outside of strings JSON has none but blanks and line
// feeds, which stay, and in strings those are escaped already.
func EscapeJSON(text []byte) []byte {
	if plain(strings.ReplaceAll(string(text), "\n", "")) {
		return text
	}
	var out []byte
	for rest := text; len(rest) > 0; {
		r, n := utf8.DecodeRune(rest)
		c := rest[:n]
		rest = rest[n:]
		switch {
		case r < ' ', n == 1 && r == utf8.RuneError, drain.Escape(string(c)) == string(c):
			out = append(out, c...)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}
