package drain

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// UnverifiableError says that it can't be known whether anything is left, so
// that success can't be claimed.
type UnverifiableError struct {
	What string // a cgroup's path or a process
	Err  error
}

func (e *UnverifiableError) Error() string {
	return fmt.Sprintf("cannot tell whether %s has drained: %v", Escape(e.What), e.Err)
}

func (e *UnverifiableError) Unwrap() error { return e.Err }

// UnsafeError says that a cgroup can't be a container's, because it is the
// root of its hierarchy or holds the caller or one of the caller's ancestors.
// Nothing was signalled.
type UnsafeError struct {
	Path string
	Why  string
}

func (e *UnsafeError) Error() string {
	return fmt.Sprintf("refusing to signal cgroup %s: %s", Escape(e.Path), e.Why)
}

// TimeoutError says that the deadline passed before everything was gone, and
// what is left.
type TimeoutError struct {
	After     time.Duration
	Survivors []Survivor // the first [SurvivorLimit]
	Total     int        // of all survivors, as far as they could be counted
	Notes     []string   // what holds them, where that is known
}

func (e *TimeoutError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "timed out after %s: ", e.After.Round(time.Millisecond))
	switch {
	case e.Total == 0 && len(e.Notes) > 0:
		b.WriteString(strings.Join(e.Notes, "; "))
		return b.String()
	case e.Total == 0:
		b.WriteString("no process is seen, but the end can't be claimed")
	case e.Total == 1:
		b.WriteString("1 process still alive")
	default:
		fmt.Fprintf(&b, "%d processes still alive", e.Total)
	}
	for i, s := range e.Survivors {
		b.WriteString(map[bool]string{true: ": ", false: "; "}[i == 0])
		b.WriteString(s.String())
	}
	if n := e.Total - len(e.Survivors); n > 0 {
		fmt.Fprintf(&b, "; and %d more", n)
	}
	for _, n := range e.Notes {
		b.WriteString("; " + n)
	}
	return b.String()
}

// Timeout makes the error one of net.Error's kind.
func (e *TimeoutError) Timeout() bool { return true }

// asType is errors.As in one expression.
func asType[T error](err error) (found T, is bool) {
	is = errors.As(err, &found)
	return found, is
}
