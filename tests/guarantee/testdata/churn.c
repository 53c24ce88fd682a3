// churn N MILLISECONDS: N chains of processes, each of which forks its
// successor and ends, so that no process ID serves for long. They go on for the
// time given, 20 seconds at most. Their dead are taken care of by the first
// process, since the host's init may be slow at it.
//
// With CHURN_LOG set to a file of at least 4 MiB in the environment the chains
// note their IDs there: see nursery.c.
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { MEMBER = 1, IDS = 1 << 20 };

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void end(int sig) { _exit(128 + sig); }

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 1;
	int ms = argc > 2 ? atoi(argv[2]) : 20000;
	double until = now() + (ms < 20000 ? ms : 20000) / 1e3;
	uint32_t *log = NULL;
	const char *file = getenv("CHURN_LOG");

	if (file != NULL) {
		log = mmap(NULL, IDS * sizeof(*log), PROT_READ | PROT_WRITE, MAP_SHARED, open(file, O_RDWR), 0);
		if (log == MAP_FAILED)
			return 2;
	}
	if (nice(10) == -1)
		return 2;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	signal(SIGCHLD, SIG_IGN);
	signal(SIGTERM, end);
	for (int i = 0; i < n; i++) {
		if (fork() != 0)
			continue;
		while (now() < until) {
			struct timespec ts = { .tv_nsec = 2000000 };

			if (log != NULL)
				log[getpid() % IDS] = MEMBER;
			nanosleep(&ts, NULL);
			if (fork() > 0)
				_exit(0);
		}
		_exit(0);
	}
	while (now() < until)
		usleep(50000);
	return 0;
}
