// crowd N [ignore]
//
// N processes in all, init and its children, each of which sleeps and costs as
// little as a process can. With "ignore" TERM is ignored; otherwise it ends
// them. Each ends by itself after two minutes. With N 0 it ends at once.
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void end(int sig) { _exit(128 + sig); }

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 1;

	if (n == 0)
		return 0;
	// The first process of a PID namespace gets only signals it has a handler for.
	signal(SIGTERM, argc > 2 && !strcmp(argv[2], "ignore") ? SIG_IGN : end);
	signal(SIGALRM, end);
	for (int i = 1; i < n; i++) {
		pid_t child = fork();

		if (child < 0)
			return 1;
		if (child == 0)
			break;
	}
	alarm(120);
	for (;;)
		pause();
}
