package drain

import (
	"errors"
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

// TestDoubts sorts errors: what is unknown stays a doubt, what could not be read
// for want of descriptors is one until the next look, a signal is none.
func TestDoubts(t *testing.T) {
	var d doubts
	a, b := &Tree{Path: "/a"}, &Tree{Path: "/b"}
	if err := d.sort(a, nil); err != nil || d.err() != nil {
		t.Errorf("nothing: %v, %v", err, d.err())
	}
	unsent := &signalError{7, unix.SIGKILL, unix.EPERM}
	if err := d.sort(a, fmt.Errorf("so: %w", unsent)); !errors.Is(err, unix.EPERM) || d.err() != nil {
		t.Errorf("a signal: %v, %v", err, d.err())
	}
	if err := d.sort(a, unix.EMFILE); err != nil || !errors.Is(d.err(), unix.EMFILE) {
		t.Errorf("no descriptor: %v, %v", err, d.err())
	}
	d.passing = nil
	for range 2 {
		if err := d.sort(a, unix.EIO); err != nil {
			t.Error(err)
		}
	}
	if err := d.sort(b, &UnverifiableError{What: "/b/c", Err: unix.EACCES}); err != nil {
		t.Error(err)
	}
	const want = "cannot tell whether /a has drained: input/output error\ncannot tell whether /b/c has drained: permission denied"
	if err := d.err(); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	} else if _, ok := asType[*UnverifiableError](err); !ok {
		t.Errorf("%v is no UnverifiableError", err)
	}
}
