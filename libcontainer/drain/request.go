package drain

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// Scope says who gets a signal other than SIGKILL.
type Scope int

const (
	// Everyone in the group gets the signal.
	Everyone Scope = iota
	// ProcessesOnly sends it to Group.Processes alone.
	ProcessesOnly
)

// Request says what to send and how.
type Request struct {
	// Signal is sent first; 0 sends nothing and only waits. SIGKILL none
	// goes to everyone.
	Signal unix.Signal
	Scope  Scope
	// KillAfter, if not 0, is the time after which everyone gets SIGKILL.
	KillAfter time.Duration
	// Count has the processes counted before a cgroup.kill, which costs a
	// reading of them; of more than 1,024 cgroups none is told.
	Count bool
	// Progress, if not nil, is called twice a second with the number of
	// processes left, from the goroutine that drains.
	Progress func(left int, elapsed time.Duration)
	// Log, if not nil, gets one record a step at level debug.
	Log Logger
}

// ErrNoProcess says that a signal for Group.Processes alone found none of them
// alive. Nothing was signalled. Where it can't be known of one whether it lives, it
// is joined with an [*UnverifiableError].
var ErrNoProcess = errors.New("no process to signal")
