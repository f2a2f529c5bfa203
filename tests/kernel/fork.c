/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Trap K11: a forked child has neither registrations nor bits, and the pagemap
 * descriptor that it inherits still means its parent.
 */
#include "memory.h"
#include "tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { N_PAGES = 600, COMMITTED = 64 };

/* What the child saw; shared with it. */
struct report {
	size_t n;
	uintptr_t addresses[N_PAGES];
};

enum { FIRST, AGAIN, AFTER_WRITE, AFTER_RESET, NEW_REGION, GRANDCHILD, N_REPORTS };

static struct report *reports;

static void ask(const struct area *area, int which, bool reset)
{
	struct report *report = &reports[which];

	report->n = area_get(area, 0, area->n_pages, reset, report->addresses,
			     N_PAGES);
}

static _Noreturn void be_grandchild(const struct area *area)
{
	ask(area, GRANDCHILD, true);
	_exit(0);
}

static _Noreturn void be_child(const struct area *area)
{
	struct area other;
	pid_t pid;

	ask(area, FIRST, true);
	ask(area, AGAIN, true);
	area_write(area, 3);
	area_write(area, 33);
	ask(area, AFTER_WRITE, true);
	ask(area, AFTER_RESET, true);
	area_reserve(&other, area->regions, 8);
	area_commit(&other, 0, 8);
	area_write(&other, 2);
	ask(&other, NEW_REGION, true);
	reports[NEW_REGION].addresses[0] -= (uintptr_t)other.memory;
	pid = fork();
	if (!pid)
		be_grandchild(area);
	waitpid(pid, NULL, 0);
	_exit(0);
}

static bool is_run(const struct area *area, int which, size_t n_pages)
{
	const struct report *report = &reports[which];

	for (size_t i = 0; i < report->n; i++)
		if (report->addresses[i] != (uintptr_t)area_page(area, i))
			return false;
	return report->n == n_pages;
}

static void show_trap(void)
{
	char *memory = map_pages(8, PROT_READ | PROT_WRITE);
	size_t n_bytes = 8 * ww_page_size();
	struct ww_tracker tracker;
	struct page_region vec[8];
	int status, n;
	pid_t pid;

	tracker_or_skip(&tracker);
	if (tracker.backend->watch(&tracker, (uintptr_t)memory, n_bytes) ||
	    tracker.backend->arm(&tracker, (uintptr_t)memory, n_bytes))
		bail_out("watching memory");
	pid = fork();
	if (!pid) {
		memset(memory, 1, n_bytes);
		n = raw_scan(tracker.pagemap, memory, 8, 0, vec, 8, NULL);
		_exit(n < 0 ? 100 : n);
	}
	waitpid(pid, &status, 0);
	n = WEXITSTATUS(status);
	diag("this kernel: a child that wrote 8 pages sees %s by its parent's "
	     "descriptor", n == 100 ? "an error" : n ? "them" : "nothing");
	ww_tracker_close(&tracker);
	unmap_pages(memory, 8);
}

static void fork_one(struct ww_regions *regions)
{
	struct area area;
	int status;
	pid_t pid;

	area_reserve(&area, regions, N_PAGES);
	area_commit(&area, 0, COMMITTED);
	area_write(&area, 5);
	area_reset(&area, 0, N_PAGES);
	area_write(&area, 7);
	pid = fork();
	if (!pid)
		be_child(&area);
	waitpid(pid, &status, 0);
	ok(WIFEXITED(status) && !WEXITSTATUS(status), "the child ends well");
	ok(is_run(&area, FIRST, COMMITTED),
	   "its first Get reports all that is committed and nothing else");
	ok(reports[AGAIN].n == 0, "the next reports nothing");
	ok(reports[AFTER_WRITE].n == 2 &&
	   reports[AFTER_WRITE].addresses[0] == (uintptr_t)area_page(&area, 3) &&
	   reports[AFTER_WRITE].addresses[1] == (uintptr_t)area_page(&area, 33),
	   "it is exact from then on");
	ok(reports[AFTER_RESET].n == 0, "its resets work");
	ok(reports[NEW_REGION].n == 1 &&
	   reports[NEW_REGION].addresses[0] == 2 * ww_page_size(),
	   "memory that it reserves itself is exact");
	ok(is_run(&area, GRANDCHILD, COMMITTED),
	   "its own child reports everything in turn");
	is_written(&area, true, "7", "the parent has what it wrote itself");
	is_written(&area, true, "", "and resets it");
	area_write(&area, 9);
	is_written(&area, true, "9", "and goes on");
	area_release(&area);
}

static bool is_reported(const struct area *area, int which, size_t page)
{
	for (size_t i = 0; i < reports[which].n; i++)
		if (reports[which].addresses[i] == (uintptr_t)area_page(area, page))
			return true;
	return false;
}

/* A child that commits before it asks anything. */
static void commit_first(struct ww_regions *regions)
{
	struct area area;
	int status;
	pid_t pid;

	memset(reports, 0, sizeof(*reports) * N_REPORTS);
	area_reserve(&area, regions, N_PAGES);
	area_commit(&area, 0, 8);
	pid = fork();
	if (!pid) {
		area_commit(&area, 8, 8);
		area_write(&area, 12);
		ask(&area, FIRST, true);
		area_write(&area, 12);
		ask(&area, AGAIN, true);
		area_decommit(&area, 0, 16);
		ask(&area, AFTER_RESET, true);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	ok(WIFEXITED(status) && !WEXITSTATUS(status) && reports[FIRST].n >= 9 &&
	   reports[FIRST].addresses[7] == (uintptr_t)area_page(&area, 7) &&
	   is_reported(&area, FIRST, 12),
	   "a child that commits first: what it had before, what it wrote");
	ok(reports[AGAIN].n == 1 && reports[AGAIN].addresses[0] ==
	   (uintptr_t)area_page(&area, 12), "and is exact afterwards");
	ok(reports[AFTER_RESET].n == 0, "and clean after a decommit");
	area_release(&area);
}

/* Bits that were known to be written when it forked. */
static void decommitted(struct ww_regions *regions)
{
	struct area area;
	int status;
	pid_t pid;

	memset(reports, 0, sizeof(*reports) * N_REPORTS);
	area_reserve(&area, regions, N_PAGES);
	area_commit(&area, 0, 8);
	area_write(&area, 0);
	area_decommit(&area, 0, 8);
	pid = fork();
	if (!pid) {
		ask(&area, FIRST, true);
		ask(&area, AGAIN, true);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	ok(WIFEXITED(status) && !WEXITSTATUS(status) && is_run(&area, FIRST, 1) &&
	   reports[AGAIN].n == 0, "what was written before a decommit goes along");
	is_written(&area, true, "0", "and stays with the parent");
	area_release(&area);
}

/* Its parent takes such a bit while the child comes to life, in some rounds
 * before the child has had the processor. */
static void taken_at_once(struct ww_regions *regions)
{
	enum { ROUNDS = 200 };
	struct area area;
	int right = 0;

	area_reserve(&area, regions, 8);
	for (int i = 0; i < ROUNDS; i++) {
		uintptr_t address;
		pid_t pid;

		memset(reports, 0, sizeof(*reports) * N_REPORTS);
		area_commit(&area, 0, 8);
		area_write(&area, 5);
		area_decommit(&area, 0, 8);
		pid = fork();
		if (!pid) {
			ask(&area, FIRST, false);
			_exit(0);
		}
		right += area_get(&area, 0, 8, true, &address, 1) == 1;
		waitpid(pid, NULL, 0);
		right += reports[FIRST].n == 1 && is_reported(&area, FIRST, 5);
	}
	if (!ok(right == 2 * ROUNDS, "also if the parent takes it at once"))
		diag("%d reports are missing in %d rounds", 2 * ROUNDS - right,
		     ROUNDS);
	area_release(&area);
}

/* The child's own writes before it asked anything, in memory that it then
 * decommits: the parent's bits say nothing about them. */
static void decommit_first(struct ww_regions *regions)
{
	struct area area;
	pid_t pid;

	memset(reports, 0, sizeof(*reports) * N_REPORTS);
	area_reserve(&area, regions, N_PAGES);
	area_commit(&area, 0, 8);
	pid = fork();
	if (!pid) {
		area_write(&area, 0);
		area_decommit(&area, 0, 8);
		ask(&area, FIRST, true);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	ok(reports[FIRST].n && reports[FIRST].addresses[0] ==
	   (uintptr_t)area.memory, "a child that decommits first loses nothing");
	is_written(&area, true, "", "the parent did not write");
	area_release(&area);
}

/* A child that reserves and watches before it asks anything. */
static void reserve_first(struct ww_regions *regions)
{
	size_t n_bytes = 8 * ww_page_size();
	sigset_t saved;
	int status;
	pid_t pid;

	memset(reports, 0, sizeof(*reports) * N_REPORTS);
	pid = fork();
	if (!pid) {
		struct area area = { regions, map_pages(8, PROT_NONE), 8 };
		int ret;

		ww_regions_lock(regions, &saved);
		ret = ww_regions_reserve(regions, (uintptr_t)area.memory,
					 n_bytes, WW_MEMORY_RESERVED);
		ww_regions_unlock(regions, &saved);
		if (ret)
			_exit(1);
		area_commit(&area, 0, 8);
		area_write(&area, 1);
		ask(&area, FIRST, true);
		area_write(&area, 2);
		ask(&area, AGAIN, true);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	ok(!status, "a child can reserve before it asks");
	ok(reports[FIRST].n && reports[AGAIN].n == 1, "and is exact in the end");
}

/* Both processes go on by themselves: what the child does to its memory must
 * not reach its parent's. */
static void parent_goes_on(struct ww_regions *regions)
{
	struct area area;
	int ends[2];
	char byte;
	pid_t pid;

	area_reserve(&area, regions, N_PAGES);
	area_commit(&area, 0, 8);
	if (pipe(ends))
		bail_out("making a pipe");
	pid = fork();
	if (!pid) {
		if (read(ends[0], &byte, 1) != 1)
			_exit(1);
		area_commit(&area, 8, 8);
		_exit(0);
	}
	area_commit(&area, 8, 8);
	area_write(&area, 12);
	if (write(ends[1], "", 1) != 1)
		bail_out("writing to a pipe");
	waitpid(pid, NULL, 0);
	is_written(&area, true, "12", "a child's commit leaves its parent alone");
	close(ends[0]);
	close(ends[1]);
	area_release(&area);
}

/* A child that has no use for it. */
static void close_first(struct ww_regions *regions)
{
	struct area area;
	pid_t pid;

	area_reserve(&area, regions, N_PAGES);
	area_commit(&area, 0, 8);
	area_write(&area, 4);
	pid = fork();
	if (!pid) {
		ww_regions_close(regions);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	is_written(&area, true, "4", "a child's close leaves its parent alone");
	area_release(&area);
}

static size_t n_descriptors(void)
{
	size_t n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* Reviving opens as many descriptors as it closes. */
static void descriptors(struct ww_regions *regions)
{
	struct area area;
	size_t before = n_descriptors();
	int status;
	pid_t pid;

	area_reserve(&area, regions, 8);
	area_commit(&area, 0, 8);
	pid = fork();
	if (!pid) {
		ask(&area, FIRST, false);
		_exit(n_descriptors() != before);
	}
	waitpid(pid, &status, 0);
	ok(!status, "the child has as many descriptors as its parent");
	area_release(&area);
}

int main(void)
{
	struct ww_regions *regions = regions_or_skip();

	reports = mmap(NULL, sizeof(*reports) * N_REPORTS,
		       PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (reports == MAP_FAILED)
		bail_out("mapping memory");
	show_trap();
	fork_one(regions);
	commit_first(regions);
	decommitted(regions);
	taken_at_once(regions);
	decommit_first(regions);
	reserve_first(regions);
	parent_goes_on(regions);
	close_first(regions);
	descriptors(regions);
	ww_regions_close(regions);
	return done_testing();
}
