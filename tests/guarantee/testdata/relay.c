// relay: a process of which the first thread has ended, and in which each other
// thread starts the next one and ends. The process ends by itself after 25 seconds.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static pthread_attr_t detached;
static time_t last;

static void *next(void *unused)
{
	pthread_t t;

	// Not by alarm(2) alone: as the first process of a PID namespace it would not
	// die of that.
	if (time(NULL) > last)
		_exit(0);
	while (pthread_create(&t, &detached, next, NULL))
		usleep(100); // EAGAIN: those before have not quite gone
	return unused;
}

int main(void)
{
	last = time(NULL) + 25;
	if (nice(10) == -1)
		return 1;
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&detached, 65536);
	next(NULL);
	pthread_exit(NULL);
}
