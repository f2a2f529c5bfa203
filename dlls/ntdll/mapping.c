/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The Linux mappings under reserved memory. */
#include "mapping.h"

#include "tracker.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

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

/* How often memory has changed here. */
static unsigned n_changes;

/* After a change: what was found before it is forgotten. */
static void note_change(void)
{
	__atomic_fetch_add(&n_changes, 1, __ATOMIC_SEQ_CST);
}

/* Not MAP_NORESERVE: inaccessible memory is charged to nobody anyway, and when
 * it is committed Linux must be able to say that it is too much. */
static int map_none(uintptr_t at, size_t n_bytes, int flags, uintptr_t *start)
{
	int saved = errno;
	void *got = mmap((void *)at, n_bytes, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	*start = (uintptr_t)got;
	note_change();
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

/* ---- Gaps between mappings ---- */

/* /proc/self/maps, a piece at a time. */
struct maps {
	int fd;
	size_t at;
	size_t n_bytes;
	char bytes[4096];
};

static int next_byte(struct maps *maps)
{
	if (maps->at == maps->n_bytes) {
		ssize_t n = read(maps->fd, maps->bytes, sizeof(maps->bytes));

		if (n <= 0)
			return -1;
		maps->n_bytes = (size_t)n;
		maps->at = 0;
	}
	return (unsigned char)maps->bytes[maps->at++];
}

/* And the byte after it. */
static uintptr_t next_number(struct maps *maps)
{
	uintptr_t number = 0;

	for (;;) {
		int byte = next_byte(maps);

		if (byte >= '0' && byte <= '9')
			number = number * 16 + (uintptr_t)(byte - '0');
		else if (byte >= 'a' && byte <= 'f')
			number = number * 16 + (uintptr_t)(byte - 'a' + 10);
		else
			return number;
	}
}

static bool next_mapping(struct maps *maps, uintptr_t *start, uintptr_t *end)
{
	int byte;

	*start = next_number(maps);
	*end = next_number(maps);
	do
		byte = next_byte(maps);
	while (byte >= 0 && byte != '\n');
	return *end;
}

/* Where in [start, end), or 0. */
static uintptr_t fit(const struct ww_place *wanted, uintptr_t start,
		     uintptr_t end)
{
	uintptr_t mask = wanted->alignment - 1, at;

	if (start < wanted->lowest)
		start = wanted->lowest;
	if (end > wanted->end)
		end = wanted->end;
	if (end < wanted->n_bytes)
		return 0;
	if (wanted->top_down)
		at = (end - wanted->n_bytes) & ~mask;
	else
		at = (start + mask) & ~mask;
	return at >= start && at <= end - wanted->n_bytes ? at : 0;
}

static uintptr_t find_gap(struct maps *maps, const struct ww_place *wanted)
{
	uintptr_t start, end, last = 0, found = 0, at;
	bool more;

	do {
		more = next_mapping(maps, &start, &end);
		at = fit(wanted, last, more ? start : wanted->end);
		if (at)
			found = at;
		last = end;
	} while (more && (!found || wanted->top_down));
	return found;
}

static uintptr_t gap(const struct ww_place *wanted)
{
	struct maps maps = { .n_bytes = 0 };
	int saved = errno;
	uintptr_t found = 0;

	maps.fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	if (maps.fd >= 0) {
		found = find_gap(&maps, wanted);
		close(maps.fd);
	}
	errno = saved;
	return found;
}

/* Not every gap can be had: Linux keeps some below stacks, and the lowest
 * addresses, and others map things meanwhile. */
int ww_map_reserve_within(uintptr_t *start, const struct ww_place *wanted)
{
	struct ww_place rest = *wanted;
	int ret;

	while ((*start = gap(&rest))) {
		ret = map_exactly(*start, rest.n_bytes);
		if (ret != -EEXIST && ret != -EPERM)
			return ret;
		if (rest.top_down)
			rest.end = *start + rest.n_bytes - rest.alignment;
		else
			rest.lowest = *start + rest.alignment;
	}
	return -ENOMEM;
}

/* ---- The rest ---- */

int ww_map_protect(uintptr_t start, size_t n_bytes, int prot)
{
	int saved = errno;
	int ret = result(mprotect((void *)start, n_bytes, prot), saved);

	note_change();
	return ret;
}

int ww_map_discard(uintptr_t start, size_t n_bytes)
{
	uintptr_t got;

	return map_none(start, n_bytes, MAP_FIXED, &got);
}

int ww_map_release(uintptr_t start, size_t n_bytes)
{
	int saved = errno;
	int ret = result(munmap((void *)start, n_bytes), saved);

	note_change();
	return ret;
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

/* ---- Pointers ---- */

/* Asking costs a system call, and who queries passes the same few pointers again
 * and again. What this thread has found to be writable counts as writable until
 * this process changes memory here. What changes it elsewhere, by munmap(2) or
 * mprotect(2), goes unnoticed: a store there faults then. */
#define N_WRITABLE 4

static __thread struct {
	struct {
		uintptr_t start;
		uintptr_t last;		/* 0: nothing */
		unsigned age;
	} range[N_WRITABLE];
	unsigned next;
} writable;

static bool is_remembered(uintptr_t start, uintptr_t last)
{
	unsigned age = __atomic_load_n(&n_changes, __ATOMIC_SEQ_CST);

	for (unsigned i = 0; i < N_WRITABLE; i++)
		if (writable.range[i].age == age &&
		    start >= writable.range[i].start &&
		    last <= writable.range[i].last)
			return true;
	return false;
}

/* Empty while it changes: a signal handler may look. */
static void remember(uintptr_t start, uintptr_t last, unsigned age)
{
	unsigned i = writable.next++ % N_WRITABLE;

	writable.range[i].last = 0;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	writable.range[i].start = start;
	writable.range[i].age = age;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	writable.range[i].last = last;
}

static bool try(uintptr_t start, uintptr_t last)
{
	int saved = errno;

	return !result(madvise((void *)start, last + 1 - start,
			       MADV_POPULATE_WRITE), saved);
}

bool ww_map_writable(const void *start, size_t n_bytes)
{
	uintptr_t mask = ww_page_size() - 1, last;
	uintptr_t first = (uintptr_t)start & ~mask;
	unsigned age = __atomic_load_n(&n_changes, __ATOMIC_SEQ_CST);

	if (__builtin_add_overflow((uintptr_t)start, n_bytes - 1, &last))
		return false;
	last |= mask;
	if (is_remembered(first, last))
		return true;
	if (!try(first, last))
		return false;
	remember(first, last, age);
	return true;
}
