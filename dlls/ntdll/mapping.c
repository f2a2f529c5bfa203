/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The Linux mappings under reserved memory. */
#include "mapping.h"

#include "tracker.h"

#include <errno.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23	/* Linux 5.14 */
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000	/* Linux 4.17 */
#endif

static int result(int ret, int saved_errno)
{
	if (ret < 0)
		ret = -errno;
	errno = saved_errno;
	return ret;
}

/* Not MAP_NORESERVE: inaccessible memory is charged to nobody anyway, and when
 * it is committed Linux must be able to say that it is too much. */
static int map_none(uintptr_t at, size_t n_bytes, int flags, uintptr_t *start)
{
	int saved = errno;
	void *got = mmap((void *)at, n_bytes, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	*start = (uintptr_t)got;
	return result(got == MAP_FAILED ? -1 : 0, saved);
}

static int map_exactly(uintptr_t at, size_t n_bytes)
{
	uintptr_t got;
	int ret = map_none(at, n_bytes, MAP_FIXED_NOREPLACE, &got);

	if (!ret && got != at) {
		/* a kernel that takes the flag for a hint */
		ww_map_release(got, n_bytes);
		return -EEXIST;
	}
	return ret;
}

/* Takes more than is needed and gives back both ends. */
static int map_aligned(uintptr_t *start, size_t n_bytes, size_t alignment)
{
	size_t slack = alignment - ww_page_size();
	uintptr_t got, at;
	int ret;

	if (n_bytes > SIZE_MAX - slack)
		return -ENOMEM;
	ret = map_none(0, n_bytes + slack, 0, &got);
	if (ret)
		return ret;
	at = (got + slack) & ~(alignment - 1);
	if (at > got)
		ww_map_release(got, at - got);
	if (at < got + slack)
		ww_map_release(at + n_bytes, got + slack - at);
	*start = at;
	return 0;
}

int ww_map_reserve(uintptr_t *start, size_t n_bytes, size_t alignment)
{
	if (*start)
		return map_exactly(*start, n_bytes);
	return map_aligned(start, n_bytes, alignment);
}

int ww_map_protect(uintptr_t start, size_t n_bytes, int prot)
{
	int saved = errno;

	return result(mprotect((void *)start, n_bytes, prot), saved);
}

int ww_map_discard(uintptr_t start, size_t n_bytes)
{
	uintptr_t got;

	return map_none(start, n_bytes, MAP_FIXED, &got);
}

int ww_map_release(uintptr_t start, size_t n_bytes)
{
	int saved = errno;

	return result(munmap((void *)start, n_bytes), saved);
}

int ww_map_lock(uintptr_t start, size_t n_bytes)
{
	int saved = errno;

	return result(mlock((void *)start, n_bytes), saved);
}

int ww_map_unlock(uintptr_t start, size_t n_bytes)
{
	int saved = errno;

	return result(munlock((void *)start, n_bytes), saved);
}

bool ww_map_writable(const void *start, size_t n_bytes)
{
	uintptr_t mask = ww_page_size() - 1, last;
	uintptr_t first = (uintptr_t)start & ~mask;
	int saved = errno;

	if (__builtin_add_overflow((uintptr_t)start, n_bytes - 1, &last))
		return false;
	return !result(madvise((void *)first, (last | mask) + 1 - first,
			       MADV_POPULATE_WRITE), saved);
}
