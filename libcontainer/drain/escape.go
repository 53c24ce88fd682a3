package drain

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Escape makes a name that a container may have chosen, as those of programs
// and cgroups, fit to be printed: what does not print comes out as \xHH (a byte
// below 0x80, or one that is no UTF-8), \uHHHH or \UHHHHHHHH. That is control
// characters of both ranges, line and paragraph separators, blanks other than
// the space, and whatever else has an effect and no looks, such as the marks
// that turn the direction of text around.
//
// The result stands for one name only. A backslash stays what it is, since
// systemd's names have them, unless it would read as the beginning of an escape:
// there it is \x5c.
func Escape(name string) string {
	if plain(name) {
		return name
	}
	var b strings.Builder
	for i := 0; i < len(name); {
		r, n := utf8.DecodeRuneInString(name[i:])
		switch {
		case r == utf8.RuneError && n == 1, r < utf8.RuneSelf && !strconv.IsPrint(r), r == '\\' && escapes(name[i:]):
			fmt.Fprintf(&b, `\x%02x`, name[i])
		case strconv.IsPrint(r):
			b.WriteString(name[i : i+n])
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		i += n
	}
	return b.String()
}

// plain tells whether nothing in the name needs to be escaped, as is usual.
func plain(name string) bool {
	return !strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r > '~' || r == '\\' })
}

// inQuotes is name as it stands in a sentence: escaped, and in quotes if it
// could pass for a part of that.
func inQuotes(name string) string {
	if !strings.ContainsAny(name, ` ;()"`) {
		return Escape(name)
	}
	return `"` + strings.ReplaceAll(Escape(name), `"`, `\x22`) + `"`
}

// digits is how many follow the letter of an escape.
var digits = map[byte]int{'x': 2, 'u': 4, 'U': 8}

// escapes tells whether text begins with what reads as an escape, in small
// letters, as they are written.
func escapes(text string) bool {
	if len(text) < 2 || text[0] != '\\' {
		return false
	}
	n := digits[text[1]]
	if n == 0 || len(text) < 2+n || strings.ContainsFunc(text[2:2+n], func(r rune) bool { return !strings.ContainsRune("0123456789abcdef", r) }) {
		return false
	}
	v, err := strconv.ParseUint(text[2:2+n], 16, 32)
	if err != nil {
		return false
	}
	// Not one that is never written: systemd's \x2d is the dash of a name.
	return n > 2 || v >= utf8.RuneSelf || !strconv.IsPrint(rune(v)) || slices.Contains([]uint64{'\\', '"'}, v)
}
