/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A process as a source of pages. */
#include "proc.h"

#include "../mprotect.h"
#include "abi.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define USER_SPACE UINT64_C(0x7ffffffff000)

/* The bits of /proc/PID/pagemap. */
#define SOFT_DIRTY (UINT64_C(1) << 55)
#define UFFD_WP (UINT64_C(1) << 57)
#define GUARD (UINT64_C(1) << 58)
#define FILE_PAGE (UINT64_C(1) << 61)
#define SWAPPED (UINT64_C(1) << 62)
#define PRESENT (UINT64_C(1) << 63)

/* ---- The files ---- */

int ww_proc_file(pid_t pid, const char *name, int flags)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%ld/%s",
		 (long)(pid ? pid : getpid()), name);
	fd = open(path, flags | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	return errno == ENOENT ? -ESRCH : -errno;
}

static ssize_t read_entries(int pagemap, uint64_t *entry, size_t n,
			    uint64_t address)
{
	ssize_t n_bytes;

	do
		n_bytes = pread64(pagemap, entry, n * sizeof(*entry),
				  (off64_t)(address / WW_PAGEMAP_PAGE *
					    sizeof(*entry)));
	while (n_bytes < 0 && errno == EINTR);
	if (n_bytes < 0)
		return -errno;
	return n_bytes / (ssize_t)sizeof(*entry);
}

/* Memory that has gone has no entries, not even for what is not mapped. */
bool ww_proc_alive(int pagemap)
{
	uint64_t entry;

	return read_entries(pagemap, &entry, 1, 0) == 1;
}

/* ---- What is in an entry ---- */

/* The entries from `address` on, at least one. */
static int fetch(struct ww_proc *proc, uint64_t address, uint64_t end)
{
	uint64_t n = (end - address) / WW_PAGEMAP_PAGE;
	ssize_t got;

	if (address >= proc->first &&
	    (address - proc->first) / WW_PAGEMAP_PAGE < proc->n_entries)
		return 0;
	if (n > WW_PROC_ENTRIES)
		n = WW_PROC_ENTRIES;
	proc->n_entries = 0;
	got = read_entries(proc->pagemap, proc->entry, (size_t)n, address);
	if (got <= 0)
		return got ? (int)got : -ESRCH;
	if (proc->way == WW_PROC_MPROTECT)
		ww_mprotect_states((uintptr_t)address, (size_t)got,
				   proc->state);
	proc->first = address;
	proc->n_entries = (size_t)got;
	return 0;
}

static uint64_t entry_at(const struct ww_proc *proc, uint64_t address)
{
	return proc->entry[(address - proc->first) / WW_PAGEMAP_PAGE];
}

static unsigned state_at(const struct ww_proc *proc, uint64_t address)
{
	if (proc->way != WW_PROC_MPROTECT)
		return 0;
	return proc->state[(address - proc->first) / WW_PAGEMAP_PAGE];
}

static bool occupied(uint64_t entry)
{
	return entry & (PRESENT | SWAPPED);
}

struct page {
	enum ww_pages_kind kind;
	unsigned facts;
};

/* The kernel sets the bit on all pages of a dirty mapping, so there it says
 * nothing of the page. What is there may have been written. */
static unsigned dirt_of(const struct ww_proc *proc, uint64_t entry,
			unsigned kept)
{
	unsigned facts = 0;

	if (proc->pages.soft_dirty && occupied(entry) && entry & SOFT_DIRTY)
		facts |= WW_PAGE_SOFT_DIRTY;
	if (kept & WW_DIRT_WRITTEN)
		facts |= WW_PAGE_SOFT_DIRTY;
	if (kept & WW_DIRT_FRESH)
		facts |= WW_MAPPING_SOFT_DIRTY;
	return facts;
}

/* A clean page where nothing is: it was so when it was cleaned, or its contents
 * were dropped since, which is a change. */
static bool is_clean(uint64_t entry, unsigned facts, unsigned kept)
{
	return !(facts & (WW_PAGE_SOFT_DIRTY | WW_MAPPING_SOFT_DIRTY)) &&
	       (occupied(entry) || kept & WW_DIRT_EMPTY);
}

static bool is_protected(const struct ww_proc *proc, uint64_t address,
			 unsigned facts, unsigned kept)
{
	uint64_t entry = entry_at(proc, address);

	switch (proc->way) {
	case WW_PROC_UFFD:
		return entry & UFFD_WP;
	case WW_PROC_SOFT_DIRTY:
		return facts & WW_MAPPING_WP && is_clean(entry, facts, kept);
	case WW_PROC_MPROTECT:
		return state_at(proc, address) & WW_MPROTECT_ARMED;
	case WW_PROC_NOTHING:
		break;
	}
	return false;
}

/* A scan that has seen something there must tell when it goes. */
static struct page describe(struct ww_proc *proc,
			    const struct ww_mapping *mapping, uint64_t address)
{
	uint64_t entry = entry_at(proc, address);
	unsigned kept = ww_dirt_get(&proc->dirt, address);
	struct page page = { WW_PAGES_NONE, mapping->facts };

	if (occupied(entry) && kept & WW_DIRT_EMPTY)
		ww_dirt_occupied(&proc->dirt, address);
	page.facts |= dirt_of(proc, entry, kept);
	if (entry & PRESENT)
		page.facts |= WW_PAGE_PRESENT;
	if (entry & SWAPPED)
		page.facts |= WW_PAGE_SWAPPED;
	/* pagemap takes the huge zero page for a file's, too */
	if (entry & FILE_PAGE && mapping->facts & WW_MAPPING_FILE)
		page.facts |= WW_PAGE_FILE;
	if (entry & SWAPPED && entry & GUARD)
		page.facts |= WW_PAGE_GUARD;
	if (state_at(proc, address) & WW_MPROTECT_WATCHED)
		page.facts |= WW_MAPPING_WATCHED;
	if (is_protected(proc, address, page.facts, kept))
		page.facts |= WW_PAGE_PROTECTED;
	if (mapping->hugetlb)
		page.kind = WW_PAGES_HUGETLB;
	else if (occupied(entry) || page.facts & WW_PAGE_PROTECTED)
		page.kind = WW_PAGES_ENTRY;
	return page;
}

/* ---- Mappings ---- */

/* Asks about nothing but whether the mapping is watched. */
static bool is_watched(const struct ww_proc *proc,
		       const struct ww_mapping *mapping)
{
	struct ww_pm_arg_mainline arg = {
		.size = sizeof(arg), .flags = WW_PM_CHECK_WPASYNC,
		.start = mapping->start, .end = mapping->start + 1,
	};

	return !ioctl(proc->pagemap, WW_PM_SCAN_MAINLINE, &arg);
}

/* The kernel does not clean hugetlb pages and those without a struct page, so
 * that nothing can be learnt from their bits. */
static bool never_cleaned(const struct ww_mapping *mapping)
{
	return mapping->hugetlb || mapping->facts & WW_MAPPING_PFNMAP;
}

static void note_watch(const struct ww_proc *proc, struct ww_mapping *mapping)
{
	if (proc->way == WW_PROC_UFFD) {
		if (mapping->facts & WW_MAPPING_WP && is_watched(proc, mapping))
			mapping->facts |= WW_MAPPING_WATCHED;
		return;
	}
	mapping->facts &= ~(unsigned)WW_MAPPING_WP;
	if (proc->way == WW_PROC_SOFT_DIRTY && !never_cleaned(mapping))
		mapping->facts |= WW_MAPPING_WATCHED;
}

static int learn_mappings(struct ww_proc *proc, uint64_t end)
{
	int error;

	if (end <= proc->known)
		return 0;
	proc->known = 0;
	error = ww_mappings_read(&proc->mappings, proc->smaps, end);
	if (error)
		return error;
	for (size_t i = 0; i < proc->mappings.n; i++)
		note_watch(proc, &proc->mappings.item[i]);
	proc->known = end;
	return 0;
}

/* ---- Pages ---- */

static uint64_t round_up(uint64_t address, uint64_t n_bytes)
{
	return address - address % n_bytes + n_bytes;
}

static bool same(struct page page, struct page other)
{
	return page.kind == other.kind && page.facts == other.facts;
}

static int look(struct ww_proc *proc, const struct ww_mapping *mapping,
		struct ww_pages_unit *unit)
{
	int error = fetch(proc, unit->start, mapping->end);
	struct page page;

	if (error)
		return error;
	page = describe(proc, mapping, unit->start);
	unit->kind = page.kind;
	unit->facts = page.facts;
	unit->n_whole = mapping->n_entry;
	if (page.kind == WW_PAGES_HUGETLB)
		return 0;
	for (uint64_t at = unit->start; at < unit->end; at += WW_PAGEMAP_PAGE) {
		error = fetch(proc, at, mapping->end);
		if (error)
			return error;
		if (!same(page, describe(proc, mapping, at)))
			unit->end = at;
	}
	unit->n_whole = unit->end - unit->start;
	return 0;
}

static int proc_next(struct ww_pages *pages, uint64_t at, uint64_t end,
		     struct ww_pages_unit *unit)
{
	struct ww_proc *proc = (struct ww_proc *)pages;
	int error = at < end ? learn_mappings(proc, end) : 0;
	const struct ww_mapping *mapping;
	uint64_t top;

	if (error)
		return error;
	mapping = ww_mappings_find(&proc->mappings, at);
	if (!mapping || mapping->start >= end || at >= end)
		return 0;
	unit->start = at > mapping->start ? at : mapping->start;
	top = round_up(unit->start, mapping->hugetlb ? mapping->n_entry :
						       WW_PAGEMAP_TABLE);
	unit->end = end < mapping->end ? end : mapping->end;
	if (unit->end > top)
		unit->end = top;
	error = look(proc, mapping, unit);
	return error ? error : 1;
}

/* ---- Changes ---- */

static int protect_by_kernel(const struct ww_proc *proc, uint64_t start,
			     uint64_t end)
{
	struct ww_pm_arg_mainline arg = {
		.size = sizeof(arg), .flags = WW_PM_WP_MATCHING,
		.start = start, .end = end,
	};

	return ioctl(proc->pagemap, WW_PM_SCAN_MAINLINE, &arg) < 0 ? -errno : 0;
}

static int keep_page(struct ww_proc *proc, uint64_t address)
{
	uint64_t entry = entry_at(proc, address);

	if (!occupied(entry))
		return 0;
	ww_dirt_occupied(&proc->dirt, address);
	return entry & SOFT_DIRTY ? ww_dirt_keep(&proc->dirt, address) : 0;
}

static int keep_mapping(struct ww_proc *proc, const struct ww_mapping *mapping)
{
	int error = 0;

	if (!mapping->populated || never_cleaned(mapping))
		return 0;
	for (uint64_t at = mapping->start; at < mapping->end && !error;
	     at += WW_PAGEMAP_PAGE) {
		error = fetch(proc, at, mapping->end);
		if (!error)
			error = keep_page(proc, at);
	}
	return error;
}

/* Of all pages: the kernel will forget them all. */
static int keep_dirt(struct ww_proc *proc)
{
	int error;

	proc->known = 0;
	proc->n_entries = 0;
	error = learn_mappings(proc, proc->pages.limit);
	if (!error)
		error = ww_dirt_keep_fresh(&proc->dirt, &proc->mappings);
	for (size_t i = 0; !error && i < proc->mappings.n; i++)
		error = keep_mapping(proc, &proc->mappings.item[i]);
	return error;
}

/* Once a scan: whatever is written after that stays dirty, also where the scan
 * delivers it. That page is reported twice, and none is lost. */
static int clean_process(struct ww_proc *proc)
{
	int error = proc->clear_refs < 0 ? proc->clear_refs : 0;

	if (error || proc->cleaned)
		return error;
	error = keep_dirt(proc);
	if (!error && write(proc->clear_refs, "4", 1) != 1)
		error = -errno;
	proc->cleaned = !error;
	proc->known = 0;
	proc->n_entries = 0;
	return error;
}

static int clean(struct ww_proc *proc, uint64_t start, uint64_t end,
		 bool mapping)
{
	int error = clean_process(proc);

	for (uint64_t at = start; at < end && !error; at += WW_PAGEMAP_PAGE) {
		error = fetch(proc, at, end);
		if (!error)
			error = ww_dirt_clean(&proc->dirt, at, mapping,
					      !occupied(entry_at(proc, at)));
	}
	return error;
}

static int proc_write_protect(struct ww_pages *pages, uint64_t start,
			      uint64_t end)
{
	struct ww_proc *proc = (struct ww_proc *)pages;

	switch (proc->way) {
	case WW_PROC_UFFD:
		return protect_by_kernel(proc, start, end);
	case WW_PROC_SOFT_DIRTY:
		return clean(proc, start, end, true);
	case WW_PROC_MPROTECT:
		return ww_backend_mprotect.reset(NULL, (uintptr_t)start,
						 (size_t)(end - start));
	case WW_PROC_NOTHING:
		break;
	}
	return -EOPNOTSUPP;
}

static int proc_clear_soft_dirty(struct ww_pages *pages, uint64_t start,
				 uint64_t end, bool mapping)
{
	return clean((struct ww_proc *)pages, start, end, mapping);
}

static void proc_allow(struct ww_pages *pages, uint64_t start, uint64_t end)
{
	struct ww_proc *proc = (struct ww_proc *)pages;

	if (proc->way == WW_PROC_MPROTECT && end == (uintptr_t)end)
		ww_mprotect_mark(NULL, (uintptr_t)start, (size_t)(end - start));
}

/* There are no huge pages to split here. */
static const struct ww_pages_ops proc_ops = {
	.next = proc_next,
	.write_protect = proc_write_protect,
	.clear_soft_dirty = proc_clear_soft_dirty,
	.allow = proc_allow,
};

/* ---- Opening ---- */

/* Whether new memory is soft-dirty, tried on a page of our own: where the bit
 * does not exist it reads as zero. */
static bool has_soft_dirty(void)
{
	int pagemap = ww_proc_file(0, "pagemap", O_RDONLY);
	volatile char *page = mmap(NULL, WW_PAGEMAP_PAGE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t entry = 0;

	if (page != MAP_FAILED) {
		*page = 1;
		read_entries(pagemap, &entry, 1, (uintptr_t)page);
		munmap((void *)page, WW_PAGEMAP_PAGE);
	}
	close(pagemap);
	return entry & SOFT_DIRTY;
}

static bool has_scan(int pagemap)
{
	struct ww_pm_arg_mainline arg = { .size = sizeof(arg) };

	return !ioctl(pagemap, WW_PM_SCAN_MAINLINE, &arg);
}

int ww_proc_open(struct ww_proc *proc, pid_t pid)
{
	*proc = (struct ww_proc){
		.pages = { &proc_ops, USER_SPACE, has_soft_dirty() },
		.pagemap = ww_proc_file(pid, "pagemap", O_RDONLY),
		.smaps = ww_proc_file(pid, "smaps", O_RDONLY),
		.clear_refs = ww_proc_file(pid, "clear_refs", O_WRONLY),
		.opener = getpid(),
	};
	if (proc->pagemap < 0 || proc->smaps < 0) {
		int error = proc->pagemap < 0 ? proc->pagemap : proc->smaps;

		ww_proc_close(proc);
		return error;
	}
	if (has_scan(proc->pagemap))
		proc->way = WW_PROC_UFFD;
	else if (proc->pages.soft_dirty)
		proc->way = WW_PROC_SOFT_DIRTY;
	else if (!pid || pid == getpid())
		proc->way = WW_PROC_MPROTECT;
	return 0;
}

void ww_proc_close(struct ww_proc *proc)
{
	if (proc->pagemap >= 0)
		close(proc->pagemap);
	if (proc->smaps >= 0)
		close(proc->smaps);
	if (proc->clear_refs >= 0)
		close(proc->clear_refs);
	ww_mappings_free(&proc->mappings);
	ww_dirt_free(&proc->dirt);
}

/* A forked child has the states of its own pages, not of its parent's. */
int ww_proc_begin(struct ww_proc *proc)
{
	if (proc->way == WW_PROC_MPROTECT && getpid() != proc->opener)
		proc->way = WW_PROC_NOTHING;
	proc->known = 0;
	proc->n_entries = 0;
	proc->cleaned = false;
	return ww_proc_alive(proc->pagemap) ? 0 : -ESRCH;
}
