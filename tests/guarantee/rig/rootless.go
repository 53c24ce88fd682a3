package rig

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

const nobody = 65534

// Rootless has an ordinary user run runc from now on, who owns the rig's state
// directory, and no cgroup, or one in each hierarchy in which runc and its
// containers are.
func (r *Rig) Rootless(delegated bool) {
	r.Helper()
	r.becomes(nobody)
	if delegated {
		r.delegate()
	}
	r.Via = append(r.Via, "setpriv", fmt.Sprintf("--reuid=%d", r.user), fmt.Sprintf("--regid=%d", r.user), "--clear-groups", "--")
}

// Session is Rootless for a user who has a systemd of their own, which makes the
// containers' cgroups in what the system's has delegated to it.
func (r *Rig) Session(user int) {
	r.Helper()
	r.Only("systemd delegates cgroup v2 alone to users", V2)
	r.becomes(user)
	dir := fmt.Sprintf("/run/user/%d", user)
	r.Await("the systemd of user "+fmt.Sprint(user), func() bool {
		_, err := os.Stat(dir + "/bus")
		return err == nil
	})
	r.session = fmt.Sprintf("/user.slice/user-%d.slice/user@%d.service", user, user)
	r.Via = append(r.Via, "setpriv", fmt.Sprintf("--reuid=%d", user), fmt.Sprintf("--regid=%d", user), "--clear-groups", "--",
		"env", "XDG_RUNTIME_DIR="+dir, "DBUS_SESSION_BUS_ADDRESS=unix:path="+dir+"/bus")
}

// becomes makes the user the owner of the state directory.
func (r *Rig) becomes(user int) {
	r.Helper()
	r.user = user
	err := errors.Join(os.Chmod(filepath.Dir(r.Root), 0o711), os.Chown(r.Root, r.user, r.user))
	if err != nil {
		r.Fatal(err)
	}
}

// delegate gives the user a cgroup in each hierarchy, as systemd does with
// user@.service in that of v2, and puts runc below.
func (r *Rig) delegate() {
	r.Helper()
	r.delegated = fmt.Sprintf("/delegated-%s-%d-%d", r.View, os.Getpid(), serial.Add(1))
	var enter strings.Builder
	for _, h := range r.Hierarchies() {
		top := filepath.Join(h.Mount, r.delegated)
		r.removeLater(top)
		caller := filepath.Join(top, "caller")
		r.mkcgroup(h, top)
		r.mkcgroup(h, caller)
		for _, dir := range []string{top, caller} {
			for _, f := range []string{"", "cgroup.procs", "cgroup.threads", "cgroup.subtree_control", "tasks"} {
				if err := os.Chown(filepath.Join(dir, f), r.user, r.user); err != nil && !errors.Is(err, unix.ENOENT) {
					r.Fatal(err)
				}
			}
		}
		fmt.Fprintf(&enter, "echo 0 >%s/cgroup.procs && ", caller)
	}
	r.Via = append(r.Via, "sh", "-c", enter.String()+`exec "$@"`, "sh")
}

// adapt makes spec one that the user may run. A user may mount no proc of a PID
// namespace that is not the user's own, but may bind the host's.
func (r *Rig) adapt(spec *specs.Spec) {
	id := []specs.LinuxIDMapping{{ContainerID: 0, HostID: uint32(r.user), Size: 1}}
	spec.Linux.UIDMappings, spec.Linux.GIDMappings = id, id
	spec.Linux.Namespaces = append(spec.Linux.Namespaces, specs.LinuxNamespace{Type: specs.UserNamespace})
	if r.delegated == "" && r.session == "" {
		spec.Linux.CgroupsPath = ""
	}
	if !slices.ContainsFunc(spec.Linux.Namespaces, func(n specs.LinuxNamespace) bool { return n.Type == specs.PIDNamespace }) {
		for i, m := range spec.Mounts {
			if m.Type == "proc" {
				spec.Mounts[i] = specs.Mount{Destination: m.Destination, Type: "none", Source: "/proc", Options: []string{"rbind"}}
			}
		}
	}
}
