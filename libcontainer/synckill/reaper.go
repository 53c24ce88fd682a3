package synckill

import (
	"maps"
	"os"
	"slices"

	"github.com/opencontainers/cgroups"

	"runcsync/libcontainer/drain"
)

// crowd is how many processes may end while their reaper waits for a runtime. The
// queue in which containerd's shim keeps ends until its runtime has returned
// takes 32, that of the runtime among them; over each one more it spends a second.
const crowd = 24

// StallsReaper tells whether who waits for the container's end would keep that from
// being taken note of: init has ended, a crowd is left, and it is the caller that
// has to reap it. Such a caller can do so only when the kill has returned, and is
// going to have the container deleted. Where this can't be told it is false.
func (c *Container) StallsReaper() bool {
	s := c.seeInit()
	if c.privatePIDs() || s.earlier || s.unsure != nil || lives(s.init) {
		return false
	}
	// They are the same ones in every hierarchy.
	for _, dir := range slices.Sorted(maps.Values(c.state.CgroupPaths)) {
		if pids, err := cgroups.GetAllPids(dir); err == nil {
			return len(pids) > crowd && slices.ContainsFunc(pids, isSibling)
		}
	}
	return false
}

// isSibling tells whether a process has the same parent as this one.
func isSibling(pid int) bool {
	parent, err := drain.Parent(pid)
	return err == nil && parent == os.Getppid()
}
