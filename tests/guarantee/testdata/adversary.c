// adversary ROLE SEED BUDGET: does, in a random order, what a privileged
// container can do against its own end. ROLE is "init" for a container's first
// process, which may begin with something of its own, or another word. BUDGET is
// how many processes there may be at a time, this one included; threads count as
// well. The dice of a process depend on the seed and on how it was born.
//
// In the environment:
//
//	ADVERSARY_CGROUPS  the container's cgroups, one a hierarchy, with colons between
//	ADVERSARY_SCRATCH  cgroups outside of it, likewise, for those who leave it
//	ADVERSARY_LOG      a file in which process IDs are noted, see nursery.c
//
// Nobody moves a process that might have left the container's cgroups back into
// them, and nobody signals a process ID that might be somebody else's: then the
// observer can tell what is the container's, and a bystander's signal was runc's.
//
// Each process ends by itself 20 seconds after the first has begun, unless it is
// stopped or frozen. A tracer gives its child back after two.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SECONDS = 20, MEMBER = 1, IDS = 1 << 20, GROUPS = 16, KIDS = 8, GENERATIONS = 3 };

// shared is what all that descend from one program image have in common.
struct shared {
	atomic_int alive;
	atomic_int births;
};

static struct shared *shared;
static int budget;
static time_t until;
static unsigned long long state;
static char *groups[GROUPS], *scratch[GROUPS];
static int ngroups, nscratch;
static uint32_t *ids;
static int relays; // this process has become one
static int generation;

// kids are children that nobody else reaps, so that their IDs stay theirs.
static pid_t kids[KIDS];
static int nkids;

static unsigned dice(unsigned sides)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(state >> 33) % sides;
}

static time_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

static void doze(unsigned us)
{
	struct timespec ts = { .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000 };

	nanosleep(&ts, NULL);
}

static void end(int sig) { _exit(128 + sig); }
static void handle(int sig) { (void)sig; }

// leave is for a process that ends by itself; the killed ones' places are lost.
static void leave(int status)
{
	atomic_fetch_sub(&shared->alive, 1);
	_exit(status);
}

static void idle(void)
{
	while (now() < until)
		doze(200000);
	leave(0);
}

// born is for the child, right after a fork.
static void born(int n)
{
	long left = until - now();

	state ^= (n + 1) * 0x9e3779b97f4a7c15ULL;
	nkids = 0;
	alarm(left > 0 ? left : 1);
	if (ids != NULL)
		ids[getpid() % IDS] = MEMBER;
}

// room takes a place in the budget; -1 if there is none.
static int room(void)
{
	if (atomic_fetch_add(&shared->alive, 1) >= budget) {
		atomic_fetch_sub(&shared->alive, 1);
		return -1;
	}
	return atomic_fetch_add(&shared->births, 1);
}

// spawn forks within the budget: -1 if that is used up.
static pid_t spawn(void)
{
	int n = room();
	pid_t pid;

	if (n < 0)
		return -1;
	pid = fork();
	if (pid == 0)
		born(n);
	if (pid < 0)
		atomic_fetch_sub(&shared->alive, 1);
	return pid;
}

static void keep(pid_t pid)
{
	if (pid > 0 && nkids < KIDS)
		kids[nkids++] = pid;
}

static void reap(void)
{
	int i = 0;

	while (i < nkids) {
		if (waitpid(kids[i], NULL, WNOHANG) != 0)
			kids[i] = kids[--nkids];
		else
			i++;
	}
}

static int put(const char *dir, const char *file, const char *text)
{
	char path[1024];
	int fd, n;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	if ((fd = open(path, O_WRONLY)) < 0)
		return -1;
	n = write(fd, text, strlen(text));
	close(fd);
	return n < 0 ? -1 : 0;
}

static int take(const char *dir, const char *file, char *buf, size_t len)
{
	char path[1024];
	int fd, n;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	if ((fd = open(path, O_RDONLY)) < 0)
		return -1;
	n = read(fd, buf, len - 1);
	close(fd);
	buf[n < 0 ? 0 : n] = 0;
	return n < 0 ? -1 : 0;
}

// place picks a cgroup of the container's: its own in a random hierarchy, or one
// of those that it may have made below.
static void place(char *buf, size_t len, int below)
{
	static const char *names[] = { "a", "b", "a/c", "b/c", "a/c/d", "e \033[2J" };
	int depth = dice(below ? 6 : 8);

	if (depth < 6)
		snprintf(buf, len, "%s/%s", groups[dice(ngroups)], names[depth]);
	else
		snprintf(buf, len, "%s", groups[dice(ngroups)]);
}

static void make(void)
{
	static const char *sets[] = { "cpuset.cpus", "cpuset.mems" };
	char dir[512], above[520], text[256];

	place(dir, sizeof(dir), 1);
	if (mkdir(dir, 0755) != 0)
		return;
	snprintf(above, sizeof(above), "%s/..", dir);
	for (int i = 0; i < 2; i++) // an empty cpuset takes no process
		if (take(above, sets[i], text, sizeof(text)) == 0)
			put(dir, sets[i], text);
	if (dice(8) == 0)
		put(dir, "cgroup.type", "threaded");
}

static void move_self(void)
{
	char dir[512];

	place(dir, sizeof(dir), 0);
	put(dir, "cgroup.procs", "0");
}

static void move_thread(void)
{
	char dir[512];

	place(dir, sizeof(dir), 0);
	if (put(dir, "tasks", "0") != 0)
		put(dir, "cgroup.threads", "0");
}

static void rename_group(void)
{
	char from[512], to[512];

	place(from, sizeof(from), 1);
	snprintf(to, sizeof(to), "%s", from);
	to[strlen(to) - 1] = 'a' + dice(5);
	rename(from, to);
}

static void freeze(void)
{
	char dir[512];
	int on = dice(2) == 0;

	place(dir, sizeof(dir), dice(6) != 0);
	if (put(dir, "freezer.state", on ? "FROZEN" : "THAWED") != 0)
		put(dir, "cgroup.freeze", on ? "1" : "0");
}

// escape moves the caller out of all of the container's cgroups.
static void escape(void)
{
	int first = dice(nscratch ? nscratch : 1);

	for (int i = 0; i < nscratch; i++)
		put(scratch[(first + i) % nscratch], "cgroup.procs", "0");
}

static void *wait_here(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void run(void);

static void *run_on(void *arg)
{
	(void)arg;
	run();
	return NULL;
}

static int thread(void *(*body)(void *), void *arg)
{
	pthread_attr_t attr;
	pthread_t th;
	int err;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, 65536);
	err = pthread_create(&th, &attr, body, arg);
	pthread_attr_destroy(&attr);
	return err;
}

// relay: each thread begins the next and ends.
static void *relay(void *arg)
{
	doze(100 + dice(2000));
	if (now() >= until)
		leave(0);
	while (thread(relay, arg) != 0)
		doze(1000);
	syscall(SYS_exit, 0); // of this thread alone
	return NULL;
}

static void become_relay(void)
{
	relays = 1;
	while (thread(relay, NULL) != 0)
		doze(1000);
	syscall(SYS_exit, 0);
}

static void leader_dies(void *(*body)(void *))
{
	if (thread(body, NULL) == 0)
		syscall(SYS_exit, 0);
}

// again replaces the program by itself: by a thread, maybe, which then gets the
// leader's ID.
static void *again(void *arg)
{
	char seed[32], gen[16];

	(void)arg;
	if (generation >= GENERATIONS)
		return NULL;
	snprintf(seed, sizeof(seed), "%llu", state);
	snprintf(gen, sizeof(gen), "%d", generation + 1);
	setenv("ADVERSARY_GENERATION", gen, 1);
	execl("/proc/self/exe", "adversary", "again", seed, "1", (char *)NULL);
	return NULL;
}

// trace holds a child of its own at its end, for two seconds at the most.
static void trace(void)
{
	pid_t pid = spawn();
	time_t limit = now() + 2;
	int status;

	if (pid == 0)
		run();
	if (pid < 0)
		return;
	if (ptrace(PTRACE_SEIZE, pid, NULL, dice(2) ? PTRACE_O_TRACEEXIT | PTRACE_O_TRACEFORK : 0) != 0) {
		keep(pid);
		return;
	}
	if (dice(2) == 0)
		ptrace(PTRACE_INTERRUPT, pid, NULL, NULL);
	while (now() < limit && now() < until) {
		pid_t who = waitpid(-1, &status, WNOHANG | __WALL);

		if (who > 0 && WIFSTOPPED(status) && dice(4) != 0)
			ptrace(PTRACE_CONT, who, NULL, NULL);
		doze(1000);
	}
	leave(0); // whom it traces goes on
}

// nest goes on in namespaces of its own.
static void nest(void)
{
	static const int kinds[] = {
		CLONE_NEWPID, CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWUSER | CLONE_NEWPID, CLONE_NEWCGROUP, CLONE_NEWPID | CLONE_NEWNS,
	};
	int kind = kinds[dice(6)];
	pid_t pid = spawn();

	if (pid != 0) {
		keep(pid);
		return;
	}
	if (unshare(kind) != 0)
		leave(1);
	if (kind & CLONE_NEWPID) {
		ids = NULL; // its IDs are not the observer's
		pid = spawn();
		if (pid != 0 && dice(2) == 0)
			idle();
		if (pid != 0)
			leave(0);
		signal(SIGALRM, end); // as the first process of its namespace
	}
	run();
}

// into has a child born in another cgroup of the container's (Linux 5.7, v2).
static void into(void)
{
	char dir[512];
	struct clone_args args = { .exit_signal = SIGCHLD };
	int n, fd;
	pid_t pid;

	place(dir, sizeof(dir), 0);
	fd = open(dir, O_RDONLY | O_DIRECTORY);
	if (fd < 0 || (n = room()) < 0) {
		if (fd >= 0)
			close(fd);
		return;
	}
	args.flags = CLONE_INTO_CGROUP;
	args.cgroup = fd;
	pid = syscall(SYS_clone3, &args, sizeof(args));
	close(fd);
	if (pid == 0) {
		born(n);
		run();
	}
	if (pid < 0)
		atomic_fetch_sub(&shared->alive, 1);
	keep(pid);
}

// move_child moves a child before that goes on: it can't have left.
static void move_child(void)
{
	char dir[512], text[32], c;
	int ready[2];
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) != 0)
		return;
	pid = spawn();
	if (pid == 0) {
		close(ready[1]);
		if (read(ready[0], &c, 1) != 1)
			leave(0);
		close(ready[0]);
		run();
	}
	if (pid > 0) {
		place(dir, sizeof(dir), 0);
		snprintf(text, sizeof(text), "%d", pid);
		put(dir, "cgroup.procs", text);
		(void)!write(ready[1], "x", 1);
		keep(pid);
	}
	close(ready[0]);
	close(ready[1]);
}

static void signal_child(void)
{
	static const int sigs[] = { SIGSTOP, SIGCONT, SIGKILL, SIGTERM, SIGUSR1, SIGSTOP };

	if (nkids > 0)
		kill(kids[dice(nkids)], sigs[dice(6)]);
}

static void resist(void)
{
	static const int sigs[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGQUIT };
	sigset_t set;

	switch (dice(3)) {
	case 0:
		for (int i = 0; i < 5; i++)
			signal(sigs[i], SIG_IGN);
		break;
	case 1:
		for (int i = 0; i < 5; i++)
			signal(sigs[i], handle);
		break;
	case 2:
		sigfillset(&set);
		sigdelset(&set, SIGALRM);
		sigprocmask(SIG_BLOCK, &set, NULL);
	}
}

static void rename_self(void)
{
	static const char *names[] = { "a) Z (b", "\033]0;x\007", "x\ry", "runc", "", "0 (sh) Z 0" };

	prctl(PR_SET_NAME, names[dice(6)]);
}

static void end_somehow(void)
{
	switch (dice(6)) {
	case 0:
		leave(dice(256));
	case 1:
		abort();
	case 2:
		raise(SIGKILL);
	case 3:
		signal(SIGSEGV, SIG_DFL);
		raise(SIGSEGV);
		break;
	case 4:
		atomic_fetch_sub(&shared->alive, 1);
		syscall(SYS_exit, 0); // of this thread, which may be the last
	case 5:
		leader_dies(dice(2) ? wait_here : run_on);
	}
}

// child_that begins a child that does one thing and then goes on.
static void child_that(void (*one)(void))
{
	pid_t pid = spawn();

	if (pid == 0) {
		if (one != NULL)
			one();
		run();
	}
	keep(pid);
}

static void new_session(void) { setsid(); }
static void lose_leader(void) { leader_dies(dice(2) ? run_on : wait_here); }

static void orphan(void (*one)(void))
{
	pid_t pid = spawn();

	if (pid == 0) {
		if (spawn() == 0) {
			if (one != NULL)
				one();
			run();
		}
		leave(0);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

// gone leaves the container for good, and is no child of anybody who knows it.
static void gone(void)
{
	setsid(); // or a group that loses its last parent would get SIGHUP
	escape();
	idle();
}

static void sibling(void)
{
	int n = room();
	pid_t pid;

	if (n < 0)
		return;
	pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0) {
		born(n);
		run();
	}
	if (pid < 0)
		atomic_fetch_sub(&shared->alive, 1);
}

static void borrow(void)
{
	unsigned us = dice(20000); // the child has its parent's memory

	if (room() < 0)
		return;
	if (vfork() == 0) {
		doze(us);
		_exit(0);
	}
	atomic_fetch_sub(&shared->alive, 1);
}

static void limit(void)
{
	char dir[512];

	place(dir, sizeof(dir), 1);
	put(dir, "pids.max", dice(2) ? "3" : "max");
}

static void act(void)
{
	char dir[512];

	switch (dice(32)) {
	case 0:
	case 1:
	case 2:
		child_that(NULL);
		break;
	case 3:
		orphan(NULL);
		break;
	case 4:
		child_that(new_session);
		break;
	case 5:
		borrow();
		break;
	case 6:
		if (room() >= 0)
			thread(wait_here, NULL);
		break;
	case 7:
		child_that(lose_leader);
		break;
	case 8:
		child_that(become_relay);
		break;
	case 9:
	case 10:
		move_self();
		break;
	case 11:
		move_thread();
		break;
	case 12:
	case 13:
		make();
		break;
	case 14:
		place(dir, sizeof(dir), 1);
		rmdir(dir);
		break;
	case 15:
		rename_group();
		break;
	case 16:
		freeze();
		break;
	case 17:
		orphan(gone);
		break;
	case 18:
		if (dice(3) == 0)
			raise(SIGSTOP);
		break;
	case 19:
	case 20:
		signal_child();
		break;
	case 21:
		child_that(trace);
		break;
	case 22:
		resist();
		break;
	case 23:
		rename_self();
		break;
	case 24:
		nest();
		break;
	case 25:
		limit();
		break;
	case 26:
		into();
		break;
	case 27:
		move_child();
		break;
	case 28:
		sibling();
		break;
	case 29:
		reap();
		break;
	case 30:
		prctl(dice(2) ? PR_SET_CHILD_SUBREAPER : PR_SET_PDEATHSIG, dice(2) ? SIGKILL : 0);
		break;
	case 31:
		if (dice(2) == 0)
			again(NULL);
		else
			thread(again, NULL);
	}
}

// run never returns.
static void run(void)
{
	int steps = 0, first = getpid() == 1;

	while (now() < until) {
		doze(dice(8) ? dice(3000) : dice(20000));
		if (atomic_load(&shared->births) > 3000)
			break;
		act();
		if (++steps > 4 && !first && dice(12) == 0)
			end_somehow();
	}
	idle();
}

static int split(const char *var, char **into_list)
{
	char *text = getenv(var), *save = NULL;
	int n = 0;

	if (text == NULL)
		return 0;
	for (char *p = strtok_r(strdup(text), ":", &save); p != NULL && n < GROUPS; p = strtok_r(NULL, ":", &save))
		into_list[n++] = p;
	return n;
}

int main(int argc, char **argv)
{
	struct rlimit none = { 0, 0 };
	const char *text;

	if (argc < 4)
		return 2;
	state = strtoull(argv[2], NULL, 10);
	budget = atoi(argv[3]);
	ngroups = split("ADVERSARY_CGROUPS", groups);
	nscratch = split("ADVERSARY_SCRATCH", scratch);
	if (ngroups == 0)
		return 2;
	if ((text = getenv("ADVERSARY_GENERATION")) != NULL)
		generation = atoi(text);
	if ((text = getenv("ADVERSARY_UNTIL")) != NULL) {
		until = atol(text);
	} else {
		char at[32];

		until = now() + SECONDS;
		snprintf(at, sizeof(at), "%ld", (long)until);
		setenv("ADVERSARY_UNTIL", at, 1);
	}
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 2;
	if ((text = getenv("ADVERSARY_LOG")) != NULL) {
		ids = mmap(NULL, IDS * sizeof(*ids), PROT_READ | PROT_WRITE, MAP_SHARED, open(text, O_RDWR), 0);
		if (ids == MAP_FAILED)
			ids = NULL;
	}
	atomic_store(&shared->alive, 1);
	setrlimit(RLIMIT_CORE, &none);
	(void)!nice(10);
	if (getpid() == 1)
		signal(SIGALRM, end);
	born(0);
	if (!strcmp(argv[1], "init")) {
		int n = dice(3);

		for (int i = 0; i < n; i++)
			child_that(NULL);
		switch (dice(10)) {
		case 0:
			escape();
			become_relay();
		case 1:
			escape();
			idle();
		case 2:
			leader_dies(run_on);
		case 3:
			become_relay();
		case 4: // init ends, and the others go on
			doze(dice(300000));
			leave(0);
		case 5:
			resist();
			break;
		}
	}
	run();
}
