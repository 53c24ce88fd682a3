package guarantee

import (
	"strings"
	"testing"

	"runcsync/tests/guarantee/rig"
)

// endings are the two commands that must leave nothing alive.
var endings = []struct {
	name string
	end  func(c *rig.Container) rig.Result
}{
	{"kill", func(c *rig.Container) rig.Result { return c.Kill() }},
	{"delete", func(c *rig.Container) rig.Result { return c.Delete() }},
}

// scene is a container in some state or place; arrange brings it there.
type scene struct {
	name    string
	spec    rig.Spec
	only    string // PID namespace that the scene makes sense with; "" is any
	arrange func(r *rig.Rig, c *rig.Container)
}

// play ends each scene in each way, with and without a PID namespace of the
// container's own.
func play(t *testing.T, scenes []scene) {
	for _, s := range scenes {
		for _, pids := range []string{rig.PrivatePIDs, rig.HostPIDs} {
			if s.only != "" && s.only != pids {
				continue
			}
			for _, e := range endings {
				t.Run(strings.Join([]string{s.name, pids, e.name}, "/"), func(t *testing.T) {
					t.Parallel()
					r := rig.Open(t)
					spec := s.spec
					if spec.PIDs = pids; spec.Args == nil {
						spec.Args = []string{"crowd", "6"}
					}
					c := r.New(spec)
					s.arrange(r, c)
					e.end(c)
				})
			}
		}
	}
}

// running runs a container of the six processes of a crowd.
func running(c *rig.Container) []rig.Process {
	c.Run()
	return c.Settled(6)
}

// others are the container's live processes but init.
func others(c *rig.Container) []rig.Process {
	init := c.Pid()
	var ps []rig.Process
	for _, p := range c.Alive() {
		if p.Pid != init {
			ps = append(ps, p)
		}
	}
	return ps
}
