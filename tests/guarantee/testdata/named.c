// named HEX: a process of the name that HEX spells, byte by byte, which ignores
// TERM. It ends by itself after 25 seconds.
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char name[16] = "";
	unsigned int byte;
	for (int i = 0; argc > 1 && i < 15 && sscanf(argv[1] + 2 * i, "%2x", &byte) == 1; i++)
		name[i] = byte;
	signal(SIGTERM, SIG_IGN);
	alarm(25);
	prctl(PR_SET_NAME, name);
	for (;;)
		pause();
}
