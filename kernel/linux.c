/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The running kernel behind the table of operations. */
#include "tracker.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The library never changes errno: it runs inside other people's calls. */
static int result(int ret, int saved_errno)
{
	if (ret < 0)
		ret = -errno;
	errno = saved_errno;
	return ret;
}

static int linux_userfaultfd(int flags)
{
	int saved = errno;

	return result((int)syscall(SYS_userfaultfd, flags), saved);
}

static int linux_open_pagemap(void)
{
	int saved = errno;

	return result(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC), saved);
}

static int linux_ioctl(int fd, unsigned long request, void *argument)
{
	int saved = errno;

	return result(ioctl(fd, request, argument), saved);
}

static void linux_close(int fd)
{
	int saved = errno;

	close(fd);
	errno = saved;
}

static void *linux_map(size_t n_bytes)
{
	int saved = errno;
	void *start = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	errno = saved;
	return start == MAP_FAILED ? NULL : start;
}

static void linux_unmap(void *start, size_t n_bytes)
{
	int saved = errno;

	munmap(start, n_bytes);
	errno = saved;
}

static int linux_protect_none(uintptr_t start, size_t n_bytes)
{
	int saved = errno;

	return result(mprotect((void *)start, n_bytes, PROT_NONE), saved);
}

const struct ww_kernel_ops ww_linux = {
	.userfaultfd = linux_userfaultfd,
	.open_pagemap = linux_open_pagemap,
	.ioctl = linux_ioctl,
	.close = linux_close,
	.map = linux_map,
	.unmap = linux_unmap,
	.protect_none = linux_protect_none,
};

size_t ww_page_size(void)
{
	static size_t page_size;
	size_t size = __atomic_load_n(&page_size, __ATOMIC_RELAXED);

	if (!size) {
		size = (size_t)sysconf(_SC_PAGESIZE);
		__atomic_store_n(&page_size, size, __ATOMIC_RELAXED);
	}
	return size;
}
