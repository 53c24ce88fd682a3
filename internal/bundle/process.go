package bundle

import (
	"fmt"

	"github.com/opencontainers/runc/libcontainer"
	"github.com/opencontainers/runc/libcontainer/configs"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Process translates a specification's process into libcontainer's. Streams,
// extra files and the like are the caller's to add.
func Process(p *specs.Process) (*libcontainer.Process, error) {
	rlimits, err := rlimits(p.Rlimits)
	if err != nil {
		return nil, err
	}
	affinity, err := configs.ConvertCPUAffinity(p.ExecCPUAffinity)
	if err != nil {
		return nil, err
	}
	lp := &libcontainer.Process{
		Args:             p.Args,
		Env:              p.Env,
		Cwd:              p.Cwd,
		UID:              int(p.User.UID),
		GID:              int(p.User.GID),
		AdditionalGroups: groups(p.User.AdditionalGids),
		Capabilities:     capabilities(p.Capabilities),
		NoNewPrivileges:  &p.NoNewPrivileges,
		AppArmorProfile:  p.ApparmorProfile,
		Label:            p.SelinuxLabel,
		Rlimits:          rlimits,
		Scheduler:        p.Scheduler,
		IOPriority:       p.IOPriority,
		CPUAffinity:      affinity,
	}
	if size := p.ConsoleSize; size != nil {
		lp.ConsoleWidth, lp.ConsoleHeight = uint16(size.Width), uint16(size.Height)
	}
	return lp, nil
}

// groups is nil where there are none: libcontainer then keeps those that the
// user has in the container's /etc/group.
func groups(gids []uint32) []int {
	var list []int
	for _, gid := range gids {
		list = append(list, int(gid))
	}
	return list
}

func capabilities(c *specs.LinuxCapabilities) *configs.Capabilities {
	if c == nil {
		return nil
	}
	return &configs.Capabilities{
		Ambient:     c.Ambient,
		Bounding:    c.Bounding,
		Effective:   c.Effective,
		Inheritable: c.Inheritable,
		Permitted:   c.Permitted,
	}
}

func rlimits(limits []specs.POSIXRlimit) ([]configs.Rlimit, error) {
	var list []configs.Rlimit
	for _, l := range limits {
		resource, ok := rlimitResource(l.Type)
		if !ok {
			return nil, fmt.Errorf("wrong rlimit value: %s", l.Type)
		}
		list = append(list, configs.Rlimit{Type: resource, Soft: l.Soft, Hard: l.Hard})
	}
	return list, nil
}

// rlimitResource is the number of the resource that a specification names as
// getrlimit(2) does.
func rlimitResource(name string) (int, bool) {
	switch name {
	case "RLIMIT_AS":
		return unix.RLIMIT_AS, true
	case "RLIMIT_CORE":
		return unix.RLIMIT_CORE, true
	case "RLIMIT_CPU":
		return unix.RLIMIT_CPU, true
	case "RLIMIT_DATA":
		return unix.RLIMIT_DATA, true
	case "RLIMIT_FSIZE":
		return unix.RLIMIT_FSIZE, true
	case "RLIMIT_LOCKS":
		return unix.RLIMIT_LOCKS, true
	case "RLIMIT_MEMLOCK":
		return unix.RLIMIT_MEMLOCK, true
	case "RLIMIT_MSGQUEUE":
		return unix.RLIMIT_MSGQUEUE, true
	case "RLIMIT_NICE":
		return unix.RLIMIT_NICE, true
	case "RLIMIT_NOFILE":
		return unix.RLIMIT_NOFILE, true
	case "RLIMIT_NPROC":
		return unix.RLIMIT_NPROC, true
	case "RLIMIT_RSS":
		return unix.RLIMIT_RSS, true
	case "RLIMIT_RTPRIO":
		return unix.RLIMIT_RTPRIO, true
	case "RLIMIT_RTTIME":
		return unix.RLIMIT_RTTIME, true
	case "RLIMIT_SIGPENDING":
		return unix.RLIMIT_SIGPENDING, true
	case "RLIMIT_STACK":
		return unix.RLIMIT_STACK, true
	}
	return 0, false
}
