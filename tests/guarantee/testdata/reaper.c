// reaper PROGRAM...: runs the program and ends as it does. Meanwhile it reaps
// what the program leaves behind, at once: PID 1 of a host may take seconds, for
// which a PID namespace with an orphan's zombie in it can't end.
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	pid_t program, pid;
	int status;

	if (argc < 2)
		return 2;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	program = fork();
	if (program == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execv(argv[1], argv + 1);
		_exit(127);
	}
	for (;;) {
		pid = wait(&status);
		if (pid == program)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		if (pid < 0 && errno != EINTR)
			return 126;
	}
}
