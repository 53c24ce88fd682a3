// parent hoard|reap PROGRAM...: runs the program, becomes the parent of what it
// leaves behind, and never waits for any of it, or waits for all at once.
// Prints a line when the program has ended, and ends by itself after 25 seconds.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int status;
	pid_t child;

	if (argc < 3)
		return 1;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	alarm(25);
	if (!(child = fork())) {
		dup2(open("/dev/null", O_WRONLY), 1); // a container would inherit it
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	if (waitpid(child, &status, 0) != child || status)
		return 1;
	puts("done");
	fflush(stdout);
	for (;;) {
		if (!strcmp(argv[1], "hoard") || wait(NULL) < 0)
			usleep(1000);
	}
}
