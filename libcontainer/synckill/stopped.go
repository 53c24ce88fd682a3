package synckill

import (
	"context"
	"time"

	"github.com/opencontainers/runc/libcontainer"

	"runcsync/libcontainer/drain"
)

// endingTime is how long init's threads have to follow the first, when all of
// them end, before they are taken to go on without it.
const endingTime = time.Second

// status is libcontainer's, but that a container whose init goes on without its
// first thread is running. To libcontainer it is stopped: that thread is a zombie.
func (c *Container) status() (libcontainer.Status, error) {
	loaded, err := c.load()
	if err != nil {
		return 0, err
	}
	status, err := loaded.Status()
	if err == nil && status == libcontainer.Stopped && leaderless(c.init()) {
		return libcontainer.Running, nil
	}
	return status, err
}

// leaderless tells whether a process lives of which the first thread has ended.
func leaderless(p drain.Process) bool {
	if p.Pid <= 0 {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), endingTime)
	defer cancel()
	_, err := drain.Drain(ctx, drain.Group{Processes: []drain.Process{p}}, drain.Request{})
	_, alive := asType[*drain.TimeoutError](err)
	return alive
}
