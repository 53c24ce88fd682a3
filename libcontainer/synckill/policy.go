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

// AnnotatedWait is the wait that the container's annotation asks for; 0 if it
// has none.
func (c *Container) AnnotatedWait() (time.Duration, error) {
	_, annotations := utils.Annotations(c.state.Config.Labels)
	s, ok := annotations[WaitAnnotation]
	if !ok {
		return 0, nil
	}
	d, err := ParseWait(s)
	if err != nil {
		return 0, fmt.Errorf("annotation %s: %w", WaitAnnotation, err)
	}
	return d, nil
}
