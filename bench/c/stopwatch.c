// stopwatch [-w WATCHED] [-o OUTPUT] COMMAND [ARGUMENT...] [\; COMMAND...]...
//
// Runs the commands at the same time, without a shell or a copy of itself in
// between, and prints one JSON object: the time from the first fork until the
// last has ended, their CPU time, peak memory and highest exit status.
//
// WATCHED is a file of lines "PID STARTTIME". The first thing after the end of
// the commands is to look into /proc who of them still lives: neither a zombie
// nor gone. "alive" is their number, "gone_ns" the time from the beginning
// until the last of them was gone, 0 if none was alive, -1 if any was a
// second later.
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

struct watched {
	int pid;
	unsigned long long start;
};

static struct watched *watched;
static int total;

static void read_watched(const char *file)
{
	FILE *f = fopen(file, "r");
	struct watched w;
	int room = 0;

	if (f == NULL)
		err(125, "%s", file);
	while (fscanf(f, "%d %llu", &w.pid, &w.start) == 2) {
		if (total == room) {
			room = room ? room * 2 : 64;
			watched = realloc(watched, (size_t)room * sizeof(w));
		}
		watched[total++] = w;
	}
	fclose(f);
}

static int lives(const struct watched *w)
{
	char path[64], text[1024], *at;
	unsigned long long start;
	ssize_t n;
	char state;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", w->pid);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = 0;
	at = strrchr(text, ')');
	if (at == NULL || sscanf(at + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &state, &start) != 2)
		return 0;
	return start == w->start && state != 'Z' && state != 'X';
}

// alive counts those that live, and forgets the others.
static int alive(void)
{
	int left = 0;

	for (int i = 0; i < total; i++)
		if (lives(&watched[i]))
			watched[left++] = watched[i];
	return total = left;
}

static long long usec(struct timeval t) { return t.tv_sec * 1000000LL + t.tv_usec; }

int main(int argc, char **argv)
{
	posix_spawn_file_actions_t actions;
	const char *output = "/dev/null";
	long long began, took, gone = 0, user = 0, sys = 0, rss = 0;
	int opt, running = 0, worst = 0, left;

	while ((opt = getopt(argc, argv, "+w:o:")) != -1) {
		if (opt == 'w')
			read_watched(optarg);
		else if (opt == 'o')
			output = optarg;
		else
			return 125;
	}
	if (optind >= argc)
		errx(125, "usage: stopwatch [-w WATCHED] [-o OUTPUT] COMMAND...");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0600);
	posix_spawn_file_actions_adddup2(&actions, 1, 2);

	began = now();
	for (int i = optind; i < argc; i++) {
		char **command = argv + i;
		pid_t pid;

		while (i < argc && strcmp(argv[i], ";"))
			i++;
		argv[i] = NULL;
		errno = posix_spawn(&pid, command[0], &actions, NULL, command, environ);
		if (errno)
			err(125, "%s", command[0]);
		running++;
	}
	for (; running > 0; running--) {
		struct rusage u;
		int status;

		if (wait4(-1, &status, 0, &u) < 0)
			err(125, "wait4");
		status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
		if (status > worst)
			worst = status;
		user += usec(u.ru_utime);
		sys += usec(u.ru_stime);
		if (u.ru_maxrss > rss)
			rss = u.ru_maxrss;
	}
	took = now() - began;

	left = alive();
	if (left > 0) {
		struct timespec pause = {0, 1000000};

		while (alive() > 0 && now() - began < took + 1000000000LL)
			nanosleep(&pause, NULL);
		gone = total == 0 ? now() - began : -1;
	}
	printf("{\"ns\":%lld,\"user_us\":%lld,\"sys_us\":%lld,\"rss_kb\":%lld,\"status\":%d,\"alive\":%d,\"gone_ns\":%lld}\n",
	       took, user, sys, rss, worst, left, gone);
	return 0;
}
