/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A table of operations that counts its calls, and of which chosen ones fail. */
#include "inject.h"

#include "../../kernel/abi.h"
#include "../../kernel/slots.h"

#include <errno.h>
#include <stdio.h>

#define MAX_GIVEN 1024

struct inject_state *inject_state;

static const struct ww_kernel_ops *under;
static bool counting;

/* ---- Which faults there are ---- */

#define BEFORE(error) { #error, INJECT_BEFORE, error }
#define HALF(error) { #error " in the middle", INJECT_HALF, error }
#define AFTER(error) { #error " at the end", INJECT_AFTER, error }

static const struct inject_fault userfaultfd_faults[] = {
	BEFORE(ENOSYS), BEFORE(EPERM), BEFORE(EINVAL), BEFORE(EINTR),
	BEFORE(EAGAIN), BEFORE(ENFILE), BEFORE(ENOMEM), BEFORE(EMFILE),
};
static const struct inject_fault pagemap_faults[] = {
	BEFORE(ENOENT), BEFORE(EPERM), BEFORE(EACCES), BEFORE(EINTR),
	BEFORE(ENFILE), BEFORE(ENOMEM), BEFORE(EMFILE),
};
static const struct inject_fault api_faults[] = {
	BEFORE(EPERM), BEFORE(ENOMEM), BEFORE(EFAULT), BEFORE(EINTR),
	{ "no asynchronous mode", INJECT_NO_ASYNC, 0 },
	{ "nothing on unpopulated pages", INJECT_NO_UNPOPULATED, 0 },
	AFTER(EFAULT), BEFORE(EINVAL),
};
static const struct inject_fault register_faults[] = {
	BEFORE(EPERM), BEFORE(EINVAL), BEFORE(EBUSY), BEFORE(EFAULT),
	BEFORE(EINTR), { "no write-protection", INJECT_NO_PROTECTION, 0 },
	BEFORE(ENOMEM), HALF(ENOMEM),
};
static const struct inject_fault unregister_faults[] = {
	BEFORE(EPERM), BEFORE(EINVAL), BEFORE(EFAULT), BEFORE(ENOMEM),
	HALF(ENOMEM),
};
static const struct inject_fault writeprotect_faults[] = {
	BEFORE(EPERM), BEFORE(ENOENT), BEFORE(EINVAL), BEFORE(EFAULT),
	BEFORE(EINTR), BEFORE(EAGAIN), HALF(EAGAIN), HALF(EFAULT), AFTER(EFAULT),
	BEFORE(ENOMEM), HALF(ENOENT),
};
static const struct inject_fault scan_faults[] = {
	BEFORE(ENOTTY), BEFORE(EINVAL), BEFORE(ENOMEM), BEFORE(EINTR),
	BEFORE(EAGAIN), BEFORE(EFAULT), HALF(EINTR), HALF(ENOMEM),
	AFTER(EFAULT), { "walk_end is stale", INJECT_STALE, 0 },
	BEFORE(EPERM), HALF(EPERM),
};
static const struct inject_fault map_faults[] = { BEFORE(ENOMEM) };
static const struct inject_fault protect_faults[] = {
	BEFORE(EACCES), BEFORE(EINVAL), AFTER(ENOMEM), BEFORE(ENOMEM),
	HALF(ENOMEM),
};
static const struct inject_fault advise_faults[] = {
	BEFORE(EPERM), BEFORE(EINVAL), BEFORE(EAGAIN), BEFORE(EFAULT),
	BEFORE(EINTR), BEFORE(ENOMEM), HALF(ENOMEM),
};
static const struct inject_fault is_closed_faults[] = {
	BEFORE(ENOTTY), BEFORE(EMFILE), BEFORE(ENOENT),
};
static const struct inject_fault sparse_file_faults[] = {
	BEFORE(EINVAL), BEFORE(EACCES), BEFORE(EFBIG), BEFORE(ENFILE),
	BEFORE(EMFILE), BEFORE(ENOMEM), BEFORE(ENOSYS), BEFORE(EPERM),
};
static const struct inject_fault map_part_faults[] = {
	BEFORE(EPERM), BEFORE(EACCES), BEFORE(ENFILE), BEFORE(ENOMEM),
};
static const struct inject_fault move_faults[] = {
	BEFORE(EINVAL), BEFORE(EFAULT), BEFORE(ENOMEM),
};
static const struct inject_fault discard_faults[] = {
	{ "nothing happens", INJECT_NOTHING, 0 },
};

#define FAULTS(list) list, sizeof(list) / sizeof(list[0])

static const struct {
	const char *name;
	const struct inject_fault *faults;
	size_t n_faults;
} ops[INJECT_OPS] = {
	[INJECT_USERFAULTFD] = { "userfaultfd", FAULTS(userfaultfd_faults) },
	[INJECT_PAGEMAP] = { "open pagemap", FAULTS(pagemap_faults) },
	[INJECT_API] = { "UFFDIO_API", FAULTS(api_faults) },
	[INJECT_REGISTER] = { "UFFDIO_REGISTER", FAULTS(register_faults) },
	[INJECT_UNREGISTER] = { "UFFDIO_UNREGISTER", FAULTS(unregister_faults) },
	[INJECT_WRITEPROTECT] = { "UFFDIO_WRITEPROTECT",
				  FAULTS(writeprotect_faults) },
	[INJECT_SCAN] = { "PAGEMAP_SCAN", FAULTS(scan_faults) },
	[INJECT_RESET] = { "PAGEMAP_SCAN for a reset", FAULTS(scan_faults) },
	[INJECT_MAP] = { "map", FAULTS(map_faults) },
	[INJECT_PROTECT] = { "protect", FAULTS(protect_faults) },
	[INJECT_ADVISE] = { "advise", FAULTS(advise_faults) },
	[INJECT_IS_CLOSED] = { "is_closed", FAULTS(is_closed_faults) },
	[INJECT_SPARSE_FILE] = { "sparse_file", FAULTS(sparse_file_faults) },
	[INJECT_MAP_PART] = { "map_part", FAULTS(map_part_faults) },
	[INJECT_MOVE] = { "move", FAULTS(move_faults) },
	[INJECT_DISCARD] = { "discard", FAULTS(discard_faults) },
};

const char *inject_op_name(enum inject_op op)
{
	return ops[op].name;
}

const struct inject_fault *inject_faults(enum inject_op op, size_t *n)
{
	*n = ops[op].n_faults;
	return ops[op].faults;
}

/* ---- Which call this is ---- */

void inject_begin(void)
{
	counting = true;
}

void inject_end(void)
{
	counting = false;
}

static const struct inject_fault *chosen(unsigned call, enum inject_op op)
{
	for (size_t i = 0; i < 2; i++) {
		const struct inject_choice *choice = &inject_state->choices[i];

		if (choice->call != call)
			continue;
		inject_state->n_fired++;
		return &ops[op].faults[choice->fault % ops[op].n_faults];
	}
	return NULL;
}

static const struct inject_fault *next_fault(enum inject_op op)
{
	unsigned call;

	if (!counting)
		return NULL;
	call = ++inject_state->n_calls;
	if (call >= INJECT_MAX_CALLS)
		inject_fail("the play does not end");
	inject_state->ops[call] = (unsigned char)op;
	return chosen(call, op);
}

/* For calls that give something out, or have no range: all of it or nothing. */
static int refusal(enum inject_op op)
{
	const struct inject_fault *fault = next_fault(op);

	return fault ? -fault->error : 0;
}

/* ---- What is given out ---- */

static struct given {
	void *start;		/* NULL: a descriptor */
	size_t n_bytes;
	int fd;
} given[MAX_GIVEN];
static size_t n_given;

static void give(struct given new)
{
	if (n_given == MAX_GIVEN)
		inject_fail("too much is given out");
	given[n_given++] = new;
}

static struct given *find_given(const void *start, int fd)
{
	for (size_t i = 0; i < n_given; i++)
		if (given[i].start == start && given[i].fd == fd)
			return &given[i];
	inject_fail("what was never given out is given back");
}

static void take_back(const void *start, size_t n_bytes, int fd)
{
	struct given *old = find_given(start, fd);

	if (old->n_bytes != n_bytes)
		inject_fail("a part of a mapping is given back");
	*old = given[--n_given];
}

const char *inject_leak(size_t n_allowed)
{
	static char text[80];

	for (size_t i = 0; i < n_given; i++) {
		if (given[i].n_bytes == sizeof(struct ww_slot))
			continue;
		if (given[i].start && n_allowed) {
			n_allowed--;
			continue;
		}
		snprintf(text, sizeof(text), given[i].start ?
			 "%zu bytes stay mapped" : "a descriptor stays open",
			 given[i].n_bytes);
		return text;
	}
	return "";
}

static int give_fd(int fd)
{
	if (fd >= 0)
		give((struct given){ NULL, 0, fd });
	return fd;
}

/* ---- The operations ---- */

static int inject_userfaultfd(int flags)
{
	int error = refusal(INJECT_USERFAULTFD);

	return error ? error : give_fd(under->userfaultfd(flags));
}

static int inject_open_pagemap(void)
{
	int error = refusal(INJECT_PAGEMAP);

	return error ? error : give_fd(under->open_pagemap());
}

static uint64_t half(uint64_t n_bytes)
{
	return n_bytes / 2 & ~(uint64_t)(ww_page_size() - 1);
}

/* The same scan of [start, end), whose results nobody gets. */
static void scan_unheard(int fd, const struct pm_scan_arg *argument, uint64_t end)
{
	static struct page_region regions[WW_MAX_RUNS];
	struct pm_scan_arg scan = *argument;

	scan.end = end;
	if (scan.vec)
		scan.vec = (uintptr_t)regions;
	under->ioctl(fd, PAGEMAP_SCAN, &scan);
}

/* The same request for the first half of its range. */
static void do_half(int fd, unsigned long request, const void *argument)
{
	struct uffdio_register reg;
	struct uffdio_writeprotect wp;
	struct uffdio_range range = *(const struct uffdio_range *)argument;
	void *copy = &range;

	range.len = half(range.len);
	if (request == UFFDIO_REGISTER) {
		reg = *(const struct uffdio_register *)argument;
		reg.range = range;
		copy = &reg;
	} else if (request == UFFDIO_WRITEPROTECT) {
		wp = *(const struct uffdio_writeprotect *)argument;
		wp.range = range;
		copy = &wp;
	}
	if (range.len)
		under->ioctl(fd, request, copy);
}

/* What a scan does before it fails. */
static void scan_and_fail(int fd, enum inject_way way,
			  const struct pm_scan_arg *scan)
{
	if (way == INJECT_AFTER)
		scan_unheard(fd, scan, scan->end);
	else if (way == INJECT_HALF && half(scan->end - scan->start))
		scan_unheard(fd, scan,
			     scan->start + half(scan->end - scan->start));
}

/* What a call that succeeded says that is not so. */
static void distort(enum inject_way way, void *argument)
{
	struct pm_scan_arg *scan = argument;
	struct uffdio_api *api = argument;
	struct uffdio_register *reg = argument;

	inject_state->lacks_features |= way == INJECT_NO_ASYNC ||
					way == INJECT_NO_UNPOPULATED;
	if (way == INJECT_STALE)
		scan->walk_end = scan->start;
	else if (way == INJECT_NO_ASYNC)
		api->features &= ~(__u64)UFFD_FEATURE_WP_ASYNC;
	else if (way == INJECT_NO_UNPOPULATED)
		api->features &= ~(__u64)UFFD_FEATURE_WP_UNPOPULATED;
	else if (way == INJECT_NO_PROTECTION)
		reg->ioctls &= ~(1ULL << _UFFDIO_WRITEPROTECT);
}

static enum inject_op op_of(unsigned long request, const void *argument)
{
	const struct pm_scan_arg *scan = argument;

	switch (request) {
	case UFFDIO_API:
		return INJECT_API;
	case UFFDIO_REGISTER:
		return INJECT_REGISTER;
	case UFFDIO_UNREGISTER:
		return INJECT_UNREGISTER;
	case UFFDIO_WRITEPROTECT:
		return INJECT_WRITEPROTECT;
	case PAGEMAP_SCAN:
		return scan->vec ? INJECT_SCAN : INJECT_RESET;
	default:
		inject_fail("an unknown request");
	}
}

static int inject_ioctl(int fd, unsigned long request, void *argument)
{
	const struct inject_fault *fault = next_fault(op_of(request, argument));
	int ret;

	if (fault && fault->error && request == PAGEMAP_SCAN)
		scan_and_fail(fd, fault->way, argument);
	else if (fault && fault->way == INJECT_HALF)
		do_half(fd, request, argument);
	if (fault && fault->error &&
	    (fault->way != INJECT_AFTER || request == PAGEMAP_SCAN))
		return -fault->error;
	ret = under->ioctl(fd, request, argument);
	if (fault && ret >= 0)
		distort(fault->way, argument);
	return fault && fault->way == INJECT_AFTER ? -fault->error : ret;
}

static void inject_close(int fd)
{
	take_back(NULL, 0, fd);
	under->close(fd);
}

static void *inject_map(size_t n_bytes)
{
	void *start = refusal(INJECT_MAP) ? NULL : under->map(n_bytes);

	if (start)
		give((struct given){ start, n_bytes, -1 });
	return start;
}

static void inject_unmap(void *start, size_t n_bytes)
{
	take_back(start, n_bytes, -1);
	under->unmap(start, n_bytes);
}

/* mprotect and madvise alike. */
static int change(const struct inject_fault *fault,
		  int (*work)(uintptr_t start, size_t n_bytes, int how),
		  uintptr_t start, size_t n_bytes, int how)
{
	if (!fault)
		return work(start, n_bytes, how);
	if (fault->way == INJECT_AFTER)
		work(start, n_bytes, how);
	else if (fault->way == INJECT_HALF && half(n_bytes))
		work(start, half(n_bytes), how);
	return -fault->error;
}

static int inject_protect(uintptr_t start, size_t n_bytes, int access)
{
	return change(next_fault(INJECT_PROTECT), under->protect, start, n_bytes,
		      access);
}

static int inject_advise(uintptr_t start, size_t n_bytes, int advice)
{
	return change(next_fault(INJECT_ADVISE), under->advise, start, n_bytes,
		      advice);
}

static int inject_is_closed(uintptr_t start, size_t n_bytes)
{
	int error = refusal(INJECT_IS_CLOSED);

	return error ? error : under->is_closed(start, n_bytes);
}

static int inject_sparse_file(const char *name, uint64_t n_bytes)
{
	int error = refusal(INJECT_SPARSE_FILE);

	return error ? error : give_fd(under->sparse_file(name, n_bytes));
}

static int inject_map_part(int fd, uint64_t offset, size_t n_bytes, void **start)
{
	int ret = refusal(INJECT_MAP_PART);

	if (!ret)
		ret = under->map_part(fd, offset, n_bytes, start);
	if (!ret)
		give((struct given){ *start, n_bytes, -1 });
	return ret;
}

static int inject_move(void *from, void *to, size_t n_bytes)
{
	int ret = refusal(INJECT_MOVE);

	if (!ret)
		ret = under->move(from, to, n_bytes);
	if (!ret)
		take_back(from, n_bytes, -1);
	return ret;
}

static void inject_discard(void *start, size_t n_bytes)
{
	if (!next_fault(INJECT_DISCARD))
		under->discard(start, n_bytes);
}

/* What cannot fail is as it is. */
const struct ww_kernel_ops *inject_over(const struct ww_kernel_ops *kernel)
{
	static struct ww_kernel_ops table;

	under = kernel;
	table = *kernel;
	table.userfaultfd = inject_userfaultfd;
	table.open_pagemap = inject_open_pagemap;
	table.ioctl = inject_ioctl;
	table.close = inject_close;
	table.map = inject_map;
	table.unmap = inject_unmap;
	table.protect = inject_protect;
	table.advise = inject_advise;
	table.is_closed = inject_is_closed;
	table.sparse_file = inject_sparse_file;
	table.map_part = inject_map_part;
	table.move = inject_move;
	table.discard = inject_discard;
	return &table;
}
