package synckill

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/runc/libcontainer"
	"github.com/opencontainers/runc/libcontainer/configs"
	"golang.org/x/sys/unix"
)

// FuzzParseWait: what is taken is a duration that is not negative and reads the
// same when it is written; an annotation gets no more of it than it may.
func FuzzParseWait(f *testing.F) {
	for _, w := range waits {
		f.Add(w.text, int64(MaxAnnotatedWait))
	}
	f.Add("2562047h47m16.854775807s", int64(1))
	f.Add("9223372036854775808ns", int64(0))
	f.Fuzz(func(t *testing.T, text string, most int64) {
		d, err := ParseWait(text)
		if err != nil && d != 0 || d < 0 {
			t.Errorf("%q: %s, %v", text, d, err)
		}
		if again, err2 := ParseWait(d.String()); again != d || err2 != nil {
			t.Errorf("%q is %s, which is %s, %v", text, d, again, err2)
		}
		if most < 0 {
			return
		}
		limit := time.Duration(most)
		c := &Container{state: &libcontainer.State{BaseState: libcontainer.BaseState{Config: configs.Config{Labels: []string{WaitAnnotation + "=" + text}}}}}
		got, aerr := c.AnnotatedWait(limit)
		if got < 0 || got > limit || got > d || err == nil && got != min(d, limit) {
			t.Errorf("%q, %s at most: %s, %v", text, limit, got, aerr)
		}
	})
}

// FuzzParseSignal: what is taken is a signal of the kernel's, and the text is its
// number or its name.
func FuzzParseSignal(f *testing.F) {
	for _, s := range []string{"KILL", "SIGTERM", "sigusr1", "9", "0", "64", "65", "-1", "+9", "009", "", "SIG", "SIGSIGHUP", "RTMIN", "ſigkill", "9\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		sig, err := ParseSignal(text)
		if err != nil {
			if sig != 0 {
				t.Errorf("%q: signal %d with %v", text, int(sig), err)
			}
			return
		}
		if sig < 0 || sig > lastSignal {
			t.Errorf("%q is signal %d", text, int(sig))
		}
		n, nerr := strconv.Atoi(text)
		name := unix.SignalName(sig)
		if (nerr != nil || n != int(sig)) && (name == "" || unix.SignalNum("SIG"+strings.TrimPrefix(strings.ToUpper(text), "SIG")) != sig) {
			t.Errorf("%q is taken for signal %d, %s", text, int(sig), name)
		}
		for _, again := range []string{strconv.Itoa(int(sig)), name} {
			if got, err := ParseSignal(again); again != "" && (got != sig || err != nil) {
				t.Errorf("%q is signal %d, but %q is %d, %v", text, int(sig), again, int(got), err)
			}
		}
		for _, r := range text {
			if r >= 0x80 {
				t.Errorf("%q is no name of a signal, but is taken for %d", text, int(sig))
			}
		}
	})
}
