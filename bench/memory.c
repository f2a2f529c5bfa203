/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the methods share: memory, and bare system calls. */
#include "config.h"

#include "method.h"

#include "../kernel/abi.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WANTED_FEATURES (UFFD_FEATURE_WP_ASYNC | UFFD_FEATURE_WP_UNPOPULATED)

#define PRIVATE (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)

static intptr_t map(size_t n_bytes)
{
	void *start = mmap(NULL, n_bytes, PROT_NONE, PRIVATE, -1, 0);

	return start == MAP_FAILED ? -errno : (intptr_t)start;
}

intptr_t bench_map_none(size_t n_bytes)
{
	intptr_t start;
	size_t before;

	if (n_bytes < BENCH_BLOCK)
		return map(n_bytes);
	start = map(n_bytes + BENCH_BLOCK);
	if (start < 0)
		return start;
	before = -(size_t)start % BENCH_BLOCK;
	if (before)
		munmap((void *)start, before);
	munmap((char *)start + before + n_bytes, BENCH_BLOCK - before);
	return start + (intptr_t)before;
}

int bench_protect(const struct bench_memory *memory, int access)
{
	return mprotect((void *)memory->start, memory->n_bytes, access) ?
		       -errno : 0;
}

int bench_discard(const struct bench_memory *memory)
{
	return mmap((void *)memory->start, memory->n_bytes, PROT_NONE,
		    PRIVATE | MAP_FIXED, -1, 0) == MAP_FAILED ? -errno : 0;
}

void bench_unmap(const struct bench_memory *memory)
{
	munmap((void *)memory->start, memory->n_bytes);
}

static int handshake(int uffd)
{
	struct uffdio_api api = { .api = UFFD_API, .features = WANTED_FEATURES };

	if (ioctl(uffd, UFFDIO_API, &api))
		return -errno;
	return (api.features & WANTED_FEATURES) == WANTED_FEATURES ?
		       0 : -EOPNOTSUPP;
}

int bench_kernel_open(struct bench_kernel *kernel)
{
	int ret;

	kernel->pagemap = -1;
	kernel->uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK |
						     UFFD_USER_MODE_ONLY);
	if (kernel->uffd < 0)
		return -errno;
	ret = handshake(kernel->uffd);
	if (ret)
		return ret;
	kernel->pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	return kernel->pagemap < 0 ? -errno : 0;
}

void bench_kernel_close(struct bench_kernel *kernel)
{
	if (kernel->pagemap >= 0)
		close(kernel->pagemap);
	if (kernel->uffd >= 0)
		close(kernel->uffd);
	kernel->pagemap = kernel->uffd = -1;
}

int bench_kernel_register(const struct bench_kernel *kernel, uintptr_t start,
			  size_t n_bytes)
{
	struct uffdio_register reg = {
		.range = { start, n_bytes },
		.mode = UFFDIO_REGISTER_MODE_WP,
	};

	return ioctl(kernel->uffd, UFFDIO_REGISTER, &reg) ? -errno : 0;
}

int bench_kernel_arm(const struct bench_kernel *kernel, uintptr_t start,
		     size_t n_bytes)
{
	struct uffdio_writeprotect wp = {
		.range = { start, n_bytes },
		.mode = UFFDIO_WRITEPROTECT_MODE_WP,
	};

	return ioctl(kernel->uffd, UFFDIO_WRITEPROTECT, &wp) ? -errno : 0;
}

long bench_kernel_scan(const struct bench_kernel *kernel, uintptr_t start,
		       uintptr_t end, bool reset, struct page_region *vec,
		       size_t n_vec)
{
	struct pm_scan_arg arg = {
		.size = sizeof(arg),
		.flags = PM_SCAN_CHECK_WPASYNC |
			 (reset ? PM_SCAN_WP_MATCHING : 0),
		.start = start,
		.end = end,
		.vec = (uintptr_t)vec,
		.vec_len = n_vec,
		.category_mask = PAGE_IS_WRITTEN,
		.return_mask = PAGE_IS_WRITTEN,
	};
	int ret = ioctl(kernel->pagemap, PAGEMAP_SCAN, &arg);

	return ret < 0 ? -errno : ret;
}
