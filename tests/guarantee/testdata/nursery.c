// nursery LOG N: goes on giving birth to victims, N alive at a time, each for
// some milliseconds, and sees whether anybody sends one a signal. It ends when
// its standard input does, after half an hour at most, and prints
//
//	births B reuses R during D signalled S
//
// A reuse is a victim that got the process ID which a member of a container had
// before. LOG is an array of 2^20 32-bit words, by process ID: members note
// themselves there, see churn.c. Word 0 is not 0 while a container is being
// killed; the reuses of that time are counted once more.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MEMBER = 1, VICTIM = 2, IDS = 1 << 20 };

static int pending(void)
{
	sigset_t set;

	sigpending(&set);
	for (int s = 1; s < NSIG; s++)
		if (s != SIGCHLD && sigismember(&set, s) == 1)
			return s;
	return 0;
}

int main(int argc, char **argv)
{
	long births = 0, reuses = 0, during = 0, signalled = 0;
	int n, alive = 0, status;
	sigset_t all;
	uint32_t *log;
	time_t until = time(NULL) + 1800;

	if (argc < 3)
		return 2;
	n = atoi(argv[2]);
	log = mmap(NULL, IDS * sizeof(*log), PROT_READ | PROT_WRITE, MAP_SHARED, open(argv[1], O_RDWR), 0);
	if (log == MAP_FAILED)
		return 2;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	srand(getpid());
	for (;;) {
		struct pollfd p = { .events = POLLIN };
		pid_t pid;
		int nap = 1000 + rand() % 10000;

		if (poll(&p, 1, 0) != 0 || time(NULL) > until)
			break;
		if (alive < n && (pid = fork()) >= 0) {
			if (pid == 0) {
				int sig;

				usleep(nap);
				if ((sig = pending()) != 0)
					fprintf(stderr, "victim %d got signal %d\n", (int)getpid(), sig);
				_exit(sig != 0);
			}
			alive++;
			births++;
			if (log[pid % IDS] == MEMBER) {
				reuses++;
				during += log[0] != 0;
			}
			log[pid % IDS] = VICTIM;
			continue;
		}
		pid = waitpid(-1, &status, 0);
		if (pid > 0) {
			alive--;
			if (WIFSIGNALED(status))
				fprintf(stderr, "victim %d was killed by signal %d\n", (int)pid, WTERMSIG(status));
			signalled += status != 0;
		}
	}
	while (waitpid(-1, &status, 0) > 0)
		signalled += status != 0;
	printf("births %ld reuses %ld during %ld signalled %ld\n", births, reuses, during, signalled + (pending() != 0));
	return 0;
}
