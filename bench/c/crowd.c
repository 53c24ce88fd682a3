// crowd N [ignore]
//
// N processes in all, init and its children, each of which sleeps and costs as
// little as a process can. With "ignore" TERM is ignored; otherwise it ends
// them. Each ends by itself after two minutes. With N 0 it ends at once.
//
// They sleep on all CPUs alike: each child goes to the next one, and may leave
// it again. Where the scheduler puts them depends on the cgroups they are in,
// now half of them on each of two CPUs, now nearly all on one; with 10,000
// children of the first process of a PID namespace that makes their end take
// 0.3 or 0.9 s, whoever kills them (bench/notes.md).
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void end(int sig) { _exit(128 + sig); }

// move moves the caller to the CPU that comes i-th, in turn, of those allowed.
static void move(int i, const cpu_set_t *allowed)
{
	cpu_set_t one;
	int cpu = 0;

	for (int before = i % CPU_COUNT(allowed); !CPU_ISSET(cpu, allowed) || before-- > 0;)
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (sched_setaffinity(0, sizeof(one), &one) < 0 || sched_setaffinity(0, sizeof(*allowed), allowed) < 0)
		_exit(1);
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 1;
	cpu_set_t allowed;

	if (n == 0)
		return 0;
	// The first process of a PID namespace gets only signals it has a handler for.
	signal(SIGTERM, argc > 2 && !strcmp(argv[2], "ignore") ? SIG_IGN : end);
	signal(SIGALRM, end);
	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
		return 1;
	for (int i = 1; i < n; i++) {
		pid_t child = fork();

		if (child < 0)
			return 1;
		if (child == 0) {
			move(i, &allowed);
			break;
		}
	}
	alarm(120);
	for (;;)
		pause();
}
