package synckill

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// lastSignal is the kernel's _NSIG: 64 on all architectures runc is built for.
const lastSignal = 64

// ParseSignal reads a signal's number, or its name with or without "SIG" in
// any case. 0 is no signal, but a way to ask whether there is anything.
func ParseSignal(s string) (unix.Signal, error) {
	if n, err := strconv.Atoi(s); err == nil {
		if n < 0 || n > lastSignal {
			return 0, fmt.Errorf("unknown signal %q", s)
		}
		return unix.Signal(n), nil
	}
	name := strings.ToUpper(s)
	folded := len(name) != len(s) // ſ and ı, whose capitals are S and I
	if !strings.HasPrefix(name, "SIG") {
		name = "SIG" + name
	}
	if n := unix.SignalNum(name); n != 0 && !folded {
		return n, nil
	}
	return 0, fmt.Errorf("unknown signal %q", s)
}
