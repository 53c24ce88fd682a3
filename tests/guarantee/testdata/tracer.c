// tracer TID [exit]: attaches to a thread and never waits for it; with exit it
// asks for the stop before the end. Prints a line when it is attached, and ends
// by itself after 25 seconds.
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	alarm(25);
	if (ptrace(PTRACE_SEIZE, atoi(argv[1]), NULL, argc > 2 ? PTRACE_O_TRACEEXIT : 0)) {
		perror("ptrace");
		return 1;
	}
	puts("attached");
	fflush(stdout);
	for (;;)
		pause();
}
