package rig

import (
	"os"
	"strings"
)

// Driver is what makes the containers' cgroups.
type Driver string

// The drivers there are.
const (
	FS      Driver = "fs"      // runc itself
	Systemd Driver = "systemd" // systemd as PID 1, which runc asks to
)

// driver is the one that the environment names.
func driver() Driver {
	if Driver(os.Getenv("DRIVER")) == Systemd {
		return Systemd
	}
	return FS
}

// flags are runc's global flags.
func (d Driver) flags() []string {
	if d == Systemd {
		return []string{"--systemd-cgroup"}
	}
	return nil
}

// place returns the path of a container's cgroup in each hierarchy, and how
// config.json says it. For systemd that is a slice, a prefix and a name; a dash
// in a slice's name would stand for a slice in a slice.
func (r *Rig) place(id string, s Spec) (cgroup, cgroupsPath string) {
	switch {
	case r.delegated != "":
		cgroup = r.delegated + "/" + id
	case r.Driver == Systemd:
		slice := "system.slice"
		if r.session != "" {
			slice = "user.slice" // the user's own
		} else if s.Nested {
			slice = "above" + strings.ReplaceAll(id, "-", "_") + ".slice"
		}
		return r.session + "/" + slice + "/test-" + id + ".scope", slice + ":test:" + id
	case s.Nested:
		cgroup = "/above-" + id + "/" + id
	default:
		cgroup = "/" + id
	}
	return cgroup, cgroup
}
