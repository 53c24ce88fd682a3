// Package statusline shows one line on a terminal that is rewritten in place.
package statusline

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"runcsync/internal/printable"
)

// Line is a status line on a terminal. A nil Line shows nothing.
//
// A terminal that has been stopped, or that nobody reads, holds up whoever
// writes to it. It must not hold up the caller, so the line is written beside
// it, and is left as it is where that takes too long.
type Line struct {
	out  *os.File
	next chan string   // has room for the latest
	done chan struct{} // closed once the last has been written
}

// On returns a line on out, or nil if out is no terminal.
func On(out *os.File) *Line {
	if _, err := unix.IoctlGetTermios(int(out.Fd()), unix.TCGETS); err != nil {
		return nil
	}
	return &Line{out: out}
}

const (
	eraseLine = "\r\x1b[K"
	patience  = 100 * time.Millisecond // of Clear with the terminal
)

// Show replaces the line's text, of which only what prints is shown as it is.
// It does not wait for the terminal.
func (l *Line) Show(format string, args ...any) {
	if l == nil {
		return
	}
	if l.next == nil {
		l.next, l.done = make(chan string, 1), make(chan struct{})
		go write(l.out, l.next, l.done)
	}
	l.put(eraseLine + printable.Line(fmt.Sprintf(format, args...)))
}

// put has text written next, instead of what has not been written yet.
func (l *Line) put(text string) {
	select {
	case <-l.next:
	default:
	}
	l.next <- text
}

// write writes what comes. That a terminal is gone is nobody's concern.
func write(out *os.File, texts <-chan string, done chan<- struct{}) {
	defer close(done)
	for text := range texts {
		_, _ = out.WriteString(text)
	}
}

// Clear takes the line away.
func (l *Line) Clear() {
	if l == nil || l.next == nil {
		return
	}
	l.put(eraseLine)
	close(l.next)
	select {
	case <-l.done:
	case <-time.After(patience):
	}
	l.next = nil
}
