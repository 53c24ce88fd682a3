// thicket SEED N: a random tree of some N processes. Some start a session, lose
// their parent, have threads, are stopped, ignore or handle TERM, or are a dead
// thread-group leader with a live thread; some go on forking children that end
// at once. The tree is complete when the first process has made a file
// /tmp/ready; everything ends by itself after 25 seconds.
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static unsigned long long state;

static unsigned dice(unsigned sides)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(state >> 33) % sides;
}

static void handle(int sig) { (void)sig; }
static void end(int sig) { _exit(128 + sig); }

static void *idle(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void linger(void)
{
	pthread_t th;
	unsigned threads = dice(4) == 0 ? 1 + dice(3) : 0;

	switch (dice(4)) {
	case 0:
		signal(SIGTERM, SIG_IGN);
		break;
	case 1:
		signal(SIGTERM, handle);
		break;
	case 2:
		signal(SIGTERM, end);
	}
	for (unsigned i = 0; i < threads; i++)
		pthread_create(&th, NULL, idle, NULL);
	if (threads > 0 && dice(2) == 0)
		syscall(SYS_exit, 0); // of this thread alone
	if (dice(6) == 0)
		raise(SIGSTOP);
	if (dice(6) == 0) {
		signal(SIGCHLD, SIG_IGN);
		for (;;) {
			struct timespec ts = { .tv_nsec = 1000000 };
			if (fork() == 0)
				_exit(0);
			nanosleep(&ts, NULL);
		}
	}
	for (;;)
		pause();
}

static void grow(unsigned budget)
{
	while (budget > 0) {
		unsigned part = 1 + dice(budget);

		budget -= part;
		state += part;
		if (fork() == 0) {
			state ^= part * 0x9e3779b97f4a7c15ULL;
			alarm(25);
			if (dice(3) == 0)
				setsid();
			grow(part - 1);
			if (dice(4) == 0)
				_exit(0); // its children lose their parent
			linger();
		}
	}
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	state = strtoull(argv[1], NULL, 10);
	signal(SIGALRM, end);
	signal(SIGTERM, end);
	alarm(25);
	grow(atoi(argv[2]));
	close(open("/tmp/ready", O_CREAT | O_WRONLY, 0600));
	for (;;)
		pause();
}
