// oldkernel [-k] [-p] COMMAND [ARGUMENT...]
//
// Runs COMMAND as on an older kernel: with -k no cgroup has a file cgroup.kill
// (before Linux 5.14), with -p there are no pidfds (before 5.3). A seccomp
// filter answers ENOSYS for the latter; for the former it hands the calls that
// take a path to this process, which answers ENOENT for that file's name.
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static const char hidden[] = "cgroup.kill";

static const struct {
	int nr, path; // which argument is the path
} calls[] = {
#ifdef SYS_open
	{ SYS_open, 0 }, { SYS_access, 0 }, { SYS_stat, 0 }, { SYS_lstat, 0 },
#endif
	{ SYS_openat, 1 },    { SYS_openat2, 1 }, { SYS_faccessat, 1 },
	{ SYS_faccessat2, 1 }, { SYS_statx, 1 },   { SYS_newfstatat, 1 },
};

enum { NCALLS = sizeof(calls) / sizeof(calls[0]) };

static int filter(int no_kill, int no_pidfd)
{
	struct sock_filter f[2 * (NCALLS + 4) + 2];
	struct sock_fprog prog = { .filter = f };
	int n = 0, flags = 0;

#define ANSWER(nr, what) \
	f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (nr), 0, 1); \
	f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, (what))
	f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	if (no_pidfd) {
		ANSWER(SYS_pidfd_open, SECCOMP_RET_ERRNO | ENOSYS);
		ANSWER(SYS_pidfd_send_signal, SECCOMP_RET_ERRNO | ENOSYS);
		ANSWER(SYS_pidfd_getfd, SECCOMP_RET_ERRNO | ENOSYS);
		ANSWER(SYS_clone3, SECCOMP_RET_ERRNO | ENOSYS); // also of 5.3
	}
	if (no_kill) {
		flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
		for (int i = 0; i < NCALLS; i++) {
			ANSWER(calls[i].nr, SECCOMP_RET_USER_NOTIF);
		}
	}
	f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	prog.len = n;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
}

static void send_fd(int sock, int fd)
{
	char c = 0, space[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec io = { &c, 1 };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof(space) };
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);

	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(h), &fd, sizeof(fd));
	if (sendmsg(sock, &m, 0) < 0)
		err(125, "sendmsg");
}

static int receive_fd(int sock)
{
	char c, space[CMSG_SPACE(sizeof(int))];
	struct iovec io = { &c, 1 };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof(space) };
	int fd = -1;

	if (recvmsg(sock, &m, MSG_CMSG_CLOEXEC) != 1 || CMSG_FIRSTHDR(&m) == NULL)
		errx(125, "no seccomp listener");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

// is_hidden reads the path that a call was given. The caller's memory may
// change under us; a test need not care.
static int is_hidden(const struct seccomp_notif *req)
{
	char path[4096];
	const char *name;

	for (int i = 0; i < NCALLS; i++) {
		if (req->data.nr != calls[i].nr)
			continue;
		unsigned long at = req->data.args[calls[i].path];
		size_t got = 0;
		// Up to the end of a page at a time: the next may not be mapped.
		while (got < sizeof(path) - 1) {
			size_t part = 4096 - ((at + got) & 4095);
			if (part > sizeof(path) - 1 - got)
				part = sizeof(path) - 1 - got;
			struct iovec here = { path + got, part }, there = { (void *)(at + got), part };
			ssize_t n = process_vm_readv(req->pid, &here, 1, &there, 1, 0);
			if (n <= 0)
				return 0;
			if (memchr(path + got, 0, n) != NULL)
				break;
			got += n;
		}
		path[sizeof(path) - 1] = 0;
		name = strrchr(path, '/');
		return strcmp(name ? name + 1 : path, hidden) == 0;
	}
	return 0;
}

static void supervise(int listener)
{
	struct pollfd p = { .fd = listener, .events = POLLIN };

	// POLLHUP: the last process under the filter has gone.
	while (poll(&p, 1, -1) >= 0 && (p.revents & POLLIN)) {
		struct seccomp_notif req = { 0 };
		struct seccomp_notif_resp resp = { 0 };

		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &req) < 0)
			continue;
		resp.id = req.id;
		if (is_hidden(&req))
			resp.error = -ENOENT;
		else
			resp.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &resp);
	}
}

static pid_t child;

static void forward(int sig) { kill(child, sig); }

int main(int argc, char **argv)
{
	int opt, no_kill = 0, no_pidfd = 0, sock[2], status;

	while ((opt = getopt(argc, argv, "+kp")) != -1) {
		if (opt == 'k')
			no_kill = 1;
		else if (opt == 'p')
			no_pidfd = 1;
		else
			return 125;
	}
	if (optind >= argc)
		errx(125, "usage: oldkernel [-k] [-p] COMMAND...");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sock) < 0)
		err(125, "socketpair");
	child = fork();
	if (child < 0)
		err(125, "fork");
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		int fd = filter(no_kill, no_pidfd);
		if (fd < 0)
			err(125, "seccomp");
		if (no_kill) {
			send_fd(sock[1], fd);
			close(fd);
		}
		execvp(argv[optind], argv + optind);
		err(127, "%s", argv[optind]);
	}
	close(sock[1]);
	signal(SIGTERM, forward);
	signal(SIGINT, forward);
	if (no_kill) {
		int listener = receive_fd(sock[0]);
		supervise(listener);
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			err(125, "waitpid");
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
