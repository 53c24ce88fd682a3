// bomb: every process goes on forking for as long as it lives, nobody waits
// for anybody. All but the first are replaced by their children again and
// again. It ends by itself after 20 seconds.
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

int main(void)
{
	struct itimerval left;
	int first = 1, forks = 0;

	signal(SIGCHLD, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	if (nice(10) == -1)
		return 1;
	alarm(20);
	for (;;) {
		getitimer(ITIMER_REAL, &left);
		if (fork() == 0) { // a child has no timer
			setitimer(ITIMER_REAL, &left, NULL);
			first = forks = 0;
		} else if (!first && ++forks > 1500) {
			_exit(0);
		}
		usleep(2000);
	}
}
