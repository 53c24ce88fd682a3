package drain

import (
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestEscape(t *testing.T) {
	tests := []struct{ name, want, quoted string }{
		{"", "", ""},
		{"crowd", "crowd", "crowd"},
		{"/a/b-1.scope", "/a/b-1.scope", "/a/b-1.scope"},
		{"größe", "größe", "größe"},
		{"tmux: server", "tmux: server", `"tmux: server"`},
		{"\x1b[2J", `\x1b[2J`, `\x1b[2J`},
		{"\x1b]0;owned\a", `\x1b]0;owned\x07`, `"\x1b]0;owned\x07"`},
		{"a\r\n\tb\x00\x7f", `a\x0d\x0a\x09b\x00\x7f`, `a\x0d\x0a\x09b\x00\x7f`},
		{"\u0085\u009b2J", `\u0085\u009b2J`, `\u0085\u009b2J`}, // C1 in UTF-8
		{"\x85\x9b2J", `\x85\x9b2J`, `\x85\x9b2J`},             // and as bytes
		{"\xff\xc3", `\xff\xc3`, `\xff\xc3`},
		{"\ufffd", "\ufffd", "\ufffd"},
		{"\u202egpj", `\u202egpj`, `\u202egpj`},
		{"\u2066x\u2069", `\u2066x\u2069`, `\u2066x\u2069`},
		{"a\u2028b\u2029c\u200bd\ufeff\u00a0", `a\u2028b\u2029c\u200bd\ufeff\u00a0`, `a\u2028b\u2029c\u200bd\ufeff\u00a0`},
		{"\U000e0041", `\U000e0041`, `\U000e0041`},
		{`system-a\x2db.slice`, `system-a\x2db.slice`, `system-a\x2db.slice`},
		{`\x1b`, `\x5cx1b`, `\x5cx1b`},
		{`\\x1b`, `\\x5cx1b`, `\\x5cx1b`},
		{`\x5cx1b`, `\x5cx5cx1b`, `\x5cx5cx1b`},
		{`\x22`, `\x5cx22`, `\x5cx22`},
		{`\u202e\U000E0041\`, `\x5cu202e\U000E0041\`, `\x5cu202e\U000E0041\`},
		{`\` + "\x1b", `\\x1b`, `\\x1b`},
		{`a) state Z; pid 1 (b`, `a) state Z; pid 1 (b`, `"a) state Z; pid 1 (b"`},
		{`"\`, `"\`, `"\x22\"`},
	}
	for _, tt := range tests {
		if got := Escape(tt.name); got != tt.want {
			t.Errorf("%q: got %s, want %s", tt.name, got, tt.want)
		}
		if got := inQuotes(tt.name); got != tt.quoted {
			t.Errorf("%q: got %s, want %s", tt.name, got, tt.quoted)
		}
	}
}

// read undoes Escape, by what its comment says and not by its code. An escape
// that Escape never writes is text.
func read(escaped string) string {
	var b strings.Builder
	for escaped != "" {
		n := 1
		if escaped[0] == '\\' && len(escaped) > 1 {
			switch escaped[1] {
			case 'x':
				n = 4
			case 'u':
				n = 6
			case 'U':
				n = 10
			}
		}
		v, err := strconv.ParseUint(escaped[min(2, n, len(escaped)):min(n, len(escaped))], 16, 32)
		switch {
		case n == 1 || n > len(escaped) || err != nil || strings.ToLower(escaped[2:n]) != escaped[2:n],
			n == 4 && v >= ' ' && v <= '~' && v != '\\' && v != '"':
			b.WriteByte(escaped[0])
			escaped = escaped[1:]
			continue
		case n == 4:
			b.WriteByte(byte(v))
		default:
			b.WriteRune(rune(v))
		}
		escaped = escaped[n:]
	}
	return b.String()
}

// FuzzEscape: what comes out prints, and stands for what went in only.
func FuzzEscape(f *testing.F) {
	for _, s := range []string{"crowd", "\x1b[2J", "\u009b", "\x9b", "\u202e", `\x1b`, `\\x5c`, "a b;(c)\"", "\xff\xfe", `\u0000\U00000000`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		for form, text := range map[string]string{"escaped": Escape(name), "in quotes": inQuotes(name)} {
			for _, r := range text {
				if !strconv.IsPrint(r) {
					t.Errorf("%q %s is %q, which has %q in it", name, form, text, r)
				}
			}
			if !utf8.ValidString(text) {
				t.Errorf("%q %s is %q, which is no UTF-8", name, form, text)
			}
		}
		if got := read(Escape(name)); got != name {
			t.Errorf("%q escaped is %s, which reads %q", name, Escape(name), got)
		}
		quoted := inQuotes(name)
		inner, ok := strings.CutPrefix(quoted, `"`)
		if ok {
			if inner, ok = strings.CutSuffix(inner, `"`); !ok || strings.Contains(inner, `"`) {
				t.Errorf("%q in quotes is %s, whose end can't be told", name, quoted)
			}
		} else if strings.ContainsAny(quoted, ` ;()"`) {
			t.Errorf("%q is not in quotes: %s", name, quoted)
		}
		if got := read(inner); got != name {
			t.Errorf("%q in quotes is %s, which reads %q", name, quoted, got)
		}
	})
}
