package launch

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/moby/sys/userns"
	"github.com/opencontainers/cgroups/systemd"
	"github.com/sirupsen/logrus"
)

// rootlessCgroups decides whether cgroups that cannot be written are
// tolerated. choice is the global --rootless flag.
func rootlessCgroups(choice string, systemdCgroup bool) (bool, error) {
	if choice != "" && !strings.EqualFold(choice, "auto") {
		b, err := strconv.ParseBool(choice)
		if err != nil {
			return false, fmt.Errorf("invalid --rootless value %q: want true, false or auto", choice)
		}
		return b, nil
	}
	switch {
	case os.Geteuid() != 0:
		return true, nil
	case !userns.RunningInUserNS():
		return false, nil
	case systemdCgroup:
		return foreignSystemd(), nil
	}
	// Root of a user namespace may or may not own the cgroups it sees. The
	// tolerant way serves both.
	return true, nil
}

// foreignSystemd tells, from inside a user namespace, whether systemd runs
// outside of it, as a user's. Where it does not answer, it is assumed not to.
func foreignSystemd() bool {
	owner, err := systemd.DetectUID()
	if err != nil {
		logrus.WithError(err).Debug("systemd does not tell its owner, who is taken for root")
		return false
	}
	return owner != 0
}
