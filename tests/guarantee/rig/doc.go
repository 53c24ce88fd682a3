// Package rig sets up what the guarantee tests need: views of the cgroup
// layouts, bundles and containers in them, the real runc binary, and an
// observer that is independent of the code under test.
//
// [Main] builds runc and the C programs of testdata once, then runs the whole
// test binary again in each [View], in a mount namespace of its own. A test
// starts with [Open], describes containers by a [Spec], runs commands with
// [Rig.Run] and asks the observer with [Container.Gone].
//
// The observer knows a container's processes by a token in their environment,
// by their cgroups, and by process ID and start time once it has seen them. It
// looks at /proc and at the cgroup file systems itself. Zombies are dead.
//
// Environment: RUNC is the binary to test (default: built from this module);
// VIEWS is a list of views to run in (default: all); SOAK, if set, runs the long tests.
// DRIVER=systemd has systemd make the containers' cgroups; it has to be PID 1.
// STAGE is a directory for the stage: one that is there already is used as it
// is, as on a machine without compilers, else it is made there and kept.
package rig
