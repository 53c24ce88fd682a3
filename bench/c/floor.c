// floor CGROUP INIT
//
// The least that a synchronous kill can be: ends every process of a cgroup and
// returns when all of them have terminated. CGROUP is a directory, of cgroup v2
// where it has cgroup.kill, of v1 otherwise. It looks at one hierarchy, at one
// level, checks nothing and handles no odd case.
//
// v2: up to 128 processes are held by pidfd, which tells their end at once, and
// of more the process INIT: the first one of a PID namespace leaves the cgroup,
// and then waits for the others to be reaped (6.18). One write to cgroup.kill;
// the wait is for the pidfds and for cgroup.events. v1: each process is held and
// signalled by pidfd.
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FEW = 128 };

static int dir;

static int list(pid_t **pids)
{
	static char text[1 << 20];
	size_t len = 0;
	ssize_t n;
	int count = 0, fd = openat(dir, "cgroup.procs", O_RDONLY);

	if (fd < 0)
		err(1, "cgroup.procs");
	while ((n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	close(fd);
	text[len] = 0;
	free(*pids);
	*pids = malloc((len / 2 + 1) * sizeof(pid_t));
	for (char *at = text, *next; *at; at = next + 1)
		(*pids)[count++] = (pid_t)strtol(at, &next, 10);
	return count;
}

// populated reads cgroup.events.
static int populated(int events)
{
	char text[64];
	ssize_t n = pread(events, text, sizeof(text) - 1, 0);

	if (n < 0)
		err(1, "cgroup.events");
	text[n] = 0;
	return strstr(text, "populated 0") == NULL;
}

static void await(struct pollfd *p, int n)
{
	for (int left = n; left > 0;) {
		if (ppoll(p, (nfds_t)n, NULL, NULL) < 0 && errno != EINTR)
			err(1, "ppoll");
		for (int i = 0; i < n; i++)
			if (p[i].fd >= 0 && p[i].revents) {
				close(p[i].fd);
				p[i].fd = -1;
				left--;
			}
	}
}

static int hold(pid_t *pids, int n, struct pollfd *p, int send)
{
	int held = 0;

	for (int i = 0; i < n; i++) {
		int fd = (int)syscall(SYS_pidfd_open, pids[i], 0);

		if (fd < 0 && errno == ESRCH)
			continue;
		if (fd < 0)
			err(1, "pidfd_open");
		if (send)
			syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
		p[held++] = (struct pollfd){.fd = fd, .events = POLLIN};
	}
	return held;
}

int main(int argc, char **argv)
{
	struct rlimit many = {65536, 65536};
	struct pollfd *p;
	pid_t *pids = NULL, init;
	int n, events, killer;

	if (argc != 3)
		errx(2, "usage: floor CGROUP INIT");
	init = (pid_t)atoi(argv[2]);
	dir = open(argv[1], O_RDONLY | O_DIRECTORY);
	if (dir < 0)
		err(1, "%s", argv[1]);
	n = list(&pids);
	p = calloc((size_t)n + 1, sizeof(*p));
	killer = openat(dir, "cgroup.kill", O_WRONLY);
	if (killer < 0) {
		setrlimit(RLIMIT_NOFILE, &many);
		do
			await(p, hold(pids, n, p, 1));
		while ((n = list(&pids)) > 0);
		return 0;
	}
	events = openat(dir, "cgroup.events", O_RDONLY);
	if (events < 0)
		err(1, "cgroup.events");
	n = n <= FEW ? hold(pids, n, p, 0) : hold(&init, 1, p, 0);
	populated(events);
	if (write(killer, "1", 1) != 1)
		err(1, "cgroup.kill");
	await(p, n);
	while (populated(events)) {
		struct pollfd e = {.fd = events, .events = POLLPRI};

		if (poll(&e, 1, 1000) < 0)
			err(1, "poll");
	}
	return 0;
}
