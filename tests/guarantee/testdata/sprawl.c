// sprawl DIRECTORY N MOST: N processes that make directories in the one given as
// fast as they can, MOST each, and then wait. Everything ends by itself after 20
// seconds.
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char name[64];

	if (argc < 4 || chdir(argv[1]))
		return 2;
	int n = atoi(argv[2]), most = atoi(argv[3]);

	if (nice(10) == -1)
		return 2;
	for (int i = 0; i < n; i++) {
		if (fork())
			continue;
		alarm(20);
		for (int j = 0; j < most; j++) {
			if (j % 200 == 0) {
				snprintf(name, sizeof(name), "%d.%d", i, j / 200);
				if (mkdir(name, 0755))
					return 1;
			}
			snprintf(name, sizeof(name), "%d.%d/%d", i, j / 200, j % 200);
			if (mkdir(name, 0755))
				return 1;
		}
		for (;;)
			pause();
	}
	alarm(20);
	for (;;)
		pause();
}
