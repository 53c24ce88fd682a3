// crowd N [ignore]: N processes in all, of which every third is in a session of
// its own and every third an orphan; they wait for a signal, or ignore TERM.
// Each ends by itself after 25 seconds.
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void end(int sig) { _exit(128 + sig); }

static void linger(void)
{
	alarm(25);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 1;
	// The first process of a PID namespace gets only signals it has a handler for.
	signal(SIGTERM, argc > 2 && !strcmp(argv[2], "ignore") ? SIG_IGN : end);
	signal(SIGALRM, end);
	signal(SIGCHLD, SIG_IGN);
	for (int i = 1; i < n; i++) {
		pid_t child = fork();
		if (child) {
			if (i % 3 == 2) // it leaves the orphan behind
				waitpid(child, NULL, 0);
			continue;
		}
		if (i % 3 == 1)
			setsid();
		if (i % 3 == 2 && fork())
			_exit(0);
		linger();
	}
	linger();
}
