// chain N: N processes beside the first, each of which lives just long enough
// to leave a child in its place. It ends by itself after 20 seconds.
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	time_t end = time(NULL) + 20;

	signal(SIGCHLD, SIG_IGN);
	if (nice(10) == -1)
		return 1;
	for (int n = argc > 1 ? atoi(argv[1]) : 1; n > 0; n--) {
		if (fork())
			continue;
		while (time(NULL) < end) {
			if (fork() > 0)
				_exit(0);
		}
		_exit(0);
	}
	alarm(20);
	for (;;)
		pause();
}
