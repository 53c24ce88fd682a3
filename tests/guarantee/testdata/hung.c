// hung DIR: mounts a FUSE file system on DIR that answers for its root
// directory and never answers when a name is looked up in it. Prints a line
// when it is mounted and one for each lookup; ends by itself after 25 seconds,
// upon which the kernel fails what was not answered.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static void answer(int fd, uint64_t to, int error, void *body, size_t size)
{
	struct fuse_out_header out = { .len = sizeof(out) + size, .error = error, .unique = to };
	struct iovec parts[] = { { &out, sizeof(out) }, { body, size } };

	if (writev(fd, parts, 2) < 0)
		perror("answer");
}

int main(int argc, char **argv)
{
	static char request[1 << 17];
	char options[128];
	struct fuse_in_header *in = (void *)request;
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (argc != 2 || fd < 0)
		return 1;
	alarm(25);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", fd);
	if (mount("hung", argv[1], "fuse.hung", 0, options)) {
		perror("mount");
		return 1;
	}
	puts("mounted");
	fflush(stdout);
	while (read(fd, request, sizeof(request)) > 0) {
		switch (in->opcode) {
		case FUSE_INIT: {
			struct fuse_init_out init = { .major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION, .max_write = 4096 };
			answer(fd, in->unique, 0, &init, sizeof(init));
			break;
		}
		case FUSE_GETATTR: {
			struct fuse_attr_out attr = { .attr_valid = 60, .attr = { .ino = 1, .mode = S_IFDIR | 0755, .nlink = 2 } };
			answer(fd, in->unique, 0, &attr, sizeof(attr));
			break;
		}
		case FUSE_LOOKUP:
			puts("lookup");
			fflush(stdout);
			break;
		case FUSE_INTERRUPT:
		case FUSE_FORGET:
		case FUSE_BATCH_FORGET:
			break;
		default:
			answer(fd, in->unique, -ENOSYS, NULL, 0);
		}
	}
}
