// systrace [-k N | -h N -f FILE] [-a NAME] [-s NR] -o REPORT COMMAND [ARGUMENT...]
//
// Runs COMMAND and counts the system calls of all its threads, the Go
// runtime's own included, from its execve on. With -k it sends SIGKILL to the
// whole process as it enters the N-th of them; that call is not carried out.
// With -h it makes FILE and holds the process there until FILE is gone, a minute
// at the most. With -a the N are counted from the first openat(2) of a file whose
// path ends in NAME, and with -s only those of number NR are.
// REPORT gets one line each: "calls N", "fds N" (the most that were open at
// once; Linux 6.2), "killed NR" (the system call it was killed at), "status N"
// (as a shell has it), and "nr NR N" for every system call that was used.
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAXNR = 1024 };

static long calls, fds, counts[MAXNR], killed = -1, hold_at, since, only = -1;
static const char *held, *after;

// opens tells whether the thread is opening the file that is waited for.
static int opens(pid_t thread, const struct __ptrace_syscall_info *info)
{
	char path[4096];
	struct iovec to = { path, sizeof(path) - 1 };
	// Not past the end of the page, behind which there may be nothing.
	struct iovec from = { (void *)info->entry.args[1], 4096 - info->entry.args[1] % 4096 };
	ssize_t n;

	if (info->entry.nr != SYS_openat)
		return 0;
	n = process_vm_readv(thread, &to, 1, &from, 1, 0);
	if (n <= 0)
		return 0;
	path[n] = 0;
	n = (ssize_t)strlen(path) - (ssize_t)strlen(after);
	return n >= 0 && strcmp(path + n, after) == 0;
}

// hold goes on when the file has been removed. No other thread gets further than
// to its next system call meanwhile.
static void hold(void)
{
	int fd = open(held, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		err(125, "%s", held);
	close(fd);
	for (int left = 60 * 500; left > 0 && access(held, F_OK) == 0; left--)
		usleep(2000);
}

static void enter(pid_t leader, pid_t thread, long kill_at)
{
	struct __ptrace_syscall_info info;
	struct stat st;
	char path[64];

	if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof(info), &info) <= 0 ||
	    info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return;
	calls++;
	if (info.entry.nr < MAXNR)
		counts[info.entry.nr]++;
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)leader);
	if (stat(path, &st) == 0 && st.st_size > fds)
		fds = st.st_size;
	if (after != NULL) {
		if (opens(thread, &info))
			after = NULL;
		return;
	}
	if (only >= 0 && only != (long)info.entry.nr)
		return;
	since++;
	if (since == hold_at)
		hold();
	if (since == kill_at) {
		killed = (long)info.entry.nr;
		kill(leader, SIGKILL);
	}
}

static int follow(pid_t leader, long kill_at)
{
	for (;;) {
		int status, sig = 0;
		pid_t pid = waitpid(-1, &status, __WALL);

		if (pid < 0) {
			if (errno == EINTR)
				continue;
			err(125, "waitpid");
		}
		if (WIFEXITED(status) || WIFSIGNALED(status)) {
			if (pid == leader)
				return status;
			continue;
		}
		if (WSTOPSIG(status) == (SIGTRAP | 0x80))
			enter(leader, pid, kill_at);
		else if (status >> 16 == 0 && WSTOPSIG(status) != SIGTRAP)
			sig = WSTOPSIG(status);
		// A thread that was killed meanwhile is gone: ESRCH.
		ptrace(PTRACE_SYSCALL, pid, 0, sig);
	}
}

int main(int argc, char **argv)
{
	const char *report = NULL;
	long kill_at = 0;
	int opt, status, go[2];
	char c = 0;
	pid_t leader;
	FILE *f;

	while ((opt = getopt(argc, argv, "+k:h:f:a:s:o:")) != -1) {
		if (opt == 'k')
			kill_at = atol(optarg);
		else if (opt == 'h')
			hold_at = atol(optarg);
		else if (opt == 'f')
			held = optarg;
		else if (opt == 's')
			only = atol(optarg);
		else if (opt == 'a')
			after = optarg;
		else if (opt == 'o')
			report = optarg;
		else
			return 125;
	}
	if (report == NULL || optind >= argc || (hold_at > 0 && held == NULL))
		errx(125, "usage: systrace [-k N | -h N -f FILE] [-a NAME] [-s NR] -o REPORT COMMAND...");
	if (pipe(go) < 0)
		err(125, "pipe");
	leader = fork();
	if (leader < 0)
		err(125, "fork");
	if (leader == 0) {
		close(go[1]);
		if (read(go[0], &c, 1) != 1)
			_exit(125);
		close(go[0]);
		execvp(argv[optind], argv + optind);
		err(127, "%s", argv[optind]);
	}
	if (ptrace(PTRACE_SEIZE, leader, 0,
		   PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL) < 0)
		err(125, "ptrace");
	// The command is let go only now, and its calls are counted from the
	// stop that reports its execve.
	if (write(go[1], &c, 1) != 1)
		err(125, "write");
	close(go[0]);
	close(go[1]);
	status = follow(leader, kill_at);

	f = fopen(report, "w");
	if (f == NULL)
		err(125, "%s", report);
	fprintf(f, "calls %ld\nfds %ld\n", calls, fds);
	if (killed >= 0)
		fprintf(f, "killed %ld\n", killed);
	status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	fprintf(f, "status %d\n", status);
	for (int nr = 0; nr < MAXNR; nr++)
		if (counts[nr] > 0)
			fprintf(f, "nr %d %ld\n", nr, counts[nr]);
	if (fclose(f) != 0)
		err(125, "%s", report);
	return status;
}
