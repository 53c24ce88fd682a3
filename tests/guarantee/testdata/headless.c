// headless N M MILLISECONDS: N processes whose first thread has ended before a
// second one, which waits; and M more of which one ends each MILLISECONDS. A
// signal that is sent to a first thread does nothing to them. The first process
// is none of them, and reaps them; everything ends by itself after 25 seconds.
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void *linger(void *microseconds)
{
	long rest = (long)microseconds;

	for (; rest == 0; )
		pause();
	for (; rest > 0; rest -= 500000)
		usleep(rest < 500000 ? rest : 500000);
	_exit(0);
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	int n = atoi(argv[1]), m = atoi(argv[2]), ms = atoi(argv[3]);

	alarm(25);
	for (int i = 0; i < n + m; i++) {
		pid_t child = fork();
		pthread_t t;

		if (child < 0)
			return 1;
		if (child > 0)
			continue;
		alarm(25);
		if (pthread_create(&t, NULL, linger, (void *)(i < n ? 0 : (i - n + 1) * ms * 1000L)))
			return 1;
		pthread_exit(NULL);
	}
	while (wait(NULL) > 0)
		;
	for (;;)
		pause();
}
