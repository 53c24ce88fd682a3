// Package features lists what the runtime can do, in the features structure of
// the OCI runtime specification. It tells what is built in, not what this
// host's kernel offers.
package features

import (
	"fmt"

	"github.com/opencontainers/runc/libcontainer/capabilities"
	"github.com/opencontainers/runc/libcontainer/configs"
	"github.com/opencontainers/runc/libcontainer/seccomp"
	"github.com/opencontainers/runc/libcontainer/specconv"
	annotation "github.com/opencontainers/runc/types/features"
	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/opencontainers/runtime-spec/specs-go/features"

	"runcsync/libcontainer/synckill"
)

// WaitEnabled is the annotation by which a caller knows that kill and delete take
// --wait and --timeout, and that the runtime takes --kill-wait.
const WaitEnabled = "runcsync.wait.enabled"

// Of returns the features of the build that calls itself version, made of commit.
func Of(version, commit string) features.Features {
	f := features.Features{
		OCIVersionMin: "1.0.0",
		OCIVersionMax: specs.Version,
		Hooks:         configs.KnownHookNames(),
		MountOptions:  specconv.KnownMountOptions(),
		Linux:         linux(),
		Annotations: map[string]string{
			annotation.AnnotationRuncCheckpointEnabled: "true",
			annotation.AnnotationRuncVersion:           version,
			annotation.AnnotationRuncCommit:            commit,
			WaitEnabled:                                "true",
		},
		// Annotations in config.json that change what the runtime does.
		// The last one can make a kill take as long as its value says.
		PotentiallyUnsafeConfigAnnotations: []string{"bundle", "org.systemd.property.", "org.criu.config", synckill.WaitAnnotation},
	}
	if f.Linux.Seccomp != nil {
		major, minor, micro := seccomp.Version()
		f.Annotations[annotation.AnnotationLibseccompVersion] = fmt.Sprintf("%d.%d.%d", major, minor, micro)
	}
	return f
}

func linux() *features.Linux {
	on := new(true)
	return &features.Linux{
		Apparmor:        &features.Apparmor{Enabled: on},
		Capabilities:    capabilities.KnownCapabilities(),
		Cgroup:          &features.Cgroup{V1: on, V2: on, Rdma: on, Systemd: on, SystemdUser: on},
		IntelRdt:        &features.IntelRdt{Enabled: on, Monitoring: on, Schemata: on},
		MemoryPolicy:    &features.MemoryPolicy{Flags: specconv.KnownMemoryPolicyFlags(), Modes: specconv.KnownMemoryPolicyModes()},
		MountExtensions: &features.MountExtensions{IDMap: &features.IDMap{Enabled: on}},
		Namespaces:      specconv.KnownNamespaces(),
		NetDevices:      &features.NetDevices{Enabled: on},
		Seccomp:         filters(),
		Selinux:         &features.Selinux{Enabled: on},
	}
}

// filters is nil in a build without libseccomp.
func filters() *features.Seccomp {
	if !seccomp.Enabled {
		return nil
	}
	return &features.Seccomp{
		Enabled:        new(true),
		Archs:          seccomp.KnownArchs(),
		Actions:        seccomp.KnownActions(),
		Operators:      seccomp.KnownOperators(),
		SupportedFlags: seccomp.SupportedFlags(),
		KnownFlags:     seccomp.KnownFlags(),
	}
}
