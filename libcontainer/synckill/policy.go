package synckill

import (
	"fmt"
	"time"

	"github.com/opencontainers/runc/libcontainer/utils"
)

// WaitAnnotation is the container annotation that makes SIGKILL and delete
// wait, for engines that can't pass --wait. Its value is a Go duration, the
// limit of the wait; 0 is no wait.
const WaitAnnotation = "org.opencontainers.runc.kill.wait"

// MaxAnnotatedWait is how long an annotation may make a caller wait that has set
// no limit of its own. Engines that run a plain "kill" or "delete" hold locks
// meanwhile, and have no say in an annotation that came with an image or a pod.
// What they do have to bear is the time for which upstream's forced delete looks
// after init, which is also that of a wait for which no time is given.
const MaxAnnotatedWait = DefaultTimeout

// ParseWait reads the duration of a wait.
func ParseWait(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("invalid duration %q", s)
	}
	if d < 0 {
		return 0, fmt.Errorf("negative duration %q", s)
	}
	return d, nil
}

// AnnotatedWait is the wait that the container's annotation asks for, but not
// more than most; 0 if it has none. The error says what is wrong with it. It is
// a [*LongWaitError] if more was asked for, and nil if most is 0.
func (c *Container) AnnotatedWait(most time.Duration) (time.Duration, error) {
	if most == 0 {
		return 0, nil
	}
	_, annotations := utils.Annotations(c.state.Config.Labels)
	s, ok := annotations[WaitAnnotation]
	if !ok {
		return 0, nil
	}
	d, err := ParseWait(s)
	if err != nil {
		return 0, fmt.Errorf("annotation %s: %w", WaitAnnotation, err)
	}
	if d > most {
		return most, &LongWaitError{Asked: d, Most: most}
	}
	return d, nil
}

// LongWaitError says that a container's annotation asks for more time than a
// container may.
type LongWaitError struct{ Asked, Most time.Duration }

func (e *LongWaitError) Error() string {
	return fmt.Sprintf("annotation %s: %s is more than the limit of %s", WaitAnnotation, e.Asked, e.Most)
}
