/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The running kernel behind the table of operations. */
#include "abi.h"
#include "tracker.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
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

/* Where programs do not look for descriptors, nor put theirs: whoever closes ours
 * does not get the same numbers for others. */
#define FIRST_FD 512

static int out_of_the_way(int fd)
{
	int error = errno;
	int moved = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FD);

	if (moved >= 0)
		close(fd);
	errno = error;
	return moved < 0 ? fd : moved;
}

static int linux_userfaultfd(int flags)
{
	int saved = errno;

	return result(out_of_the_way((int)syscall(SYS_userfaultfd, flags)),
		      saved);
}

static int linux_open_pagemap(void)
{
	int saved = errno;

	return result(out_of_the_way(open("/proc/self/pagemap",
					  O_RDONLY | O_CLOEXEC)), saved);
}

static int linux_ioctl(int fd, unsigned long request, void *argument)
{
	int saved = errno;

	return result(ioctl(fd, request, argument), saved);
}

/* Numbers of devices and inodes are small where our files are, and every
 * userfaultfd has an inode of its own. Where a sandbox refuses the call, every
 * descriptor passes for every other. */
static uint64_t linux_identify(int fd)
{
	int saved = errno;
	struct stat file;
	uint64_t number = 0;

	if (!fstat(fd, &file))
		number = (uint64_t)file.st_dev << 44 ^ (uint64_t)file.st_ino;
	errno = saved;
	return number;
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

static int linux_protect(uintptr_t start, size_t n_bytes, int access)
{
	int saved = errno;

	return result(mprotect((void *)start, n_bytes, access), saved);
}

static int linux_advise(uintptr_t start, size_t n_bytes, int advice)
{
	int saved = errno;

	return result(madvise((void *)start, n_bytes, advice), saved);
}

/* The mapping around an address. */
static int query_mapping(int maps, struct procmap_query *query)
{
	int ret = ioctl(maps, PROCMAP_QUERY, query);

	/* there is none */
	if (ret < 0 && errno == ENOENT)
		return 0;
	return ret < 0 ? ret : 1;
}

static int linux_is_closed(uintptr_t start, size_t n_bytes)
{
	uint64_t any = PROCMAP_QUERY_VMA_READABLE | PROCMAP_QUERY_VMA_WRITABLE |
		       PROCMAP_QUERY_VMA_EXECUTABLE;
	struct procmap_query query = { 0 };
	int saved = errno, maps, ret;

	query.size = sizeof(query);
	query.query_addr = start;
	maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	if (maps < 0)
		return result(maps, saved);
	ret = result(query_mapping(maps, &query), saved);
	close(maps);
	if (ret <= 0)
		return ret;
	return query.vma_end - start >= n_bytes && !(query.vma_flags & any);
}

/* Beyond the limit the kernel would send a signal. */
static int check_file_size(uint64_t n_bytes)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) || limit.rlim_cur >= n_bytes)
		return 0;
	errno = EFBIG;
	return -1;
}

/* A file that cannot shrink, so that nobody who maps it meets its end. */
static int sized_file(const char *name, uint64_t n_bytes)
{
	int fd, error;

	if (check_file_size(n_bytes))
		return -1;
	fd = memfd_create(name, MFD_CLOEXEC | MFD_NOEXEC_SEAL | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -1;
	if (!ftruncate(fd, (off_t)n_bytes) &&
	    !fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW))
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static int linux_sparse_file(const char *name, uint64_t n_bytes)
{
	int saved = errno;

	return result(out_of_the_way(sized_file(name, n_bytes)), saved);
}

/* What is accessible from the start is filled with memory if the program has
 * called mlockall. */
static int map_empty(int fd, uint64_t offset, size_t n_bytes, void **start)
{
	int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;

	*start = mmap(NULL, n_bytes, PROT_NONE, flags | MAP_NORESERVE, fd,
		      (off_t)offset);
	if (*start == MAP_FAILED)
		return -1;
	madvise(*start, n_bytes, MADV_DONTDUMP);
	if (!mprotect(*start, n_bytes, PROT_READ | PROT_WRITE))
		return 0;
	linux_unmap(*start, n_bytes);
	return -1;
}

static int linux_map_part(int fd, uint64_t offset, size_t n_bytes, void **start)
{
	int saved = errno;
	int ret = result(map_empty(fd, offset, n_bytes, start), saved);

	/* more than may be locked */
	return ret == -EAGAIN ? -ENOMEM : ret;
}

static int linux_move(void *from, void *to, size_t n_bytes)
{
	int saved = errno;
	void *moved = mremap(from, n_bytes, n_bytes,
			     MREMAP_MAYMOVE | MREMAP_FIXED, to);

	return result(moved == MAP_FAILED ? -1 : 0, saved);
}

/* The first takes memory from the file, and is refused where there is none. */
static void linux_discard(void *start, size_t n_bytes)
{
	int saved = errno;

	if (madvise(start, n_bytes, MADV_REMOVE))
		madvise(start, n_bytes, MADV_DONTNEED);
	errno = saved;
}

const struct ww_kernel_ops ww_linux = {
	.userfaultfd = linux_userfaultfd,
	.open_pagemap = linux_open_pagemap,
	.ioctl = linux_ioctl,
	.identify = linux_identify,
	.close = linux_close,
	.map = linux_map,
	.unmap = linux_unmap,
	.protect = linux_protect,
	.advise = linux_advise,
	.is_closed = linux_is_closed,
	.sparse_file = linux_sparse_file,
	.map_part = linux_map_part,
	.move = linux_move,
	.discard = linux_discard,
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
