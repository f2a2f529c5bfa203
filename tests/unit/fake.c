/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The model kernel: a flag byte a page, and the interfaces' rules on top. */
#include "fake.h"

#include "../../kernel/abi.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
	MAPPED = 1,
	ACCESSIBLE = 2,
	REGISTERED = 4,
	PRESENT = 8,
	SWAPPED = 16,
	PROTECTED = 32,		/* without PRESENT or SWAPPED: a marker */
	REPORTED = 64,		/* for FAKE_FORGETS_LATER_WRITES */
	HUGE_ZERO = 128,	/* with PRESENT */
};

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

#define TABLE_PAGES 512
#define FIRST_FD 1000
#define MAX_FDS 64
#define ALL_FEATURES (UFFD_FEATURE_WP_ASYNC | UFFD_FEATURE_WP_UNPOPULATED | \
		      UFFD_FEATURE_PAGEFAULT_FLAG_WP)
#define ALL_CATEGORIES 0x1ff

/* Memory that the kernel knows: the fake range, or one mapping of `map`; a
 * sparse one has no pages. */
struct area {
	uintptr_t start;
	size_t n_pages;
	unsigned char *flags;
	bool *tables;
	char *seen;		/* contents when last looked at; NULL: fake */
	size_t n_bytes;
	struct area *next;
};

struct fault {
	unsigned nth;
	unsigned one_in;
	bool always;
	bool late;
	int error;
};

struct fake fake;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned char fake_flags[FAKE_PAGES];
static bool fake_table_used[FAKE_PAGES / TABLE_PAGES];
static struct area fake_area = {
	.start = FAKE_BASE, .n_pages = FAKE_PAGES, .flags = fake_flags,
	.tables = fake_table_used,
};
static struct fault faults[FAKE_SITES];
static int advised;
static enum { CLOSED, UFFD, UFFD_READY, PAGEMAP, SHARED, STALE } fds[MAX_FDS];
static uint64_t opened[MAX_FDS], n_opened;	/* as the how manieth */
static int files[MAX_FDS];	/* the kernel's descriptor of what is SHARED */
static uint64_t random_state = 1;

static uintptr_t page_size(void)
{
	return ww_page_size();
}

/* ---- Areas ---- */

static struct area *area_of(uintptr_t start, uintptr_t end)
{
	struct area *area;

	for (area = &fake_area; area; area = area->next)
		if (start >= area->start &&
		    end <= area->start + area->n_pages * page_size())
			return area;
	return NULL;
}

/* Real memory was written where its contents have changed. */
static void look_for_writes(struct area *area)
{
	for (size_t i = 0; area->seen && i < area->n_pages; i++) {
		char *now = (char *)area->start + i * page_size();
		char *before = area->seen + i * page_size();
		size_t n = area->n_bytes - i * page_size();

		if (n > page_size())
			n = page_size();
		if (!memcmp(now, before, n))
			continue;
		memcpy(before, now, n);
		area->tables[i / TABLE_PAGES] = true;
		area->flags[i] |= PRESENT;
		if (fake.lie != FAKE_FORGETS_LATER_WRITES ||
		    !(area->flags[i] & REPORTED))
			area->flags[i] &= ~PROTECTED;
		if (fake.lie == FAKE_SEES_READS && i + 2 < area->n_pages)
			area->flags[i + 2] = (area->flags[i + 2] | PRESENT) &
					     ~PROTECTED;
	}
}

static void protect_page(struct area *area, size_t i)
{
	area->flags[i] |= PROTECTED;
	area->tables[i / TABLE_PAGES] = true;
}

void fake_mmap(size_t page, size_t n_pages, bool accessible)
{
	pthread_mutex_lock(&lock);
	memset(fake_flags + page, MAPPED | (accessible ? ACCESSIBLE : 0), n_pages);
	for (size_t i = page; i + TABLE_PAGES <= page + n_pages; i++)
		if (i % TABLE_PAGES == 0)
			fake_table_used[i / TABLE_PAGES] = false;
	pthread_mutex_unlock(&lock);
}

void fake_munmap(size_t page, size_t n_pages)
{
	pthread_mutex_lock(&lock);
	memset(fake_flags + page, 0, n_pages);
	pthread_mutex_unlock(&lock);
}

void fake_protect(size_t page, size_t n_pages, bool accessible)
{
	pthread_mutex_lock(&lock);
	for (size_t i = page; i < page + n_pages; i++)
		fake_flags[i] = (fake_flags[i] & ~ACCESSIBLE) |
				(accessible ? ACCESSIBLE : 0);
	pthread_mutex_unlock(&lock);
}

/* A huge zero page is split into zero pages, and the model has no zero pages: those
 * beside the written one are as if nobody had read them. */
static void fake_write_page(size_t page)
{
	size_t first = page / TABLE_PAGES * TABLE_PAGES;

	for (size_t i = first; (fake_flags[page] & HUGE_ZERO) &&
			       i < first + TABLE_PAGES; i++)
		if (i != page && (fake_flags[i] & HUGE_ZERO))
			fake_flags[i] &= ~(PRESENT | HUGE_ZERO);
	fake_flags[page] &= ~(PROTECTED | HUGE_ZERO);
}

static bool touch(size_t page, bool write)
{
	bool accessible;

	pthread_mutex_lock(&lock);
	accessible = (fake_flags[page] & (MAPPED | ACCESSIBLE)) ==
		     (MAPPED | ACCESSIBLE);
	if (accessible) {
		fake_flags[page] = (fake_flags[page] & ~SWAPPED) | PRESENT;
		if (write)
			fake_write_page(page);
		fake_table_used[page / TABLE_PAGES] = true;
	}
	pthread_mutex_unlock(&lock);
	return accessible;
}

bool fake_write(size_t page)
{
	return touch(page, true);
}

bool fake_read(size_t page)
{
	return touch(page, false);
}

void fake_swap_out(size_t page)
{
	pthread_mutex_lock(&lock);
	if ((fake_flags[page] & (PRESENT | HUGE_ZERO)) == PRESENT)
		fake_flags[page] = (fake_flags[page] & ~PRESENT) | SWAPPED;
	pthread_mutex_unlock(&lock);
}

bool fake_accessible(size_t page)
{
	return fake_flags[page] & ACCESSIBLE;
}

bool fake_registered(size_t page)
{
	return fake_flags[page] & REGISTERED;
}

bool fake_protected(size_t page)
{
	return fake_flags[page] & PROTECTED;
}

bool fake_huge_zero(size_t page)
{
	return fake_flags[page] & HUGE_ZERO;
}

size_t fake_tables(void)
{
	size_t n = 0;

	for (size_t i = 0; i < FAKE_PAGES / TABLE_PAGES; i++)
		n += fake_table_used[i];
	return n;
}

uintptr_t fake_at(size_t page)
{
	return FAKE_BASE + page * page_size();
}

size_t fake_page(uintptr_t address)
{
	return (address - FAKE_BASE) / page_size();
}

void fake_after_fork(void)
{
	for (size_t i = 0; i < FAKE_PAGES; i++)
		fake_flags[i] &= (fake_flags[i] & PRESENT) ? MAPPED | ACCESSIBLE |
				 PRESENT : MAPPED | ACCESSIBLE;
	for (size_t i = 0; i < MAX_FDS; i++)
		if (fds[i] != CLOSED && fds[i] != SHARED)
			fds[i] = STALE;
}

void fake_reset(void)
{
	size_t mapped_bytes = fake.mapped_bytes;

	memset(fake_flags, 0, sizeof(fake_flags));
	memset(fake_table_used, 0, sizeof(fake_table_used));
	advised = 0;
	memset(fds, 0, sizeof(fds));
	fake_heal();
	fake = (struct fake){ .mapped_bytes = mapped_bytes };
}

/* ---- Failures ---- */

void fake_fail(enum fake_site site, unsigned nth, int error)
{
	faults[site] = (struct fault){ .nth = nth, .error = error };
}

void fake_fail_late(enum fake_site site, unsigned nth, int error)
{
	faults[site] = (struct fault){ .nth = nth, .late = true, .error = error };
}

void fake_fail_always(enum fake_site site, int error)
{
	faults[site] = (struct fault){ .always = true, .error = error };
}

void fake_fail_randomly(enum fake_site site, unsigned one_in, int error)
{
	faults[site] = (struct fault){ .one_in = one_in, .error = error };
}

void fake_heal(void)
{
	memset(faults, 0, sizeof(faults));
}

/* Whether this call fails, and when. What gives something out and fails has
 * not given it out. */
static int next_fault(enum fake_site site, bool *late)
{
	struct fault *fault = &faults[site];
	bool gives = site == FAKE_USERFAULTFD || site == FAKE_OPEN_PAGEMAP ||
		     site == FAKE_MAP || site == FAKE_MAP_SPARSE ||
		     site == FAKE_ALLOW;

	fake.calls[site]++;
	*late = !gives && (fault->one_in ? fake_random(2) : fault->late);
	if (fault->one_in)
		return fake_random(fault->one_in) ? 0 : fault->error;
	if (fault->always || (fault->nth && !--fault->nth))
		return fault->error;
	return 0;
}

/* Every call of the table goes through here: hook, failure, work, hook. */
static int run(enum fake_site site, int (*work)(void *), void *argument)
{
	int error, ret = 0;
	bool late;

	if (fake.before)
		fake.before(site);
	pthread_mutex_lock(&lock);
	error = next_fault(site, &late);
	if (!error || late)
		ret = work(argument);
	if (error && ret >= 0)
		ret = -error;
	pthread_mutex_unlock(&lock);
	if (fake.after)
		fake.after(site);
	return ret;
}

/* ---- Descriptors ---- */

static int open_fd(int kind)
{
	for (int i = 0; i < MAX_FDS; i++)
		if (fds[i] == CLOSED) {
			fds[i] = kind;
			opened[i] = ++n_opened;
			fake.open_fds++;
			return FIRST_FD + i;
		}
	return -EMFILE;
}

/* A descriptor that is not of this kind is a mistake of the code under test; -1
 * stands for none. */
static int check_fd(int fd, int kind)
{
	if (fd >= FIRST_FD && fd < FIRST_FD + MAX_FDS &&
	    (int)fds[fd - FIRST_FD] == kind)
		return 0;
	fake.bad_calls += fd != -1;
	return -EBADF;
}

static int do_userfaultfd(void *argument)
{
	if (*(int *)argument != (O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY))
		fake.bad_calls++;
	return open_fd(UFFD);
}

static int do_open_pagemap(void *argument)
{
	(void)argument;
	return open_fd(PAGEMAP);
}

static int fake_userfaultfd(int flags)
{
	return run(FAKE_USERFAULTFD, do_userfaultfd, &flags);
}

static int fake_open_pagemap(void)
{
	return run(FAKE_OPEN_PAGEMAP, do_open_pagemap, NULL);
}

static uint64_t fake_identify(int fd)
{
	bool any;

	pthread_mutex_lock(&lock);
	any = fd >= FIRST_FD && fd < FIRST_FD + MAX_FDS &&
	      fds[fd - FIRST_FD] != CLOSED;
	pthread_mutex_unlock(&lock);
	return any ? opened[fd - FIRST_FD] : 0;
}

static void fake_close(int fd)
{
	pthread_mutex_lock(&lock);
	if (fd < FIRST_FD || fd >= FIRST_FD + MAX_FDS ||
	    fds[fd - FIRST_FD] == CLOSED) {
		fake.bad_calls++;
	} else {
		if (fds[fd - FIRST_FD] == SHARED)
			close(files[fd - FIRST_FD]);
		fds[fd - FIRST_FD] = CLOSED;
		fake.open_fds--;
	}
	pthread_mutex_unlock(&lock);
}

/* ---- userfaultfd ---- */

struct call {
	int fd;
	void *argument;
};

static int do_api(void *data)
{
	struct call *call = data;
	struct uffdio_api *api = call->argument;

	if (check_fd(call->fd, UFFD))
		return -EBADF;
	if (api->api != UFFD_API || (api->features & ~(__u64)ALL_FEATURES))
		return -EINVAL;
	api->features = ALL_FEATURES;
	if (fake.lie == FAKE_DROPS_WP_ASYNC)
		api->features &= ~(__u64)UFFD_FEATURE_WP_ASYNC;
	if (fake.lie == FAKE_DROPS_WP_UNPOPULATED)
		api->features &= ~(__u64)UFFD_FEATURE_WP_UNPOPULATED;
	fds[call->fd - FIRST_FD] = UFFD_READY;
	return 0;
}

/* The area and the pages of a range; false if it is no range of pages. */
static struct area *pages_of(uint64_t start, uint64_t n_bytes, size_t *first,
			     size_t *n_pages)
{
	struct area *area = area_of(start, start + n_bytes);

	if (!area || !n_bytes || (start | n_bytes) & (page_size() - 1))
		return NULL;
	look_for_writes(area);
	*first = (start - area->start) / page_size();
	*n_pages = n_bytes / page_size();
	return area;
}

static bool any_mapped(const struct area *area, size_t first, size_t n_pages)
{
	for (size_t i = first; i < first + n_pages; i++)
		if (area->flags[i] & MAPPED)
			return true;
	return false;
}

static int do_register(void *data)
{
	struct call *call = data;
	struct uffdio_register *reg = call->argument;
	size_t first, n_pages;
	struct area *area;

	if (check_fd(call->fd, UFFD_READY))
		return -EBADF;
	area = pages_of(reg->range.start, reg->range.len, &first, &n_pages);
	if (!area || reg->mode != UFFDIO_REGISTER_MODE_WP ||
	    !any_mapped(area, first, n_pages))
		return -EINVAL;
	for (size_t i = first; i < first + n_pages; i++)
		if (area->flags[i] & MAPPED)
			area->flags[i] |= REGISTERED;
	/* numbers of bits, and one that stands for something else where a
	 * program would look that takes them for ioctl numbers */
	reg->ioctls = 1ULL << _UFFDIO_WAKE | 1ULL << _UFFDIO_COPY;
	if (fake.lie != FAKE_CANNOT_PROTECT)
		reg->ioctls |= 1ULL << _UFFDIO_WRITEPROTECT;
	return 0;
}

static int do_unregister(void *data)
{
	struct call *call = data;
	struct uffdio_range *range = call->argument;
	size_t first, n_pages;
	struct area *area;

	if (check_fd(call->fd, UFFD_READY))
		return -EBADF;
	area = pages_of(range->start, range->len, &first, &n_pages);
	if (!area || !any_mapped(area, first, n_pages))
		return -EINVAL;
	for (size_t i = first; i < first + n_pages; i++)
		area->flags[i] &= ~(REGISTERED | PROTECTED);
	return 0;
}

static int do_writeprotect(void *data)
{
	struct call *call = data;
	struct uffdio_writeprotect *wp = call->argument;
	size_t first, n_pages;
	struct area *area;

	if (check_fd(call->fd, UFFD_READY))
		return -EBADF;
	area = pages_of(wp->range.start, wp->range.len, &first, &n_pages);
	if (!area || (wp->mode & ~(__u64)UFFDIO_WRITEPROTECT_MODE_WP))
		return -EINVAL;
	for (size_t i = first; i < first + n_pages; i++)
		if (!(area->flags[i] & REGISTERED))
			return -ENOENT;
	if (fake.lie == FAKE_ARMS_NOTHING)
		return 0;
	for (size_t i = first; i < first + n_pages; i++)
		if (wp->mode)
			protect_page(area, i);
		else
			area->flags[i] &= ~PROTECTED;
	return 0;
}

/* ---- PAGEMAP_SCAN ---- */

/* A page without any entry: the fast path takes it for written wherever there
 * is a page table; the others, and holes, only in newer kernels. */
static bool none_is_written(const struct area *area, size_t i, bool fast)
{
	if (area->tables[i / TABLE_PAGES])
		return fast || fake.holes_written;
	return fake.holes_written && (area->flags[i] & REGISTERED);
}

static uint64_t categories_of(const struct area *area, size_t i, bool fast)
{
	unsigned flags = area->flags[i];
	uint64_t categories = 0;
	bool written = !(flags & PROTECTED);

	if (!(flags & (PRESENT | SWAPPED | PROTECTED)))
		written = none_is_written(area, i, fast);
	if (written)
		categories |= PAGE_IS_WRITTEN;
	if (flags & REGISTERED)
		categories |= PAGE_IS_WPALLOWED;
	if (flags & HUGE_ZERO)
		categories |= PAGE_IS_HUGE | PAGE_IS_PFNZERO;
	if (flags & PRESENT)
		categories |= PAGE_IS_PRESENT;
	else if (flags & (SWAPPED | PROTECTED))
		categories |= PAGE_IS_SWAPPED;
	return categories;
}

static bool selected(const struct pm_scan_arg *arg, uint64_t categories)
{
	categories ^= arg->category_inverted;
	return (categories & arg->category_mask) == arg->category_mask &&
	       (!arg->category_anyof_mask ||
		(categories & arg->category_anyof_mask));
}

static bool is_fast(const struct pm_scan_arg *arg)
{
	return arg->category_mask == PAGE_IS_WRITTEN &&
	       arg->return_mask == PAGE_IS_WRITTEN &&
	       !arg->category_anyof_mask && !arg->category_inverted;
}

static int check_scan(const struct pm_scan_arg *arg)
{
	uint64_t masks = arg->category_inverted | arg->category_mask |
			 arg->category_anyof_mask | arg->return_mask;

	if (arg->size != sizeof(*arg) || masks & ~(uint64_t)ALL_CATEGORIES ||
	    arg->flags & ~(uint64_t)(PM_SCAN_WP_MATCHING | PM_SCAN_CHECK_WPASYNC) ||
	    arg->start & (page_size() - 1) || (!arg->vec && arg->vec_len))
		return -EINVAL;
	if (arg->end < arg->start)
		return -EFAULT;
	return 0;
}

/* What a scan has emitted so far. */
struct output {
	struct page_region *regions;
	size_t n_regions;
	size_t n_pages;
};

/* False if there is no more room. */
static bool emit(const struct pm_scan_arg *arg, struct output *output,
		 uint64_t address, uint64_t categories)
{
	struct page_region *last = output->regions + output->n_regions - 1;

	if (output->n_regions && last->end == address &&
	    last->categories == categories) {
		last->end += page_size();
	} else {
		if (output->n_regions == arg->vec_len)
			return false;
		output->regions[output->n_regions++] = (struct page_region){
			address, address + page_size(), categories };
	}
	output->n_pages++;
	return true;
}

static bool is_full(const struct pm_scan_arg *arg, const struct output *output)
{
	return arg->max_pages && output->n_pages >= arg->max_pages &&
	       fake.lie != FAKE_IGNORES_MAX_PAGES;
}

/* Page by page. Registration is looked at when a page is reached, so that pages
 * below one that is not registered have been emitted and protected already. */
static int walk(const struct pm_scan_arg *arg, struct area *area, size_t first,
		size_t n_pages, struct output *output)
{
	bool resets = arg->flags & PM_SCAN_WP_MATCHING, fast = is_fast(arg);

	for (size_t i = first; i < first + n_pages; i++) {
		uint64_t categories = categories_of(area, i, fast);

		if (!(area->flags[i] & MAPPED))
			continue;
		if (!(area->flags[i] & REGISTERED)) {
			if (arg->flags & PM_SCAN_CHECK_WPASYNC)
				return -EPERM;
			if (!arg->vec)
				continue;
		}
		if (!arg->vec) {
			if (resets && fake.lie != FAKE_KEEPS_RESET)
				protect_page(area, i);
			continue;
		}
		if (!selected(arg, categories) || fake.lie == FAKE_SEES_NOTHING)
			continue;
		if (is_full(arg, output) ||
		    !emit(arg, output, area->start + i * page_size(),
			  categories & arg->return_mask)) {
			if (fake.lie != FAKE_RESETS_UNREPORTED)
				break;
		}
		area->flags[i] |= resets ? REPORTED : 0;
		if (resets && (area->flags[i] & REGISTERED) &&
		    fake.lie != FAKE_KEEPS_SCANNED)
			protect_page(area, i);
	}
	return 0;
}

/* walk_end is a lie, as it may be after 512 regions: nobody may believe it. */
static int do_scan(void *data)
{
	struct call *call = data;
	struct pm_scan_arg *arg = call->argument;
	struct output output = { (struct page_region *)(uintptr_t)arg->vec, 0, 0 };
	size_t first, n_pages;
	struct area *area;
	int ret;

	if (check_fd(call->fd, PAGEMAP))
		return -EBADF;
	ret = check_scan(arg);
	if (ret || arg->start == arg->end)
		return ret;
	fake.last_vec_len = arg->vec_len;
	fake.last_max_pages = arg->max_pages;
	area = pages_of(arg->start, arg->end - arg->start, &first, &n_pages);
	if (!area)
		return 0;
	ret = walk(arg, area, first, n_pages, &output);
	arg->walk_end = arg->start;
	if (fake.lie == FAKE_SEES_LESS && output.n_regions > 1)
		output.n_regions--;
	return ret ? ret : (int)output.n_regions;
}

static int fake_ioctl(int fd, unsigned long request, void *argument)
{
	struct call call = { fd, argument };
	const struct pm_scan_arg *scan = argument;

	switch (request) {
	case UFFDIO_API:
		return run(FAKE_API, do_api, &call);
	case UFFDIO_REGISTER:
		return run(FAKE_REGISTER, do_register, &call);
	case UFFDIO_UNREGISTER:
		return run(FAKE_UNREGISTER, do_unregister, &call);
	case UFFDIO_WRITEPROTECT:
		return run(FAKE_WRITEPROTECT, do_writeprotect, &call);
	case PAGEMAP_SCAN:
		return run(scan->flags & PM_SCAN_WP_MATCHING && !scan->vec ?
			   FAKE_RESET : FAKE_SCAN, do_scan, &call);
	default:
		fake.bad_calls++;
		return -EINVAL;
	}
}

/* ---- map, unmap, protect ---- */

/* Exactly as many bytes as were asked for, so that valgrind sees the edges. */
static struct area *new_area(size_t n_bytes)
{
	struct area *area = calloc(1, sizeof(*area));
	void *memory;

	if (posix_memalign(&memory, page_size(), n_bytes))
		abort();
	memset(memory, 0, n_bytes);
	area->start = (uintptr_t)memory;
	area->n_bytes = n_bytes;
	area->n_pages = (n_bytes + page_size() - 1) / page_size();
	area->flags = malloc(area->n_pages);
	memset(area->flags, MAPPED | ACCESSIBLE, area->n_pages);
	area->tables = calloc(area->n_pages / TABLE_PAGES + 1, sizeof(bool));
	area->seen = calloc(1, n_bytes);
	return area;
}

/* Private memory for the descriptor -1. */
static struct area *new_part(int file, uint64_t offset, size_t n_bytes)
{
	int flags = file < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
	struct area *area = calloc(1, sizeof(*area));
	void *memory = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE,
			    MAP_NORESERVE | flags, file, (off_t)offset);

	if (memory == MAP_FAILED)
		abort();
	area->start = (uintptr_t)memory;
	area->n_bytes = n_bytes;
	return area;
}

static void add_area(struct area *new)
{
	new->next = fake_area.next;
	fake_area.next = new;
	fake.mapped_bytes += new->n_bytes;
}

static int do_map(void *argument)
{
	struct area **area = argument;

	*area = new_area((size_t)*area);
	add_area(*area);
	return 0;
}

static void *fake_map(size_t n_bytes)
{
	struct area *area = (struct area *)n_bytes;

	if (run(FAKE_MAP, do_map, &area))
		return NULL;
	return (void *)area->start;
}

static int share_file(int file)
{
	int fd = open_fd(SHARED);

	if (fd < 0)
		close(file);
	else
		files[fd - FIRST_FD] = file;
	return fd;
}

static int do_sparse_file(void *argument)
{
	int file = memfd_create("fake", MFD_CLOEXEC);

	if (file < 0 || ftruncate(file, *(off_t *)argument))
		abort();
	return share_file(file);
}

static int fake_sparse_file(const char *name, uint64_t n_bytes)
{
	off_t size = (off_t)n_bytes;

	(void)name;
	return run(FAKE_MAP_SPARSE, do_sparse_file, &size);
}

int fake_open_again(int fd)
{
	int again;

	pthread_mutex_lock(&lock);
	again = check_fd(fd, SHARED) ? -1 : share_file(dup(files[fd - FIRST_FD]));
	pthread_mutex_unlock(&lock);
	return again;
}

struct part {
	int fd;
	uint64_t offset;
	size_t n_bytes;
	struct area *area;
};

static int do_map_part(void *argument)
{
	struct part *part = argument;
	int file = -1;

	if (part->fd >= 0) {
		if (check_fd(part->fd, SHARED))
			return -EBADF;
		file = files[part->fd - FIRST_FD];
	}
	part->area = new_part(file, part->offset, part->n_bytes);
	add_area(part->area);
	return 0;
}

static int fake_map_part(int fd, uint64_t offset, size_t n_bytes, void **start)
{
	struct part part = { fd, offset, n_bytes, NULL };
	int ret = run(FAKE_ALLOW, do_map_part, &part);

	if (!ret)
		*start = (void *)part.area->start;
	return ret;
}

static struct area **link_to(const void *start)
{
	struct area **link = &fake_area.next;

	while (*link && (*link)->start != (uintptr_t)start)
		link = &(*link)->next;
	return link;
}

static int do_move(void *argument)
{
	struct area **areas = argument, **link = link_to((void *)areas[1]->start);

	if (mremap((void *)areas[0]->start, areas[0]->n_bytes, areas[0]->n_bytes,
		   MREMAP_MAYMOVE | MREMAP_FIXED, areas[1]->start) == MAP_FAILED)
		return -errno;
	areas[0]->start = areas[1]->start;
	fake.mapped_bytes -= areas[1]->n_bytes;
	*link = areas[1]->next;
	free(areas[1]);
	return 0;
}

static int fake_move(void *from, void *to, size_t n_bytes)
{
	struct area *areas[2] = { *link_to(from), *link_to(to) };

	if (!areas[0] || !areas[1] || areas[0]->n_bytes != n_bytes ||
	    areas[1]->n_bytes != n_bytes) {
		fake.bad_calls++;
		return -EINVAL;
	}
	return run(FAKE_MOVE, do_move, areas);
}

static void fake_discard(void *start, size_t n_bytes)
{
	pthread_mutex_lock(&lock);
	memset(start, 0, n_bytes);
	fake.n_discarded += n_bytes / page_size();
	pthread_mutex_unlock(&lock);
}

static void fake_unmap(void *start, size_t n_bytes)
{
	struct area **link, *area;

	pthread_mutex_lock(&lock);
	link = link_to(start);
	area = *link;
	if (area && area->n_bytes == n_bytes) {
		*link = area->next;
		fake.mapped_bytes -= n_bytes;
		if (area->flags)
			free((void *)area->start);
		else
			munmap((void *)area->start, n_bytes);
		free(area->flags);
		free(area->tables);
		free(area->seen);
		free(area);
	} else {
		fake.bad_calls++;
	}
	pthread_mutex_unlock(&lock);
}

struct protection {
	uintptr_t start;
	uintptr_t end;
	int access;
};

/* Memory that can be read and not written: one piece at a time. */
static struct protection readable;

static int do_protect(void *argument)
{
	const struct protection *wanted = argument;

	if (!area_of(wanted->start, wanted->end))
		return mprotect((void *)wanted->start, wanted->end - wanted->start,
				wanted->access) ? -errno : 0;
	for (size_t i = fake_page(wanted->start); i < fake_page(wanted->end); i++)
		if (wanted->access & PROT_WRITE)
			fake_flags[i] |= ACCESSIBLE;
		else
			fake_flags[i] &= ~ACCESSIBLE;
	readable = *wanted;
	if (!wanted->access)
		readable.end = 0;
	return 0;
}

/* What a huge page is that was only read. */
static unsigned huge_page(void)
{
	return PRESENT | (fake.no_zero_page ? 0 : HUGE_ZERO);
}

static int populate_own(const struct area *area, uintptr_t start, uintptr_t end)
{
	size_t first = (start - area->start) / page_size();

	for (size_t i = 0; i < (end - start) / page_size() && fake.huge_zero; i++)
		area->flags[first + i] |= huge_page();
	return 0;
}

/* Huge zero pages come where there is no table, and small pages nowhere. */
static int populate(size_t first, size_t end)
{
	for (size_t i = first; i < end; i++)
		if (!(fake_flags[i] & ACCESSIBLE) &&
		    (fake_at(i) < readable.start || fake_at(i) >= readable.end))
			return -EFAULT;
	for (size_t i = first; i < end && fake.huge_zero; i++)
		if (!(i % TABLE_PAGES) && !fake_table_used[i / TABLE_PAGES] &&
		    i + TABLE_PAGES <= end && advised == MADV_HUGEPAGE)
			for (size_t k = 0; k < TABLE_PAGES; k++)
				fake_flags[i + k] |= huge_page();
	return 0;
}

static int do_advise(void *argument)
{
	const struct protection *wanted = argument;

	const struct area *area = area_of(wanted->start, wanted->end);

	if (!area)
		return -ENOMEM;
	if (wanted->access == MADV_POPULATE_READ && area != &fake_area)
		return populate_own(area, wanted->start, wanted->end);
	if (wanted->access == MADV_POPULATE_READ)
		return populate(fake_page(wanted->start), fake_page(wanted->end));
	advised = wanted->access;
	if (advised == MADV_HUGEPAGE && area == &fake_area &&
	    fake.most_advised < (wanted->end - wanted->start) / page_size())
		fake.most_advised = (wanted->end - wanted->start) / page_size();
	return 0;
}

static int fake_madvise(uintptr_t start, size_t n_bytes, int advice)
{
	struct protection wanted = { start, start + n_bytes, advice };

	return run(FAKE_ADVISE, do_advise, &wanted);
}

static int do_is_closed(void *argument)
{
	const struct protection *wanted = argument;

	for (size_t i = fake_page(wanted->start); i < fake_page(wanted->end); i++)
		if (fake_flags[i] & ACCESSIBLE)
			return 0;
	return 1;
}

static int fake_is_closed(uintptr_t start, size_t n_bytes)
{
	struct protection wanted = { start, start + n_bytes, 0 };

	return run(FAKE_IS_CLOSED, do_is_closed, &wanted);
}

static int fake_mprotect(uintptr_t start, size_t n_bytes, int access)
{
	struct protection wanted = { start, start + n_bytes, access };

	return run(FAKE_PROTECT, do_protect, &wanted);
}

const struct ww_kernel_ops fake_ops = {
	.userfaultfd = fake_userfaultfd,
	.open_pagemap = fake_open_pagemap,
	.ioctl = fake_ioctl,
	.identify = fake_identify,
	.close = fake_close,
	.map = fake_map,
	.unmap = fake_unmap,
	.protect = fake_mprotect,
	.advise = fake_madvise,
	.is_closed = fake_is_closed,
	.sparse_file = fake_sparse_file,
	.map_part = fake_map_part,
	.move = fake_move,
	.discard = fake_discard,
};

/* ---- Help for tests ---- */

struct ww_regions *fake_regions(void)
{
	struct ww_regions *regions;
	const char *failure;
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	assert_int_equal(ww_regions_open(&regions, &fake_ops, &blocked, &failure),
			 0);
	return regions;
}

void fake_reserve(struct ww_regions *regions, size_t page, size_t n_pages,
		  bool committed)
{
	sigset_t saved;

	fake_mmap(page, n_pages, committed);
	ww_regions_lock(regions, &saved);
	assert_int_equal(ww_regions_reserve(regions, fake_at(page),
					    n_pages * page_size(), committed), 0);
	ww_regions_unlock(regions, &saved);
}

void fake_commit(struct ww_regions *regions, size_t page, size_t n_pages)
{
	sigset_t saved;

	ww_regions_lock(regions, &saved);
	ww_regions_commit(regions, fake_at(page), n_pages * page_size());
	fake_protect(page, n_pages, true);
	ww_regions_unlock(regions, &saved);
}

int fake_decommit(struct ww_regions *regions, size_t page, size_t n_pages)
{
	size_t n_bytes = n_pages * page_size();
	sigset_t saved;
	int ret;

	ww_regions_lock(regions, &saved);
	ret = ww_regions_save(regions, fake_at(page), n_bytes);
	if (!ret) {
		fake_mmap(page, n_pages, false);
		ww_regions_decommitted(regions, fake_at(page), n_bytes);
	}
	ww_regions_unlock(regions, &saved);
	return ret;
}

void fake_release(struct ww_regions *regions, size_t page, size_t n_pages)
{
	sigset_t saved;

	ww_regions_lock(regions, &saved);
	fake_munmap(page, n_pages);
	ww_regions_released(regions, fake_at(page), n_pages * page_size());
	ww_regions_unlock(regions, &saved);
}

size_t fake_get(struct ww_regions *regions, size_t page, size_t n_pages,
		bool reset, size_t *pages, size_t capacity)
{
	static uintptr_t addresses[FAKE_PAGES + 1];
	struct ww_query query;
	size_t n;

	memset(addresses, 0xee, sizeof(addresses));
	assert_int_equal(ww_query_begin(&query, regions, fake_at(page),
					n_pages * page_size()), 0);
	n = ww_query_get(&query, reset, addresses, capacity);
	ww_query_end(&query);
	assert_true(n <= capacity);
	assert_int_equal(addresses[capacity], (uintptr_t)0xeeeeeeeeeeeeeeee);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(addresses[i] & (page_size() - 1), 0);
		assert_in_range(addresses[i], fake_at(page),
				fake_at(page + n_pages - 1));
		if (i)
			assert_true(addresses[i] > addresses[i - 1]);
		pages[i] = fake_page(addresses[i]);
	}
	return n;
}

void fake_reset_watch(struct ww_regions *regions, size_t page, size_t n_pages)
{
	struct ww_query query;

	assert_int_equal(ww_query_begin(&query, regions, fake_at(page),
					n_pages * page_size()), 0);
	ww_query_reset(&query);
	ww_query_end(&query);
}

void fake_expect(struct ww_regions *regions, size_t page, size_t n_pages,
		 size_t n_expected, ...)
{
	static size_t pages[FAKE_PAGES];
	size_t n = fake_get(regions, page, n_pages, true, pages, n_pages);
	va_list expected;

	va_start(expected, n_expected);
	for (size_t i = 0; i < n && i < n_expected; i++)
		assert_int_equal(pages[i], va_arg(expected, int));
	va_end(expected);
	assert_int_equal(n, n_expected);
}

void fake_seed(void)
{
	const char *seed = getenv("SEED");

	random_state = seed ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL);
	printf("# SEED=%llu\n", (unsigned long long)random_state);
}

void fake_seed_with(uint64_t seed)
{
	random_state = seed;
}

/* splitmix64 */
size_t fake_random(size_t below)
{
	uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (size_t)((z ^ z >> 31) % below);
}
