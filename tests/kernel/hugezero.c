/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Blocks that are armed by a huge zero page are as exact as any others, whatever
 * happens to them.
 */
#include "memory.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

enum { N_BLOCKS = 3, RACE_BLOCKS = 4, N_RACES = 40 };

static struct ww_regions *regions;
static size_t per_block;	/* pages */
static int pagemap;

/* ---- Memory that begins with a block ---- */

static char *map_blocks(size_t n_blocks, int protection)
{
	size_t n_pages = (n_blocks + 1) * per_block;
	char *memory = map_pages(n_pages, protection);
	size_t before = -(uintptr_t)memory % ww_block_size() / ww_page_size();

	unmap_pages(memory, before);
	memory += before * ww_page_size();
	unmap_pages(memory + n_blocks * ww_block_size(), per_block - before);
	return memory;
}

static void begin_region(struct area *area, enum ww_memory memory)
{
	sigset_t saved;
	int ret;

	ww_regions_lock(area->regions, &saved);
	ret = ww_regions_reserve(area->regions, (uintptr_t)area->memory,
				 area->n_pages * ww_page_size(), memory);
	ww_regions_unlock(area->regions, &saved);
	if (ret) {
		errno = -ret;
		bail_out("watching memory");
	}
}

static struct area reserve_blocks(size_t n_blocks)
{
	struct area area = { regions, map_blocks(n_blocks, PROT_NONE),
			     n_blocks * per_block };

	begin_region(&area, WW_MEMORY_RESERVED);
	return area;
}

static struct area commit_blocks(size_t n_blocks)
{
	struct area area = reserve_blocks(n_blocks);

	area_commit(&area, 0, area.n_pages);
	return area;
}

/* How many pages of the block are mapped as a huge zero page. */
static size_t n_huge(const struct area *area, size_t block)
{
	struct page_region region;
	struct pm_scan_arg arg = { 0 };

	arg.size = sizeof(arg);
	arg.start = (uintptr_t)area_page(area, block * per_block);
	arg.end = arg.start + ww_block_size();
	arg.vec = (uintptr_t)&region;
	arg.vec_len = 1;
	arg.category_mask = PAGE_IS_HUGE | PAGE_IS_PFNZERO;
	arg.return_mask = PAGE_IS_HUGE | PAGE_IS_PFNZERO;
	if (ww_linux.ioctl(pagemap, PAGEMAP_SCAN, &arg) != 1)
		return 0;
	return (region.end - region.start) / ww_page_size();
}

static bool has_word(const char *path, const char *word)
{
	char text[256] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		*text = '\0';
	close(fd);
	return strstr(text, word);
}

/* Why this machine has no huge zero pages; NULL if it has. */
static const char *missing(void)
{
	if (access("/sys/kernel/mm/transparent_hugepage", F_OK))
		return "this kernel has no transparent huge pages";
	if (has_word("/sys/kernel/mm/transparent_hugepage/enabled", "[never]"))
		return "transparent huge pages are set to never";
	if (has_word("/sys/kernel/mm/transparent_hugepage/use_zero_page", "0"))
		return "the huge zero page is switched off";
	return NULL;
}

static void is_huge(const struct area *area, size_t block, bool wanted,
		    const char *name)
{
	const char *why = missing();

	if (why && wanted)
		skip(name, why);
	else
		ok(n_huge(area, block) == (wanted ? per_block : 0), "%s", name);
}

static void set_access(const struct area *area, size_t first, size_t n_pages,
		       int protection)
{
	if (mprotect(area_page(area, first), n_pages * ww_page_size(), protection))
		bail_out("changing access");
}

/* ---- One thing each ---- */

static void few_writes(void)
{
	struct area area = commit_blocks(N_BLOCKS);
	unsigned sum = 0;

	is_huge(&area, 0, true, "a block that is committed is huge");
	is_huge(&area, N_BLOCKS - 1, true, "so is the last of three");
	is_written(&area, false, "", "nothing is written");
	for (size_t page = 0; page < area.n_pages; page++)
		sum += (unsigned char)*area_page(&area, page);
	ok(!sum, "all of it reads as zero");
	is_written(&area, true, "", "reading is not writing");
	is_huge(&area, 1, true, "nor does it split a block");
	area_write(&area, 5);
	area_write(&area, 700);
	area_write(&area, 1535);
	is_written(&area, false, "5,700,1535", "three writes, three pages");
	is_written(&area, true, "5,700,1535", "with reset");
	is_written(&area, true, "", "clean again");
	area_write(&area, 4);
	area_write(&area, 5);
	area_write(&area, 511);
	area_write(&area, 512);
	is_written(&area, true, "4-5,511-512", "neighbours, and once more");
	area_reset(&area, 0, area.n_pages);
	for (size_t page = 0; page < area.n_pages; page++)
		area_write(&area, page);
	is_written(&area, true, "0-1535", "every page");
	is_written(&area, true, "", "and none");
	area_release(&area);
}

static void access_changes(void)
{
	struct area area = commit_blocks(1);

	set_access(&area, 10, 1, PROT_NONE);
	set_access(&area, 10, 1, PROT_READ | PROT_WRITE);
	is_written(&area, false, "", "one page lost access and got it back");
	area_write(&area, 10);
	area_write(&area, 12);
	set_access(&area, 0, per_block, PROT_NONE);
	is_written(&area, false, "10,12", "all did: two were written");
	set_access(&area, 0, per_block, PROT_READ);
	set_access(&area, 0, per_block, PROT_READ | PROT_WRITE);
	is_written(&area, true, "10,12", "and still are");
	area_write(&area, 11);
	is_written(&area, true, "11", "the one between");
	area_release(&area);
}

static void kernel_writes(void)
{
	struct area area = commit_blocks(1);
	char bytes[64] = { 0 };
	int ends[2];

	if (pipe(ends) || write(ends[1], bytes, sizeof(bytes)) != sizeof(bytes))
		bail_out("filling a pipe");
	ok(read(ends[0], area_page(&area, 101) - 32, sizeof(bytes)) ==
	   sizeof(bytes), "a read into two pages");
	is_written(&area, true, "100-101", "both are written");
	close(ends[0]);
	close(ends[1]);
	area_release(&area);
}

static void lost_pages(void)
{
	struct area area = commit_blocks(1);

	madvise(area_page(&area, 20), ww_page_size(), MADV_DONTNEED);
	area_write(&area, 21);
	is_written(&area, true, "20-21", "a page was discarded: it reads as written");
	is_written(&area, true, "", "once");
	area_write(&area, 20);
	is_written(&area, true, "20", "and is watched");
	unmap_pages(area_page(&area, 30), 1);
	area_write(&area, 31);
	is_written(&area, true, "31", "a page was unmapped: the others are exact");
	area_release(&area);
}

static void in_a_child(const struct area *area)
{
	pid_t child = fork();
	int status;

	if (!child) {
		area_write(area, 3);
		_exit(0);
	}
	ok(child > 0 && waitpid(child, &status, 0) == child && !status,
	   "a child writes");
}

static void forked(void)
{
	struct area area = commit_blocks(2);

	area_write(&area, 7);
	in_a_child(&area);
	is_written(&area, true, "7", "the parent has written one page");
	area_write(&area, 7);
	area_write(&area, 600);
	is_written(&area, true, "7,600", "and two after the fork");
	is_written(&area, true, "", "clean again");
	area_release(&area);
}

static void paged_out(void)
{
	struct area area = commit_blocks(1);
	size_t n_bytes = per_block * ww_page_size();

	madvise(area.memory, n_bytes, MADV_PAGEOUT);
	is_written(&area, false, "", "paged out before it was written");
	area_write(&area, 1);
	area_write(&area, 2);
	area_reset(&area, 1, 1);
	madvise(area.memory, n_bytes, MADV_PAGEOUT);
	is_written(&area, true, "2", "paged out: one clean, one written");
	area_write(&area, 1);
	is_written(&area, true, "1", "written again");
	area_release(&area);
}

/* ---- Parts of blocks ---- */

static void decommits(void)
{
	struct area area = commit_blocks(2);

	area_write(&area, 50);
	area_write(&area, 150);
	area_decommit(&area, 100, 100);
	is_written(&area, false, "50,150", "a part of a block is decommitted");
	area_commit(&area, 100, 100);
	is_written(&area, true, "50,150", "and committed again");
	area_write(&area, 160);
	area_write(&area, 200);
	is_written(&area, true, "160,200", "both sides of it are exact");
	area_decommit(&area, per_block, per_block);
	area_commit(&area, per_block, per_block);
	is_huge(&area, 1, true, "a whole block that came back is huge again");
	is_written(&area, true, "", "and clean");
	area_release(&area);
}

static void partly_committed(void)
{
	struct area area = reserve_blocks(2);

	area_commit(&area, 3, 7);
	area_write(&area, 4);
	area_commit(&area, 0, area.n_pages);
	is_written(&area, false, "4", "a block that was committed in part before");
	is_huge(&area, 0, false, "is not huge");
	is_huge(&area, 1, true, "the next one is");
	area_write(&area, 11);
	area_write(&area, 600);
	is_written(&area, true, "4,11,600", "both are exact");
	area_release(&area);
	area = reserve_blocks(N_BLOCKS);
	area_commit(&area, 300, 1000);
	is_huge(&area, 0, false, "a block that is committed in part is not huge");
	is_huge(&area, 1, true, "the whole one in the middle is");
	area_write(&area, 300);
	area_write(&area, 512);
	area_write(&area, 1299);
	is_written(&area, true, "300,512,1299", "the edges are exact");
	area_release(&area);
}

static bool can_be_read(const struct area *area, size_t page)
{
	int ends[2];
	ssize_t n;

	if (pipe(ends))
		bail_out("making a pipe");
	n = write(ends[1], area_page(area, page), 1);
	close(ends[0]);
	close(ends[1]);
	return n == 1;
}

/* The registry has been told, and then the memory could not be had. */
static void failed_commit(void)
{
	struct area area = reserve_blocks(2);
	sigset_t saved;

	ww_regions_lock(regions, &saved);
	ww_regions_commit(regions, (uintptr_t)area.memory, ww_block_size());
	ww_regions_unlock(regions, &saved);
	ok(!can_be_read(&area, 0) && !can_be_read(&area, per_block - 1),
	   "a commit that fails later gives no access");
	is_written(&area, false, "", "and writes nothing");
	area_commit(&area, 0, area.n_pages);
	is_written(&area, true, "", "committed at last");
	area_write(&area, 9);
	is_written(&area, true, "9", "and watched");
	area_release(&area);
}

/* The registry has not heard of it, so it comes to commit all of the block. */
static void committed_from_outside(void)
{
	struct area area = reserve_blocks(2);
	sigset_t saved;

	set_access(&area, 5, 1, PROT_READ | PROT_WRITE);
	ww_regions_lock(regions, &saved);
	ww_regions_commit(regions, (uintptr_t)area.memory, 2 * ww_block_size());
	ww_regions_unlock(regions, &saved);
	is_huge(&area, 0, false, "committed from outside in part: not huge");
	ok(can_be_read(&area, 5), "and what was has kept its access");
	set_access(&area, 0, area.n_pages, PROT_READ | PROT_WRITE);
	area_write(&area, 6);
	is_written(&area, true, "6", "exact");
	area_release(&area);
}

/* ---- Memory that is committed from the start ---- */

static void committed_at_once(void)
{
	struct area area = { regions, map_blocks(2, PROT_READ | PROT_WRITE),
			     2 * per_block };

	begin_region(&area, WW_MEMORY_COMMITTED);
	is_huge(&area, 1, true, "reserved and committed at once: huge");
	area_write(&area, 6);
	is_written(&area, true, "6", "exact");
	area_release(&area);
	area.memory = map_blocks(2, PROT_NONE);
	begin_region(&area, WW_MEMORY_COMMITTED);
	ok(!can_be_read(&area, 0), "without access: it stays so");
	set_access(&area, 0, area.n_pages, PROT_READ | PROT_WRITE);
	is_written(&area, false, "", "clean when it has access");
	area_write(&area, 6);
	is_written(&area, true, "6", "exact, too");
	area_release(&area);
}

static bool is_advised(const struct area *area, const char *flag)
{
	FILE *file = fopen("/proc/self/smaps", "r");
	bool inside = false, found = false;
	unsigned long start, end;
	char line[512];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			inside = start <= (uintptr_t)area->memory &&
				 end > (uintptr_t)area->memory;
		else if (inside && !strncmp(line, "VmFlags:", 8))
			found = strstr(line, flag);
	if (file)
		fclose(file);
	return found;
}

static void in_use(void)
{
	struct area area = { regions, map_blocks(2, PROT_READ | PROT_WRITE),
			     2 * per_block };
	bool advised;

	madvise(area.memory, 2 * ww_block_size(), MADV_HUGEPAGE);
	advised = is_advised(&area, " hg");
	memset(area.memory, 7, ww_block_size());
	begin_region(&area, WW_MEMORY_IN_USE);
	is_huge(&area, 1, false, "memory in use: no huge zero page");
	ok(is_advised(&area, " hg") == advised, "its advice stays");
	ok(*area_page(&area, 100) == 7, "so do its contents");
	is_written(&area, false, "", "it is clean");
	area_write(&area, 100);
	area_write(&area, 800);
	is_written(&area, true, "100,800", "and watched");
	area_release(&area);
}

static void switched_off(void)
{
	struct ww_regions *usual = regions;
	struct area area;

	setenv("WINEWATCH_HUGE_ZERO", "0", 1);
	regions = regions_or_skip();
	unsetenv("WINEWATCH_HUGE_ZERO");
	area = commit_blocks(1);
	is_huge(&area, 0, false, "switched off: no huge zero page");
	area_write(&area, 8);
	is_written(&area, true, "8", "and exact");
	area_release(&area);
	ww_regions_close(regions);
	regions = usual;
}

/* ---- Writers racing commits of whole blocks ---- */

static size_t n_faults;

/* The write is tried again until its page is there. */
static void on_fault(int signal)
{
	(void)signal;
	__atomic_fetch_add(&n_faults, 1, __ATOMIC_RELAXED);
	sched_yield();
}

static void *write_all(void *argument)
{
	const struct area *area = argument;

	for (size_t page = 0; page < area->n_pages; page++)
		*(volatile char *)area_page(area, page) = 1;
	return NULL;
}

static void *write_all_backwards(void *argument)
{
	const struct area *area = argument;

	for (size_t page = area->n_pages; page-- > 0;)
		*((volatile char *)area_page(area, page) + 8) = 1;
	return NULL;
}

static void *commit_all(void *argument)
{
	struct area *area = argument;
	unsigned seed = (unsigned)(uintptr_t)area->memory;

	for (size_t page = 0, n; page < area->n_pages; page += n) {
		n = 1 + (size_t)rand_r(&seed) % (2 * per_block);
		if (n > area->n_pages - page)
			n = area->n_pages - page;
		area_commit(area, page, n);
	}
	return NULL;
}

static size_t race(uintptr_t *addresses)
{
	static void *(*const bodies[])(void *) = { write_all, commit_all,
						   write_all_backwards };
	struct area area = reserve_blocks(RACE_BLOCKS);
	pthread_t threads[3];
	size_t n;

	for (size_t i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, bodies[i], &area);
	for (size_t i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	n = area_get(&area, 0, area.n_pages, true, addresses, area.n_pages);
	area_release(&area);
	return RACE_BLOCKS * per_block - n;
}

static void race_commits(void)
{
	size_t n_pages = RACE_BLOCKS * per_block, lost = 0;
	struct sigaction action = { .sa_handler = on_fault };
	uintptr_t *addresses = malloc(n_pages * sizeof(*addresses));

	sigaction(SIGSEGV, &action, NULL);
	for (int i = 0; i < N_RACES; i++)
		lost += race(addresses);
	ok(!lost, "writers racing commits of blocks: nothing is lost");
	diag("%zu of %zu pages lost, %zu faults", lost, N_RACES * n_pages, n_faults);
	free(addresses);
}

int main(void)
{
	regions = regions_or_skip();
	per_block = ww_block_size() / ww_page_size();
	if (per_block != 512)
		skip_all("the rows are written for blocks of 512 pages");
	pagemap = ww_linux.open_pagemap();
	few_writes();
	access_changes();
	kernel_writes();
	lost_pages();
	forked();
	paged_out();
	decommits();
	partly_committed();
	failed_commit();
	committed_from_outside();
	committed_at_once();
	in_use();
	switched_off();
	race_commits();
	ww_regions_close(regions);
	return done_testing();
}
