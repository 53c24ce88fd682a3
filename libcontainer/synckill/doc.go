// Package synckill ends containers synchronously: [Container.Kill] and
// [Container.Delete] return when every process of the container is gone.
//
// It turns a libcontainer container into the cgroups and processes that
// runcsync/libcontainer/drain signals and waits for, and adds what only the
// container's side knows:
//
//   - Who gets a signal. Without a PID namespace of its own, everything in the
//     container; with one, init, which the kernel lets end only after the rest.
//   - The exec fence. A "runc exec" that has begun holds a lock beside the state
//     directory until its process is in the container's cgroup. A kill closes
//     the fence, and claims nothing before the execs in front have left it.
//     Execs by a runtime that does not know the fence are not held back.
//   - Rootless containers without a delegated cgroup. With a PID namespace of
//     its own, init's end is the end of all. Otherwise the processes are found
//     by their user and mount namespaces, which are noted at creation.
//   - What follows: upstream's errors, the container's removal, and what can
//     be done when its state file is damaged.
//
// The caller owns the time: each call is bounded by Request.Timeout and ends
// with its context. An engine that holds a lock over the call, as containerd's
// shim does over exit handling, should choose a time that it can spare.
//
// Don't use it to stop a container that others restart at will: it says that
// the container had drained when it returned, and keeps nobody from starting
// processes in its cgroups by other means than exec.
package synckill
