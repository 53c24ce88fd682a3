package synckill

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/opencontainers/runc/libcontainer"
	"github.com/opencontainers/runc/libcontainer/system"
	"golang.org/x/sys/unix"

	"runcsync/libcontainer/drain"
)

// sight is what the caller can know of a container from where it stands.
type sight struct {
	here vantage
	then *vantage // where the container was made; nil if nothing tells
	// init is the container's first process as the caller's /proc has it: with
	// Pid 0 if its ID means nothing here, with StartTime 0 if that can't be
	// compared.
	init drain.Process
	// earlier says that the container was made before the machine was started,
	// so that nothing of it runs.
	earlier bool
	// unsure is why it can't be known whether init runs; nil if it can.
	unsure error
	// doubts are all that can't be known; unsure is among them.
	doubts []error
}

// see looks where the caller stands, and where the container was made.
func (c *Container) see() sight { return c.seeAt(c.state.CgroupPaths) }

// seeInit is see without a look at where the cgroups are: for those who send a
// signal, and claim nothing, which is to cost no more than it must.
func (c *Container) seeInit() sight { return c.seeAt(nil) }

func (c *Container) seeAt(cgroups map[string]string) sight {
	s := sight{init: c.init()}
	var err error
	if s.here, err = observe(cgroups); err != nil {
		s.here.StrangeProc = true
		s.blind(err)
		return s
	}
	then, err := readVantage(c.stateDir)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			s.doubts = append(s.doubts, err)
		}
		s.unrecorded(c.state.Created)
		return s
	}
	s.then = &then
	if s.then.earlierBoot(s.here) {
		s.wasEarlier(c.state.CgroupPaths)
		return s
	}
	s.doubts = s.then.judge(s.here)
	if err := s.then.pids(s.here); err != nil {
		s.unsure, s.init = err, drain.Process{}
		return s
	}
	s.unsure = s.then.times(s.here)
	s.init = s.then.translate(s.here, s.init)
	return s
}

// wasEarlier has nothing of the container be left. A cgroup that has the path of
// one of its is another one.
func (s *sight) wasEarlier(cgroups map[string]string) {
	s.earlier, s.init = true, drain.Process{}
	for _, path := range slices.Compact(slices.Sorted(maps.Values(cgroups))) {
		if _, err := os.Lstat(path); err == nil {
			s.doubts = append(s.doubts, fmt.Errorf("it was made before the machine was started, and %s since", path))
		}
	}
}

// reused is why a container of an earlier boot can't be removed: libcontainer kills
// what is in cgroups that have the paths of its own, and here these are others'.
func (s *sight) reused() error {
	if !s.earlier {
		return nil
	}
	return errors.Join(s.doubts...)
}

// blind has nothing be known of init.
func (s *sight) blind(err error) {
	s.unsure, s.init = err, drain.Process{}
	s.doubts = append(s.doubts, err)
}

// unrecorded judges a container of a runtime that records nothing. That was most
// likely run where the caller is, or in the initial time namespace; where
// neither need be so init's being seen says that it was, and, where init is gone,
// that the caller's PID namespace is older than the container.
func (s *sight) unrecorded(created time.Time) {
	s.then = nil
	if s.here.StrangeProc {
		s.blind(errStrangeProc)
		return
	}
	if s.init.Pid <= 0 {
		return // none is known, and so none looked for
	}
	starts := []uint64{s.init.StartTime}
	timeless := s.here.Time == 0 || s.here.Time == initialTime
	if !timeless {
		var none int64
		initial := vantage{Time: initialTime, Offset: &none}
		starts = append(starts, initial.startTimes(s.here, s.init.StartTime)...)
	}
	var found bool
	if s.init, found = locate(s.init, starts); !found && (!timeless || s.here.PID != initialPID && !olderHere(created)) {
		s.unsure = errors.New("nothing tells in which PID and time namespace it was made, and its first process is not seen from here")
		s.doubts = append(s.doubts, s.unsure)
	}
}

// olderHere tells whether the caller's PID namespace was there when the container
// was made, as far as the clock has not been set since. The first process of a
// namespace is as old as that is.
func olderHere(created time.Time) bool {
	first, err := system.Stat(1)
	var now unix.Timespec
	if err != nil || unix.ClockGettime(unix.CLOCK_BOOTTIME, &now) != nil {
		return false
	}
	age := time.Duration(now.Nano()) - time.Duration(first.StartTime)*tick
	return !created.IsZero() && time.Since(created) <= age
}

// locate gives a process that of the start times which it has; it tells whether it
// has one of them.
func locate(p drain.Process, starts []uint64) (drain.Process, bool) {
	st, err := system.Stat(p.Pid)
	if err == nil && slices.Contains(starts, st.StartTime) {
		p.StartTime = st.StartTime
		return p, true
	}
	p.StartTime = starts[0]
	return p, false
}

// translate tells how /proc has a process at now that was recorded from v: with
// StartTime 0 if that can't be compared.
func (v vantage) translate(now vantage, p drain.Process) drain.Process {
	if v.Time == now.Time {
		return p
	}
	if v.times(now) != nil {
		p.StartTime = 0
	}
	if p.StartTime != 0 {
		p, _ = locate(p, v.startTimes(now, p.StartTime))
	}
	return p
}

// misled tells whether libcontainer, which compares the state file's numbers as
// they are, would take another process or none for init.
func (s *sight) misled(c *Container) bool { return s.init != c.init() && !s.earlier }

// processes is init, if it can be told.
func (s *sight) processes() []drain.Process {
	if s.init.Pid <= 0 {
		return nil
	}
	return []drain.Process{s.init}
}

// lives tells whether a process runs.
func lives(p drain.Process) bool {
	st, err := system.Stat(p.Pid)
	return p.Pid > 0 && err == nil && st.StartTime == p.StartTime && st.State != system.Zombie && st.State != system.Dead
}

// status is the container's status where libcontainer can't be asked. A process
// that waits to be started has a fifo to do so at.
func (s *sight) status(c *Container) libcontainer.Status {
	if !lives(s.init) && !leaderless(s.init) {
		return libcontainer.Stopped
	}
	if _, err := os.Lstat(filepath.Join(c.stateDir, fifoFile)); err == nil {
		return libcontainer.Created
	}
	return libcontainer.Running
}
