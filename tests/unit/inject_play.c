/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The scenarios, and the shadow that says what must come of them.
 *
 * A page that was written is in the next result that reaches it, whatever fails;
 * one that the registry does not know to be committed may be in the result after
 * that, where a call of the first query has failed.
 * A page that was not may be in it where a call of the same region has failed
 * since the last result or reset that met no failure; after that, every result is
 * exact again. If two have failed, that is so from the end of the play on, and for
 * two results: a page that could be neither watched nor armed is noticed by the
 * first query that scans it alone, and one without a page table is not protected
 * by a result that has it from what is known (up to 6.12).
 */
#include "inject.h"

#include <writewatch.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* The longest that a play may take, in seconds. */
#define LONGEST 30

/* How often an owner asks again for what was refused. */
#define ATTEMPTS 4

struct cell {
	bool committed;
	bool unseen;	/* not yet reported, and committed by somebody else, or
			 * when there may have been no memory for its run */
	bool written;
	/* it may be reported although it was not written; one that is not known
	 * to be committed, as any may be after two failures, and may have lost
	 * its watch, once again after the next commit, which may find it in a
	 * gap */
	enum { CERTAIN, UNTIL_COMMIT, SINCE_COMMIT, FADING, DOUBTFUL } doubt;
};

struct block {
	size_t first;
	size_t n_pages;
	bool reserved;
};

/* One that is no whole number of page tables; one that has some; one that is too
 * large for its runs to be joined. */
static struct block small = { 0, 700, false };
static struct block large = { 1024, 1100, false };
static struct block wide = { 4096, 8192, false };
static struct block *const blocks[] = { &small, &large, &wide };

#define N_BLOCKS (sizeof(blocks) / sizeof(blocks[0]))

static const struct inject_machine *machine;
static const struct ww_kernel_ops *ops;
static struct ww_regions *regions;
static struct cell shadow[INJECT_PAGES];
static bool hopeless;	/* a child that could not have all it needs */
static bool settling;	/* the end of the play */
static unsigned n_fired;	/* before this operation */
static unsigned n_operations;

void inject_fail(const char *format, ...)
{
	char *why = inject_state->why;
	int length = snprintf(why, sizeof(inject_state->why), "operation %u: ",
			      n_operations);
	va_list args;

	va_start(args, format);
	vsnprintf(why + length, sizeof(inject_state->why) - (size_t)length, format,
		  args);
	va_end(args);
	_exit(1);
}

static size_t bytes(size_t n_pages)
{
	return n_pages * ww_page_size();
}

/* ---- What has failed ---- */

static void begin_operation(void)
{
	n_fired = inject_state->n_fired;
	n_operations++;
}

static bool met_failure(void)
{
	return inject_state->n_fired != n_fired;
}

static struct block *block_of(size_t page)
{
	for (size_t i = 0; i < N_BLOCKS; i++)
		if (page - blocks[i]->first < blocks[i]->n_pages)
			return blocks[i];
	inject_fail("page %zu is in no block", page);
}

static void doubt(const struct block *block)
{
	for (size_t i = 0; i < block->n_pages; i++)
		shadow[block->first + i].doubt = DOUBTFUL;
}

static void raise_doubt(const struct block *block)
{
	for (size_t i = 0; i < block->n_pages; i++)
		if (shadow[block->first + i].doubt == UNTIL_COMMIT)
			shadow[block->first + i].doubt = SINCE_COMMIT;
}

static void end_operation(size_t page)
{
	if (met_failure())
		doubt(block_of(page));
}

/* For operations that may be refused: only where a call has failed. */
static void check_refusal(const char *operation, int ret)
{
	if (!met_failure())
		inject_fail("%s: %d although nothing has failed", operation, ret);
	if (ret > 0)
		inject_fail("%s: %d is no error", operation, ret);
}

static void set(size_t first, size_t n_pages, bool committed, bool written)
{
	for (size_t page = first; page < first + n_pages; page++)
		shadow[page] = (struct cell){ committed, false, written,
					      shadow[page].doubt };
}

/* ---- Operations ---- */

static int try_open(void)
{
	const char *failure = NULL;
	sigset_t blocked;
	int ret;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	begin_operation();
	ret = ww_regions_open_backend(&regions, ops, &blocked, machine->backend,
				      &failure);
	if (!ret && inject_state->lacks_features)
		inject_fail("open: it goes on without what it needs");
	inject_state->lacks_features = false;
	if (!ret)
		return 0;
	check_refusal("open", ret);
	if (!failure)
		inject_fail("open: no step is named");
	if (*inject_leak(0))
		inject_fail("open: refused, and %s", inject_leak(0));
	return ret;
}

static void open_registry(void)
{
	for (int i = 0; i < ATTEMPTS; i++)
		if (!try_open())
			return;
	inject_fail("open: refused again and again");
}

static void check_unregistered(const char *operation, size_t first,
			       size_t n_pages)
{
	if (machine->registered(first, n_pages))
		inject_fail("%s: something stays registered", operation);
}

static int try_reserve(struct block *block, enum ww_memory memory)
{
	sigset_t saved;
	int ret;

	begin_operation();
	machine->map(block->first, block->n_pages, memory != WW_MEMORY_RESERVED);
	ww_regions_lock(regions, &saved);
	ret = ww_regions_reserve(regions, machine->at(block->first),
				 bytes(block->n_pages), memory);
	ww_regions_unlock(regions, &saved);
	if (!ret)
		return 0;
	check_refusal("reserve", ret);
	if (inject_state->n_fired == n_fired + 1)
		check_unregistered("reserve, refused", block->first,
				   block->n_pages);
	machine->unmap(block->first, block->n_pages);
	return ret;
}

static void reserve(struct block *block, enum ww_memory memory)
{
	for (int i = 0; i < ATTEMPTS && !block->reserved; i++)
		block->reserved = !try_reserve(block, memory);
	if (!block->reserved)
		inject_fail("reserve: refused again and again");
	memset(shadow + block->first, 0, block->n_pages * sizeof(*shadow));
	set(block->first, block->n_pages, memory != WW_MEMORY_RESERVED, false);
	end_operation(block->first);
}

static void commit(size_t first, size_t n_pages)
{
	sigset_t saved;

	begin_operation();
	ww_regions_lock(regions, &saved);
	ww_regions_commit(regions, machine->at(first), bytes(n_pages));
	machine->protect(first, n_pages, true);
	ww_regions_unlock(regions, &saved);
	for (size_t page = first; page < first + n_pages; page++) {
		shadow[page].committed = true;
		shadow[page].unseen = met_failure();
	}
	raise_doubt(block_of(first));
	end_operation(first);
}

/* Somebody else commits, and says so to nobody. */
static void commit_unseen(size_t first, size_t n_pages)
{
	machine->protect(first, n_pages, true);
	for (size_t page = first; page < first + n_pages; page++)
		shadow[page].committed = shadow[page].unseen = true;
}

static void restore_access(size_t first, size_t n_pages)
{
	for (size_t page = first; page < first + n_pages; page++)
		machine->protect(page, 1, shadow[page].committed);
}

static int try_decommit(size_t first, size_t n_pages)
{
	sigset_t saved;
	int ret;

	ww_regions_lock(regions, &saved);
	ret = ww_regions_save(regions, machine->at(first), bytes(n_pages));
	if (ret) {
		restore_access(first, n_pages);
	} else {
		machine->map(first, n_pages, false);
		ww_regions_decommitted(regions, machine->at(first),
				       bytes(n_pages));
	}
	ww_regions_unlock(regions, &saved);
	return ret;
}

static void decommit(size_t first, size_t n_pages)
{
	int ret = -1;

	begin_operation();
	for (int i = 0; ret && i < ATTEMPTS; i++) {
		ret = try_decommit(first, n_pages);
		if (ret)
			check_refusal("decommit", ret);
	}
	if (ret)
		inject_fail("decommit: refused again and again");
	for (size_t page = first; page < first + n_pages; page++)
		shadow[page].committed = shadow[page].unseen = false;
	end_operation(first);
}

static void write_page(size_t page)
{
	if (!shadow[page].committed)
		inject_fail("page %zu is not committed", page);
	machine->write(page);
	shadow[page].written = true;
}

static void write_pages(size_t first, size_t n_pages, size_t step)
{
	for (size_t page = first; page < first + n_pages; page += step)
		write_page(page);
}

static void protect(size_t first, size_t n_pages, int access)
{
	int ret = -1;

	begin_operation();
	for (int i = 0; ret && i < ATTEMPTS; i++) {
		ret = ww_regions_protect(regions, machine->at(first),
					 bytes(n_pages), access);
		if (ret)
			check_refusal("protect", ret);
	}
	if (ret)
		inject_fail("protect: refused again and again");
	end_operation(first);
}

static void mark(size_t first, size_t n_pages)
{
	int ret;

	begin_operation();
	ret = ww_regions_mark(regions, machine->at(first), bytes(n_pages));
	if (ret)
		check_refusal("mark", ret);
	for (size_t page = first; page < first + n_pages; page++)
		shadow[page].written |= shadow[page].committed;
	end_operation(first);
}

static void release(size_t first, size_t n_pages)
{
	struct block *block = block_of(first);
	sigset_t saved;

	begin_operation();
	ww_regions_lock(regions, &saved);
	machine->unmap(first, n_pages);
	ww_regions_released(regions, machine->at(first), bytes(n_pages));
	ww_regions_unlock(regions, &saved);
	set(first, n_pages, false, false);
	block->reserved &= n_pages < block->n_pages;
	end_operation(first);
}

static void unwatch(struct block *block)
{
	sigset_t saved;

	begin_operation();
	ww_regions_lock(regions, &saved);
	ww_regions_unwatch(regions, machine->at(block->first),
			   bytes(block->n_pages));
	ww_regions_unlock(regions, &saved);
	if (!met_failure())
		check_unregistered("unwatch", block->first, block->n_pages);
	machine->unmap(block->first, block->n_pages);
	set(block->first, block->n_pages, false, false);
	block->reserved = false;
}

/* Somebody else's memory in the place of committed pages: what was written there
 * went with them, and everything may read as written. */
static void replace(size_t first, size_t n_pages)
{
	machine->map(first, n_pages, true);
	set(first, n_pages, true, false);
	doubt(block_of(first));
}

/* ---- Queries ---- */

static uintptr_t addresses[INJECT_PAGES + 1];
static struct ww_range runs[INJECT_PAGES + 1];

static void begin_query(struct ww_query *query, size_t first, size_t n_pages)
{
	int ret = -1;

	begin_operation();
	for (int i = 0; ret && i < ATTEMPTS; i++) {
		ret = ww_query_begin(query, regions, machine->at(first),
				     bytes(n_pages));
		if (ret)
			check_refusal("query", ret);
	}
	if (ret)
		inject_fail("query: refused again and again");
}

/* A result or a reset that met no failure. */
static void end_doubt(struct cell *cell)
{
	if (met_failure() || hopeless || cell->doubt == UNTIL_COMMIT ||
	    (inject_state->n_fired > 1 && !settling))
		return;
	if (cell->doubt == DOUBTFUL && inject_state->n_fired > 1)
		cell->doubt = FADING;
	else if (inject_state->n_fired > 1 ||
		 (cell->doubt == DOUBTFUL && (!cell->committed || cell->unseen)))
		cell->doubt = UNTIL_COMMIT;
	else
		cell->doubt = CERTAIN;
}

/* A result of one page. */
static void check_page(size_t page, bool reported, bool reset)
{
	struct cell *cell = &shadow[page];

	if (cell->written && !reported && !(cell->unseen && met_failure()))
		inject_fail("LOST: page %zu was written and is not reported",
			    page);
	if (reported && !cell->written && cell->doubt < SINCE_COMMIT)
		inject_fail("page %zu is reported and was not written", page);
	if (reported)
		cell->unseen = false;
	if (reset && reported)
		cell->written = false;
	if (reset)
		end_doubt(cell);
}

/* What is stored beyond `n` is none of the result. */
static void check_result(size_t first, size_t end, bool reset, size_t n)
{
	size_t i = 0;

	if (met_failure())
		doubt(block_of(first));
	for (size_t page = first; page < end; page++) {
		bool reported = i < n && addresses[i] == machine->at(page);

		check_page(page, reported, reset);
		i += reported;
	}
	if (i != n)
		inject_fail("the result is not ascending, or not in the range");
}

static size_t get(size_t first, size_t n_pages, bool reset, size_t capacity)
{
	size_t n, end = first + n_pages;
	struct ww_query query;

	begin_query(&query, first, n_pages);
	addresses[capacity] = 1;
	n = ww_query_get(&query, reset, addresses, capacity);
	ww_query_end(&query);
	if (n > capacity || addresses[capacity] != 1)
		inject_fail("more is stored than there is room for");
	if (n == capacity)
		end = first + (addresses[n - 1] - machine->at(first)) /
			      ww_page_size() + 1;
	check_result(first, end, reset, n);
	return n;
}

static void get_all(const struct block *block, bool reset)
{
	get(block->first, block->n_pages, reset, block->n_pages);
}

/* As callers do: until the array is not full any more. */
static void get_in_parts(const struct block *block, size_t capacity)
{
	size_t n = 0;

	while (get(block->first, block->n_pages, true, capacity) == capacity)
		if (++n > block->n_pages)
			inject_fail("a loop of queries does not end");
}

static size_t expand_runs(size_t n_runs)
{
	size_t n = 0;

	for (size_t i = 0; i < n_runs; i++)
		for (size_t k = 0; k < runs[i].n_bytes; k += ww_page_size()) {
			if (n == INJECT_PAGES)
				inject_fail("runs of more than there is");
			addresses[n++] = (uintptr_t)runs[i].start + k;
		}
	return n;
}

static void get_runs(const struct block *block, bool reset)
{
	struct ww_query query;
	size_t n;

	begin_query(&query, block->first, block->n_pages);
	n = ww_query_get_runs(&query, reset, runs, block->n_pages);
	ww_query_end(&query);
	check_result(block->first, block->first + block->n_pages, reset,
		     expand_runs(n));
}

static void reset(size_t first, size_t n_pages)
{
	struct ww_query query;

	begin_query(&query, first, n_pages);
	ww_query_reset(&query);
	ww_query_end(&query);
	for (size_t page = first; page < first + n_pages; page++) {
		shadow[page].written = false;
		end_doubt(&shadow[page]);
	}
	end_operation(first);
}

/* ---- The end of every play ---- */

static size_t some_committed(const struct block *block)
{
	for (size_t page = block->first;
	     page < block->first + block->n_pages; page++)
		if (shadow[page].committed)
			return page;
	commit(block->first + 7, 4);
	return block->first + 7;
}

/* At most one result with too much in it; then all is exact, on memory that is
 * there and on memory that comes and goes. */
static void settle(const struct block *block)
{
	size_t page = some_committed(block);

	get_all(block, true);
	write_page(page);
	get_all(block, false);
	get_all(block, true);
	get_all(block, true);
	write_page(page);
	decommit(page, 1);
	commit(page, 1);
	get_all(block, true);
	write_page(page);
	get_all(block, true);
	decommit(page, 1);
	commit(page, 1);
	get_all(block, true);
	write_page(page);
	reset(block->first, block->n_pages);
	get_all(block, true);
}

static void settle_all(void)
{
	settling = true;
	for (size_t i = 0; i < N_BLOCKS; i++)
		if (blocks[i]->reserved)
			settle(blocks[i]);
}

static bool unregister_failed(void)
{
	for (size_t i = 0; i < 2; i++)
		if (inject_state->ops[inject_state->choices[i].call] ==
		    INJECT_UNREGISTER)
			return true;
	return false;
}

/* A child that could not have a file of its own keeps its parent's header mapped:
 * a call that the fork has interrupted may be about to count there. */
static void close_registry(void)
{
	ww_regions_close(regions);
	if (*inject_leak(hopeless))
		inject_fail("close: %s", inject_leak(hopeless));
	if (*machine->wrong())
		inject_fail("close: %s", machine->wrong());
	if (!unregister_failed())
		check_unregistered("close", 0, INJECT_PAGES);
}

/* ---- Scenarios ---- */

static void play_open(void)
{
	open_registry();
	reserve(&small, WW_MEMORY_COMMITTED);
	write_pages(3, 40, 7);
	get_all(&small, true);
}

static void play_reserve(void)
{
	reserve(&small, WW_MEMORY_RESERVED);
	get_all(&small, true);
	reserve(&large, WW_MEMORY_COMMITTED);
	write_pages(large.first, large.n_pages, 100);
	get_all(&large, true);
	reserve(&wide, WW_MEMORY_IN_USE);
	write_pages(wide.first, 5, 1);
	get_all(&wide, false);
	commit(3, 5);
	write_page(4);
}

static void play_commit(void)
{
	reserve(&small, WW_MEMORY_RESERVED);
	reserve(&large, WW_MEMORY_RESERVED);
	commit(100, 10);
	write_pages(100, 10, 2);
	commit(120, 10);
	write_page(125);
	get_all(&small, false);
	commit(90, 60);
	write_page(95);
	write_page(115);
	get_all(&small, true);
	commit(600, 1);
	commit(300, 3);
	write_page(302);
	get_all(&small, true);
	commit(large.first + 5, 20);
	write_page(large.first + 6);
	get_all(&large, true);
}

/* Whole page tables, where huge zero pages can lie. */
static void play_blocks(void)
{
	reserve(&large, WW_MEMORY_RESERVED);
	commit(large.first, 1024);
	write_page(large.first + 3);
	write_page(large.first + 700);
	get_all(&large, true);
	decommit(large.first + 512, 512);
	commit(large.first + 512, 512);
	write_page(large.first + 513);
	get_all(&large, true);
	decommit(large.first, 1024);
	commit(large.first + 100, 800);
	write_page(large.first + 899);
	get_all(&large, false);
}

static void play_get(void)
{
	reserve(&small, WW_MEMORY_COMMITTED);
	write_pages(0, 3, 2);
	write_pages(300, 140, 1);
	write_page(699);
	get_all(&small, false);
	get_all(&small, false);
	write_page(500);
	get_runs(&small, false);
	get(290, 20, true, 4);
	get_in_parts(&small, 50);
	write_page(299);
	write_page(300);
	get_runs(&small, true);
}

/* More runs than one scan asks for. */
static void play_many(void)
{
	reserve(&large, WW_MEMORY_COMMITTED);
	write_pages(large.first, large.n_pages, 2);
	get_all(&large, false);
	get_all(&large, true);
	write_pages(large.first + 1, large.n_pages - 1, 2);
	get_in_parts(&large, 400);
	write_pages(large.first, large.n_pages, 2);
	get_runs(&large, true);
}

static void play_reset(void)
{
	reserve(&small, WW_MEMORY_RESERVED);
	commit(0, 40);
	commit(400, 40);
	write_pages(0, 40, 3);
	write_pages(400, 40, 3);
	decommit(20, 10);
	reset(10, 400);
	get_all(&small, false);
	write_page(11);
	write_page(405);
	reset(0, 700);
	get_all(&small, true);
}

static void play_decommit(void)
{
	reserve(&small, WW_MEMORY_RESERVED);
	commit(10, 100);
	commit(200, 20);
	write_pages(10, 100, 9);
	write_page(205);
	decommit(50, 10);
	decommit(190, 40);
	get_all(&small, false);
	commit(55, 10);
	write_page(56);
	get(0, 100, true, 100);
	write_page(12);
	decommit(0, 700);
	get_all(&small, false);
	reset(0, 60);
	get_all(&small, true);
	commit(0, 60);
	write_page(59);
}

/* Runs that are too far apart to be joined. */
static void play_fragments(void)
{
	reserve(&wide, WW_MEMORY_RESERVED);
	for (size_t i = 0; i < 6; i++)
		commit(wide.first + i * 600, 8);
	write_pages(wide.first, 3001, 600);
	get_all(&wide, false);
	decommit(wide.first + 602, 2);
	decommit(wide.first + 1203, 1);
	write_page(wide.first + 601);
	get_all(&wide, true);
	commit(wide.first + 600, 300);
	write_page(wide.first + 899);
	get_in_parts(&wide, 1);
}

static void play_protect(void)
{
	reserve(&small, WW_MEMORY_COMMITTED);
	write_pages(0, 60, 20);
	protect(0, 100, PROT_READ);
	get_all(&small, false);
	protect(10, 100, PROT_NONE);
	get_all(&small, true);
	protect(0, 110, PROT_READ | PROT_WRITE);
	write_page(15);
}

static void play_mark(void)
{
	reserve(&small, WW_MEMORY_RESERVED);
	commit(0, 20);
	commit(40, 20);
	mark(10, 40);
	get_all(&small, true);
	mark(0, 700);
	decommit(0, 10);
	get_all(&small, false);
}

static void play_release(void)
{
	reserve(&small, WW_MEMORY_COMMITTED);
	reserve(&large, WW_MEMORY_RESERVED);
	commit(large.first, 20);
	write_pages(0, 700, 90);
	write_page(large.first + 3);
	release(large.first, large.n_pages);
	release(600, 100);
	get(0, 600, true, 600);
	release(200, 100);
	write_page(300);
	get(300, 300, true, 300);
	release(0, 200);
	release(300, 300);
	small.reserved = false;
	reserve(&small, WW_MEMORY_COMMITTED);
	write_page(250);
	get_all(&small, true);
	reserve(&large, WW_MEMORY_COMMITTED);
	unwatch(&large);
}

/* The kernel itself refuses the scans here. */
static void play_replaced(void)
{
	reserve(&small, WW_MEMORY_RESERVED);
	commit(0, 300);
	write_pages(0, 300, 30);
	replace(100, 50);
	get_all(&small, false);
	get_all(&small, true);
	write_page(120);
	get_all(&small, true);
	replace(10, 5);
	reset(0, 700);
	write_page(12);
	get_all(&small, true);
	replace(200, 20);
	write_page(201);
	decommit(150, 100);
	get_all(&small, true);
}

static void play_unseen(void)
{
	reserve(&small, WW_MEMORY_RESERVED);
	commit(0, 10);
	commit_unseen(100, 20);
	write_page(105);
	get_all(&small, false);
	commit_unseen(300, 20);
	write_page(310);
	write_page(319);
	decommit(315, 10);
	get_all(&small, true);
	commit_unseen(500, 9);
	write_page(503);
	commit(490, 20);
	write_page(504);
	get_all(&small, true);
	commit_unseen(600, 9);
	write_page(601);
	reset(0, 700);
	write_page(602);
	get_all(&small, true);
	commit_unseen(30, 9);
	write_pages(31, 5, 1);
	commit(60, 10);
	get_all(&small, true);
}

/* ---- Forks ---- */

/* In a child everything that is committed counts as written. What fails on the
 * way there is not repaired. */
static void enter_child(void)
{
	alarm(LONGEST);
	machine->forked();
	for (size_t page = 0; page < INJECT_PAGES; page++)
		shadow[page].written |= shadow[page].committed;
	hopeless = met_failure();
	for (size_t i = 0; hopeless && i < N_BLOCKS; i++)
		doubt(blocks[i]);
}

/* The first operation of a child makes it a tracker of its own. */
static void play_child(void (*first)(void))
{
	unsigned before = inject_state->n_fired;

	enter_child();
	first();
	hopeless |= inject_state->n_fired != before;
	for (size_t i = 0; hopeless && i < N_BLOCKS; i++)
		doubt(blocks[i]);
	settle_all();
	inject_end();
	close_registry();
	_exit(0);
}

static void in_child(void (*first)(void))
{
	int status = 0;
	pid_t pid;

	begin_operation();
	pid = fork();
	if (!pid)
		play_child(first);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		inject_fail("there is no child");
	if (WIFSIGNALED(status))
		inject_fail("the child ends by signal %d", WTERMSIG(status));
	if (status)
		_exit(1);
}

static void before_fork(void)
{
	reserve(&small, WW_MEMORY_RESERVED);
	commit(0, 50);
	commit(100, 10);
	write_pages(0, 50, 9);
	decommit(20, 10);
	write_page(105);
}

static void child_gets(void)
{
	get_all(&small, true);
}

static void child_resets(void)
{
	reset(0, 700);
}

static void child_commits(void)
{
	commit(300, 10);
	write_page(301);
}

static void child_decommits(void)
{
	decommit(0, 50);
}

static void play_fork_and_get(void)
{
	before_fork();
	in_child(child_gets);
	get_all(&small, true);
}

static void play_fork_and_reset(void)
{
	before_fork();
	in_child(child_resets);
}

static void play_fork_and_commit(void)
{
	before_fork();
	in_child(child_commits);
}

static void play_fork_and_decommit(void)
{
	before_fork();
	in_child(child_decommits);
	write_page(3);
}

/* ---- All of them ---- */

#define SCENARIO(name) { #name, play_##name, false }

const struct inject_scenario inject_scenarios[] = {
	{ "open", play_open, true },
	SCENARIO(reserve),
	SCENARIO(commit),
	SCENARIO(blocks),
	SCENARIO(get),
	SCENARIO(many),
	SCENARIO(reset),
	SCENARIO(decommit),
	SCENARIO(fragments),
	SCENARIO(protect),
	SCENARIO(mark),
	SCENARIO(release),
	SCENARIO(replaced),
	SCENARIO(unseen),
	SCENARIO(fork_and_get),
	SCENARIO(fork_and_reset),
	SCENARIO(fork_and_commit),
	SCENARIO(fork_and_decommit),
};

const size_t inject_n_scenarios =
	sizeof(inject_scenarios) / sizeof(inject_scenarios[0]);

void inject_play(const struct inject_machine *its,
		 const struct inject_scenario *scenario)
{
	alarm(LONGEST);
	machine = its;
	ops = inject_over(machine->ops);
	machine->begin();
	if (!scenario->opens)
		open_registry();
	inject_begin();
	scenario->play();
	settle_all();
	inject_end();
	close_registry();
}
