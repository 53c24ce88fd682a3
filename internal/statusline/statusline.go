// Package statusline shows one line on a terminal that is rewritten in place.
package statusline

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Line is a status line on a terminal. A nil Line shows nothing.
type Line struct {
	out   *os.File
	shown bool
}

// On returns a line on out, or nil if out is no terminal.
func On(out *os.File) *Line {
	if _, err := unix.IoctlGetTermios(int(out.Fd()), unix.TCGETS); err != nil {
		return nil
	}
	return &Line{out: out}
}

const eraseLine = "\r\x1b[K"

// Show replaces the line's text.
func (l *Line) Show(format string, args ...any) {
	if l != nil {
		l.shown = true
		fmt.Fprintf(l.out, eraseLine+format, args...)
	}
}

// Clear takes the line away.
func (l *Line) Clear() {
	if l != nil && l.shown {
		fmt.Fprint(l.out, eraseLine)
	}
}
