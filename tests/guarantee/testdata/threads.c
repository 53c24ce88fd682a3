// threads N [leave]: N threads besides the first, which waits or, with leave,
// ends before them: its process is then a zombie with live threads. The
// process ends by itself after 25 seconds.
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static void end(int sig) { _exit(128 + sig); }

static void *wait_on(void *unused)
{
	for (;;)
		pause();
	return unused;
}

int main(int argc, char **argv)
{
	signal(SIGTERM, end);
	signal(SIGALRM, end);
	alarm(25);
	for (int i = argc > 1 ? atoi(argv[1]) : 1; i > 0; i--) {
		pthread_t t;
		if (pthread_create(&t, NULL, wait_on, NULL))
			return 1;
	}
	if (argc > 2)
		pthread_exit(NULL);
	wait_on(NULL);
}
