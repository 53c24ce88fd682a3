// cradle COMMAND [ARGUMENT...]
//
// Runs COMMAND, which starts a container, and becomes the parent of all that it
// leaves behind; prints "ready STATUS" when COMMAND has ended, and stays until
// its input ends. Its children are reaped by the kernel as they die: PID 1 of a
// host may take seconds, and a reaper that runs would take part of the time
// that is being measured.
#define _GNU_SOURCE
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	// With the default action this is not handed on by execve.
	struct sigaction leave = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};
	int status;
	pid_t pid;
	char c;

	if (argc < 2)
		errx(2, "usage: cradle COMMAND...");
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		err(1, "prctl");
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		if (dup2(2, 0) < 0 || dup2(2, 1) < 0)
			_exit(126);
		execv(argv[1], argv + 1);
		err(127, "%s", argv[1]);
	}
	if (waitpid(pid, &status, 0) < 0)
		err(1, "waitpid");
	if (sigaction(SIGCHLD, &leave, NULL) < 0)
		err(1, "sigaction");
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	printf("ready %d\n", WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
	fflush(stdout);
	while (read(0, &c, 1) > 0)
		;
	return 0;
}
