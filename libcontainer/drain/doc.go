// Package drain signals every process of a set of cgroups and waits until all
// of them are gone.
//
// It knows cgroups, pidfds and deadlines; it knows nothing of containers, and
// imports nothing but the standard library and golang.org/x/sys/unix.
//
// # What it guarantees
//
// When [Drain] returns nil, every process it was given or has seen has
// terminated, and every tree was found empty after that: on cgroup v2
// cgroup.events said "populated 0", on v1 no cgroup.procs of the subtree listed
// anything. A zombie is gone: nobody's reaping is waited for, since the caller
// is often the very parent that has to reap.
//
// No process outside the group is signalled. A process ID read from a file may
// be somebody else's by the time it is used, so it is pinned by a pidfd, then
// found in the group a second time, then signalled through the pidfd. The root
// of a hierarchy, and a cgroup in which the caller or one of its ancestors
// lives, are refused before anything is sent.
//
// Where emptiness can't be known the result is an error, never a success. But it
// keeps nobody from being signalled: what can't be known is said at the end. The
// wait ends with its context, however many cgroups and processes there are, and
// names who is left. A call that was cut off at any instant, by SIGKILL too, can
// be repeated; nothing is stored.
//
// # What it costs
//
// On v2 a kill is one write to cgroup.kill; the number of system calls does not
// grow with the number of processes beyond 128, up to which their ends are
// waited for by pidfd, which is immediate, nor with that of cgroups beyond 64.
// Beyond, cgroup.events alone is
// waited for; the kernel delays its notifications to one in 10 ms. Without
// cgroup.kill each process takes some three calls, and all are listed once for
// each 80 to 208 of them. Open descriptors stay below 256 in either case; two to
// spare are enough, beside one for each tree. While it waits it sleeps in ppoll(2)
// and wakes by itself once a second.
//
// # How to read it
//
// drain.go has the algorithm, from top to bottom: Drain, drainer.run, look and
// sweep. The mechanisms are killer, progress, held, watch, pace, limits, deadline,
// doubts and tally, each in the file of its name or of what it does.
//
// # What it can't do
//
//   - A process in an uninterruptible sleep (state D) ends when the kernel lets
//     it; so does one under a frozen v1 freezer cgroup above the group. Both
//     end in a [TimeoutError].
//   - Whoever may write to cgroup files can move a process out of the group
//     before it has been seen. Keep others from joining, and the caller's own
//     helpers from adding processes, while a drain runs.
//   - On v1 the hierarchies are read one after the other. A process that hops
//     between them, or between cgroups of one, in step with the reading is
//     missed; it takes root in the container to do so.
//   - On v1 processes of a PID namespace that is not the caller's or below it
//     are not listed by the kernel.
//   - Before Linux 6.19 a task leaves its cgroup some instructions before it
//     becomes a zombie: without memory, files or a way back to user space, but
//     not yet in state Z. Those that are held by pidfd are waited for all the
//     same; of more than 128 on cgroup v2 the last may be caught in between.
//   - Before Linux 5.3 there is no pidfd: a process is known by ID and start
//     time, which leaves microseconds between the comparison and the signal,
//     and its end is polled for, ever less often the longer it takes.
//   - Once a process has been sent SIGKILL by pidfd it is gone when all its
//     threads are zombies, reaped or not. Before, one that an outside tracer does
//     not reap is waited for.
//
// If all you want is to end your own child, os.Process does it; if its whole
// PID namespace is to go, kill and wait for its init.
package drain
