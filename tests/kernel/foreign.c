/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Another process asks: which pages of a child were written, with and without
 * reset, while it writes, decommits, forks, ends, or is out of bounds. The first
 * argument is the seed of the race, the second its seconds.
 */
#include "foreign.h"
#include "memory.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { N_VIEWS = 3, N_PAGES = 700, HUGE_PAGES = 4 << 20, PATIENCE_MS = 20000 };

/* ---- The child that is asked about ---- */

enum order {
	WRITE, COMMIT, DECOMMIT, RENEW, OWN_GET, TAG, FORK, CLONE, END,
	RACE, HUGE
};

struct command {
	enum order order;
	int view;
	size_t first;
	size_t n_pages;
};

/* What both sides see. */
static struct board {
	char *views[N_VIEWS];
	char *huge;
	pid_t forked;
	size_t n_own;
	uintptr_t own[N_PAGES];
	int stop;
	uint64_t seed;
	uint64_t n_written;
} *board;

static const struct ww_tag its_tag = { { 0x1122334455667788, 7, 42 } };

static struct ww_regions *regions;
static struct area areas[N_VIEWS];
static int to_child[2], to_parent[2];

static uint64_t random_state;

static size_t pick(size_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (size_t)(random_state % n);
}

static bool stopped(void)
{
	return __atomic_load_n(&board->stop, __ATOMIC_SEQ_CST);
}

/* Asks for itself meanwhile, but takes nothing. */
static void *ask_all_along(void *argument)
{
	static uintptr_t addresses[N_PAGES];

	while (!stopped())
		area_get(argument, 0, N_PAGES, false, addresses, N_PAGES);
	return NULL;
}

/* Every page holds the number of the last write to it, 0 after a decommit. */
static void race(struct area *area)
{
	static bool committed[N_PAGES];
	uint64_t n = 0;
	pthread_t asker;

	random_state = board->seed;
	memset(committed, 1, sizeof(committed));
	if (pthread_create(&asker, NULL, ask_all_along, area))
		_exit(1);
	while (!stopped()) {
		size_t page = pick(N_PAGES);

		if (!committed[page] || !pick(200)) {
			committed[page] = !committed[page];
			(committed[page] ? area_commit : area_decommit)(area, page, 1);
		} else {
			*(volatile uint64_t *)area_page(area, page) = ++n;
		}
	}
	pthread_join(asker, NULL);
	for (size_t page = 0; page < N_PAGES; page++)
		if (!committed[page])
			area_commit(area, page, 1);
	board->n_written = n;
}

/* A child of the child, until somebody kills it or its parent ends. */
static void make_child(bool with_handlers)
{
	pid_t pid = with_handlers ? fork() : (pid_t)syscall(SYS_clone, SIGCHLD, 0,
							     0, 0, 0);

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	board->forked = pid;
}

static void reserve_huge(void)
{
	struct area area;

	area_reserve(&area, regions, HUGE_PAGES);
	board->huge = area.memory;
}

static void obey(const struct command *command)
{
	struct area *area = &areas[command->view];
	size_t first = command->first, n = command->n_pages;

	switch (command->order) {
	case WRITE:
		for (size_t i = 0; i < n; i++)
			area_write(area, first + i);
		break;
	case COMMIT:
		area_commit(area, first, n);
		break;
	case DECOMMIT:
		area_decommit(area, first, n);
		break;
	case RENEW:
		area_release(area);
		area_reserve(area, regions, N_PAGES);
		area_commit(area, 0, N_PAGES);
		board->views[command->view] = area->memory;
		break;
	case OWN_GET:
		board->n_own = area_get(area, 0, N_PAGES, true, board->own, N_PAGES);
		break;
	case TAG:
		ww_regions_set_tag(regions, &its_tag);
		break;
	case FORK:
	case CLONE:
		make_child(command->order == FORK);
		break;
	case END:
		kill(board->forked, SIGKILL);
		waitpid(board->forked, NULL, 0);
		break;
	case RACE:
		race(area);
		break;
	case HUGE:
		reserve_huge();
		break;
	}
}

static _Noreturn void be_child(void)
{
	struct command command;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	regions = regions_or_skip();
	for (int i = 0; i < N_VIEWS; i++) {
		area_reserve(&areas[i], regions, N_PAGES);
		board->views[i] = areas[i].memory;
	}
	do
		if (write(to_parent[1], "", 1) != 1 ||
		    read(to_child[0], &command, sizeof(command)) !=
			    sizeof(command))
			_exit(1);
		else
			obey(&command);
	while (true);
}

/* ---- The side that asks ---- */

static struct ww_process process;
static pid_t child;

static void await(void)
{
	struct pollfd end = { .fd = to_parent[0], .events = POLLIN };
	char byte;

	if (poll(&end, 1, PATIENCE_MS) != 1 || read(end.fd, &byte, 1) != 1)
		bail_out("waiting for the child");
}

static void order(enum order what, int view, size_t first, size_t n_pages)
{
	struct command command = { what, view, first, n_pages };

	if (write(to_child[1], &command, sizeof(command)) != sizeof(command))
		bail_out("writing to the child");
}

static void tell(enum order what, int view, size_t first, size_t n_pages)
{
	order(what, view, first, n_pages);
	await();
}

static uintptr_t page_at(int view, size_t page)
{
	return (uintptr_t)board->views[view] + page * ww_page_size();
}

static size_t number_of(int view, uint64_t address)
{
	return (size_t)(address - (uintptr_t)board->views[view]) / ww_page_size();
}

static int begin_at(struct ww_foreign_range *range, int view, size_t first,
		    size_t n_pages)
{
	return ww_foreign_begin(range, &process, page_at(view, first),
				n_pages * ww_page_size());
}

/* Stores the numbers of written pages as a client would: few runs at a time, and
 * cleaned when they are in the array. */
static size_t get(int view, size_t first, size_t n_pages, bool reset,
		  size_t *pages, size_t capacity)
{
	struct ww_foreign_range range;
	struct ww_run runs[5];
	uintptr_t from;
	size_t n = 0;

	if (begin_at(&range, view, first, n_pages))
		bail_out("beginning a query");
	from = range.start;
	while (from < range.end && n < capacity) {
		ssize_t n_runs = ww_foreign_scan(&range, from, runs, 5,
						 capacity - n, &from);

		if (n_runs < 0)
			bail_out("scanning");
		for (ssize_t i = 0; i < n_runs; i++)
			for (uint64_t at = runs[i].start; at < runs[i].end;
			     at += ww_page_size())
				pages[n++] = number_of(view, at);
		if (reset && ww_foreign_clean(&range, runs, (size_t)n_runs))
			bail_out("cleaning");
	}
	return n;
}

static void describe(const size_t *pages, size_t n, char *text, size_t n_bytes)
{
	size_t used = 0;

	*text = '\0';
	for (size_t i = 0; i < n && used + 48 < n_bytes; i++) {
		size_t first = pages[i];

		while (i + 1 < n && pages[i + 1] == pages[i] + 1)
			i++;
		used += (size_t)snprintf(text + used, 48, pages[i] > first ?
					 "%s%zu-%zu" : "%s%zu", used ? "," : "",
					 first, pages[i]);
	}
}

/* A row: exactly these pages are written. */
static void is(int view, bool reset, size_t capacity, const char *wanted,
	       const char *name)
{
	static size_t pages[N_PAGES];
	char got[1024];

	describe(pages, get(view, 0, N_PAGES, reset, pages, capacity), got,
		 sizeof(got));
	if (!ok(!strcmp(got, wanted), "%s", name))
		diag("got %s, wanted %s", got, wanted);
}

/* The same, asked by the child itself, with reset. */
static void is_own(int view, const char *wanted, const char *name)
{
	static size_t pages[N_PAGES];
	char got[1024];

	tell(OWN_GET, view, 0, 0);
	for (size_t i = 0; i < board->n_own; i++)
		pages[i] = number_of(view, board->own[i]);
	describe(pages, board->n_own, got, sizeof(got));
	if (!ok(!strcmp(got, wanted), "%s", name))
		diag("got %s, wanted %s", got, wanted);
}

static void start_child(void)
{
	if (pipe(to_child) || pipe(to_parent))
		bail_out("making pipes");
	child = fork();
	if (!child)
		be_child();
	await();
	if (ww_foreign_find(&process, child))
		bail_out("finding the child");
}

/* ---- Rows ---- */

static void finding(void)
{
	static const struct ww_tag none;
	struct ww_process other;
	int saved = errno = 12345;

	ok(ww_foreign_find(&other, getpid()) == -ENOENT,
	   "a process without a registry has none");
	ok(ww_foreign_find(&other, INT32_MAX) == -ESRCH, "nor has no process");
	ok(ww_foreign_find_tag(&other, &its_tag) == -ENOENT &&
	   ww_foreign_find_tag(&other, &none) == -ENOENT, "nobody has a tag yet");
	tell(TAG, 0, 0, 0);
	ok(!ww_foreign_find_tag(&other, &its_tag) && other.pid == child &&
	   other.identity == process.identity, "a process is found by its tag");
	ok(errno == saved, "errno stays as it was");
}

/* By its tag, with no more than so many descriptors to open. */
static int find_with(int n_spare)
{
	struct rlimit saved, limit;
	struct ww_process other;
	int fds[64], n = 0, ret;

	getrlimit(RLIMIT_NOFILE, &saved);
	limit = saved;
	limit.rlim_cur = 64;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		bail_out("limiting descriptors");
	while ((fds[n] = dup(to_child[1])) >= 0)
		n++;
	if (n < n_spare)
		bail_out("filling descriptors");
	for (int i = 0; i < n_spare; i++)
		close(fds[--n]);
	ret = ww_foreign_find_tag(&other, &its_tag);
	while (n)
		close(fds[--n]);
	setrlimit(RLIMIT_NOFILE, &saved);
	return ret;
}

/* All processes, the descriptors of one, and its file. */
static void finding_with_few_descriptors(void)
{
	for (int n_spare = 0; n_spare < 3; n_spare++) {
		int ret = find_with(n_spare);

		if (!ok(ret == -EMFILE, "%d descriptors are too few to find it",
			n_spare))
			diag("%d", ret);
	}
	ok(!find_with(3), "3 are enough");
}

static void ranges(void)
{
	size_t page_size = ww_page_size();
	struct ww_foreign_range range;

	ok(!begin_at(&range, 0, 0, N_PAGES), "a whole view");
	ok(!ww_foreign_begin(&range, &process, page_at(1, 3) + 5, page_size) &&
	   range.start == page_at(1, 3) && range.end == page_at(1, 5),
	   "it is widened to pages");
	ok(begin_at(&range, 0, 1, HUGE_PAGES) == -ERANGE, "out of its view");
	ok(ww_foreign_begin(&range, &process, page_at(0, 0), (size_t)-2) ==
	   -ERANGE, "it wraps");
	ok(ww_foreign_begin(&range, &process, (uintptr_t)board, 1) == -ENOENT,
	   "no view of its");
}

static void single_pages(void)
{
	static size_t pages[N_PAGES];
	struct ww_foreign_range range;

	tell(COMMIT, 0, 0, 64);
	is(0, false, N_PAGES, "", "fresh memory is clean");
	tell(WRITE, 0, 3, 1);
	tell(WRITE, 0, 5, 3);
	tell(WRITE, 0, 40, 1);
	is(0, false, N_PAGES, "3,5-7,40", "written pages are seen");
	is(0, false, N_PAGES, "3,5-7,40", "they stay so");
	is(0, true, 2, "3,5", "with room for two, reset");
	is(0, true, 2, "6-7", "the next two");
	is(0, true, 2, "40", "and the last");
	is(0, true, 2, "", "and nothing is left");
	tell(WRITE, 0, 6, 1);
	is_own(0, "6", "the child sees what was written since");
	is(0, true, N_PAGES, "", "what it has reset is clean here");
	tell(WRITE, 0, 9, 2);
	ok(!begin_at(&range, 0, 9, 1) && !ww_foreign_reset(&range),
	   "a reset of a part");
	is(0, false, N_PAGES, "10", "leaves the rest");
	ok(get(0, 0, 10, true, pages, N_PAGES) == 0, "a query of a part");
	is_own(0, "10", "so does that");
}

static void decommitted(void)
{
	struct ww_foreign_range range;

	tell(COMMIT, 1, 0, 16);
	tell(WRITE, 1, 2, 2);
	tell(WRITE, 1, 8, 1);
	tell(DECOMMIT, 1, 0, 6);
	is(1, false, N_PAGES, "2-3,8", "decommitted pages stay written");
	is(1, true, 1, "2", "they are reported page by page");
	is(1, true, 1, "3", "the next");
	is(1, true, 1, "8", "before those that are there");
	is(1, true, 1, "", "and then none");
	tell(COMMIT, 1, 0, 6);
	tell(WRITE, 1, 2, 1);
	tell(DECOMMIT, 1, 2, 1);
	tell(COMMIT, 1, 2, 1);
	tell(WRITE, 1, 2, 2);
	is(1, true, N_PAGES, "2-3", "known and there: once");
	is_own(1, "", "all of it is clean for the child, too");
	tell(WRITE, 1, 4, 3);
	tell(DECOMMIT, 1, 4, 1);
	ok(!begin_at(&range, 1, 0, N_PAGES) && !ww_foreign_reset(&range),
	   "a reset across a hole");
	is_own(1, "", "takes both kinds");
}

/* More runs than any buffer holds, of both kinds. */
static void many_runs(void)
{
	static size_t pages[N_PAGES];
	bool right = true;
	size_t n, rounds;

	tell(COMMIT, 2, 0, N_PAGES);
	for (size_t i = 0; i < N_PAGES; i += 2)
		tell(WRITE, 2, i, 1);
	tell(DECOMMIT, 2, 100, 300);
	n = get(2, 0, N_PAGES, false, pages, N_PAGES);
	for (size_t i = 0; i < n; i++)
		right &= pages[i] == 2 * i;
	ok(right && n == N_PAGES / 2, "every other page of %d", N_PAGES);
	for (rounds = 0; (n = get(2, 0, N_PAGES, true, pages, 7)); rounds++)
		for (size_t i = 0; i < n; i++)
			right &= pages[i] == 2 * (7 * rounds + i);
	ok(right && rounds == N_PAGES / 2 / 7, "the same, seven by seven, reset");
	is_own(2, "", "and the child agrees that it is all");
	tell(COMMIT, 2, 0, N_PAGES);
}

/* The memory of an old scan is released, reserved and written anew before it is
 * cleaned. */
static void renewed(void)
{
	struct ww_foreign_range range;
	struct ww_run runs[4];
	uintptr_t resume;

	tell(WRITE, 2, 8, 1);
	begin_at(&range, 2, 0, N_PAGES);
	ok(ww_foreign_scan(&range, range.start, runs, 4, N_PAGES, &resume) == 1 &&
	   resume == range.end, "a scan before a release");
	tell(RENEW, 2, 0, 0);
	is(2, false, N_PAGES, "", "the new reservation is clean");
	tell(WRITE, 2, 8, 2);
	ok(!ww_foreign_clean(&range, runs, 1), "cleaning late is no error");
	is(2, true, N_PAGES, page_at(2, 0) == range.start ? "9" : "8-9",
	   "and takes only what was reported");
}

static size_t page_table_kib(void)
{
	char path[64], line[256];
	size_t kib = 0;
	FILE *status;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)child);
	status = fopen(path, "re");
	if (!status)
		bail_out("reading the child's status");
	while (fgets(line, sizeof(line), status))
		sscanf(line, "VmPTE: %zu", &kib);
	fclose(status);
	return kib;
}

static void holes(void)
{
	size_t n_bytes = HUGE_PAGES * ww_page_size(), before, after;
	struct ww_foreign_range range;
	struct ww_run run;
	uintptr_t resume;

	tell(HUGE, 0, 0, 0);
	before = page_table_kib();
	if (ww_foreign_begin(&range, &process, (uintptr_t)board->huge, n_bytes))
		bail_out("beginning a large query");
	ok(ww_foreign_scan(&range, range.start, &run, 1, 1, &resume) == 0 &&
	   resume == range.end && !ww_foreign_reset(&range),
	   "a large reservation without memory");
	after = page_table_kib();
	ok(after <= before + 64, "no page tables appear in it");
	diag("VmPTE %zu kB before, %zu kB after", before, after);
}

/* ---- Fork ---- */

/* A process that has just been forked may not have its own registry yet. */
static int find_soon(struct ww_process *found, pid_t pid)
{
	int ret;

	for (int i = 0; (ret = ww_foreign_find(found, pid)) == -ENOENT &&
			i < PATIENCE_MS; i++)
		usleep(1000);
	return ret;
}

static void forked(void)
{
	struct ww_process parent = process;
	struct ww_foreign_range range;

	tell(WRITE, 0, 1, 2);
	tell(DECOMMIT, 0, 2, 1);
	tell(FORK, 0, 0, 0);
	ok(!find_soon(&process, board->forked) &&
	   process.identity != parent.identity, "a forked child is another");
	ok(!begin_at(&range, 0, 0, N_PAGES) && !ww_foreign_reset(&range),
	   "all of it is reset");
	process = parent;
	is(0, false, N_PAGES, "1-2", "its parent keeps what it has written");
	is_own(0, "1-2", "and says so itself");
	tell(END, 0, 0, 0);
	tell(CLONE, 0, 0, 0);
	ok(ww_foreign_find(&process, board->forked) == -ENOENT,
	   "what was only inherited is nobody's registry");
	tell(END, 0, 0, 0);
	process = parent;
	tell(COMMIT, 0, 2, 1);
}

/* ---- Exec ---- */

#define FIXED ((char *)0x20000000)

enum { PROGRAM_PAGES = 8 };

static int to_program[2], from_program[2];

/* Watches memory that is at the same place in each new program, has written one
 * page, and says how many there are. A zero byte makes it a new program. */
static _Noreturn void be_program(int orders, int answers)
{
	struct area area = { regions_or_skip(), FIXED, PROGRAM_PAGES };
	size_t n_bytes = PROGRAM_PAGES * ww_page_size();
	uintptr_t addresses[PROGRAM_PAGES];
	char byte, texts[2][16];
	sigset_t saved;

	if (mmap(FIXED, n_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS |
		 MAP_FIXED_NOREPLACE, -1, 0) != FIXED)
		_exit(1);
	ww_regions_lock(area.regions, &saved);
	if (ww_regions_reserve(area.regions, (uintptr_t)FIXED, n_bytes,
			       WW_MEMORY_RESERVED))
		_exit(1);
	ww_regions_unlock(area.regions, &saved);
	area_commit(&area, 0, PROGRAM_PAGES);
	area_write(&area, 3);
	do {
		byte = (char)area_get(&area, 0, PROGRAM_PAGES, false, addresses,
				      PROGRAM_PAGES);
		if (write(answers, &byte, 1) != 1 || read(orders, &byte, 1) != 1)
			_exit(1);
	} while (byte);
	snprintf(texts[0], sizeof(texts[0]), "%d", orders);
	snprintf(texts[1], sizeof(texts[1]), "%d", answers);
	execl("/proc/self/exe", "foreign", "program", texts[0], texts[1],
	      (char *)NULL);
	_exit(1);
}

static int hear_program(void)
{
	struct pollfd end = { .fd = from_program[0], .events = POLLIN };
	char byte;

	if (poll(&end, 1, PATIENCE_MS) != 1 || read(end.fd, &byte, 1) != 1)
		bail_out("waiting for a program");
	return byte;
}

static int tell_program(char byte)
{
	if (write(to_program[1], &byte, 1) != 1)
		bail_out("writing to a program");
	return hear_program();
}

static bool exec_at_fstat;

/* The library's own: it looks at a file before it takes it for the one that it
 * has found. */
int fstat(int fd, struct stat *file)
{
	int ret = fstatat(fd, "", file, AT_EMPTY_PATH);

	if (exec_at_fstat) {
		exec_at_fstat = false;
		tell_program(0);
	}
	return ret;
}

/* The process that was found becomes another, with the same pid, while a call
 * opens what it needs of it. */
static void replaced(void)
{
	size_t n_bytes = PROGRAM_PAGES * ww_page_size();
	struct ww_foreign_range range;
	struct ww_process found;
	pid_t pid;

	if (pipe(to_program) || pipe(from_program))
		bail_out("making pipes");
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		be_program(to_program[0], from_program[1]);
	}
	ok(hear_program() == 1 && !ww_foreign_find(&found, pid) &&
	   !ww_foreign_begin(&range, &found, (uintptr_t)FIXED, n_bytes),
	   "a program is found");
	exec_at_fstat = true;
	ww_foreign_reset(&range);
	ok(!exec_at_fstat, "in the middle of a reset there is a new one");
	ok(tell_program(1) == 1, "which keeps what it has written");
	ok(ww_foreign_reset(&range) == -ESRCH, "and is not the one that was found");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	for (int i = 0; i < 2; i++) {
		close(to_program[i]);
		close(from_program[i]);
	}
}

/* ---- The race ---- */

static bool copy_page(int view, size_t page, uint64_t *copy)
{
	struct iovec local = { copy, sizeof(*copy) };
	struct iovec remote = { (void *)page_at(view, page), sizeof(*copy) };

	return process_vm_readv(child, &local, 1, &remote, 1, 0) ==
	       sizeof(*copy);
}

/* Takes what is written and copies it, as a client that mirrors memory. */
static size_t mirror(int view, uint64_t *copies)
{
	static size_t pages[N_PAGES];
	size_t n = get(view, 0, N_PAGES, true, pages, 1 + pick(N_PAGES));

	for (size_t i = 0; i < n; i++)
		if (!copy_page(view, pages[i], &copies[pages[i]]))
			copies[pages[i]] = 0;
	return n;
}

static size_t n_different(int view, const uint64_t *copies)
{
	size_t n = 0;

	for (size_t page = 0; page < N_PAGES; page++) {
		uint64_t value;

		if (!copy_page(view, page, &value))
			bail_out("reading the child's memory");
		if (value && value != copies[page])
			diag("page %zu is %llu, the copy %llu", page,
			     (unsigned long long)value,
			     (unsigned long long)copies[page]), n++;
	}
	return n;
}

static void racing(uint64_t seed, time_t n_seconds)
{
	static uint64_t copies[N_PAGES];
	size_t n_reported = 0, n_queries = 0, n;
	struct timespec now, start;

	diag("seed %llu", (unsigned long long)seed);
	random_state = board->seed = seed;
	tell(RENEW, 2, 0, 0);
	order(RACE, 2, 0, 0);
	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		n_reported += mirror(2, copies);
		n_queries++;
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec < start.tv_sec + n_seconds);
	__atomic_store_n(&board->stop, 1, __ATOMIC_SEQ_CST);
	await();
	while ((n = mirror(2, copies)))
		n_reported += n;
	ok(!n_different(2, copies), "a copy of racing writes misses none");
	ok(board->n_written && n_reported, "there was something to miss");
	diag("%llu writes, %zu pages reported by %zu queries",
	     (unsigned long long)board->n_written, n_reported, n_queries);
}

/* ---- Who may not ask, and who is not there ---- */

static void no_permission(void)
{
	const char *name = "the kernel's own check is ours", *why = "not root";
	struct ww_foreign_range range;
	struct ww_process other;
	struct ww_run run;
	uintptr_t resume;
	int status;
	pid_t pid;

	if (geteuid()) {
		skip(name, why);
		return;
	}
	begin_at(&range, 0, 0, 1);
	pid = fork();
	if (!pid) {
		if (setgid(65534) || setuid(65534))
			_exit(100);
		_exit((ww_foreign_find(&other, child) != -EACCES) |
		      (ww_foreign_scan(&range, range.start, &run, 1, 1, &resume) !=
		       -EACCES) << 1 |
		      (ww_foreign_reset(&range) != -EACCES) << 2 |
		      (ww_foreign_find_tag(&other, &its_tag) != -ENOENT) << 3);
	}
	waitpid(pid, &status, 0);
	ok(!status, "%s", name);
	diag("status %x", status);
}

static bool is_gone(const struct ww_foreign_range *range)
{
	const struct ww_run page = { range->start, range->start + ww_page_size(),
				     0 };
	struct ww_foreign_range other;
	struct ww_process found;
	struct ww_run run;
	uintptr_t resume;

	return ww_foreign_find(&found, child) == -ESRCH &&
	       begin_at(&other, 0, 0, 1) == -ESRCH &&
	       ww_foreign_scan(range, range->start, &run, 1, 1, &resume) ==
		       -ESRCH &&
	       ww_foreign_clean(range, &page, 1) == -ESRCH &&
	       ww_foreign_reset(range) == -ESRCH;
}

static void death(void)
{
	struct ww_foreign_range range;
	struct ww_process found;
	siginfo_t info;
	int status;

	begin_at(&range, 0, 0, 1);
	kill(child, SIGKILL);
	waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
	ok(is_gone(&range), "a process that has ended is not there");
	waitpid(child, &status, 0);
	ok(is_gone(&range), "nor when it was waited for");
	ok(ww_foreign_find_tag(&found, &its_tag) == -ENOENT, "nor by its tag");
}

int main(int argc, char **argv)
{
	struct ww_tracker tracker;

	if (argc > 3 && !strcmp(argv[1], "program"))
		be_program(atoi(argv[2]), atoi(argv[3]));
	tracker_or_skip(&tracker);
	ww_tracker_close(&tracker);
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (board == MAP_FAILED)
		bail_out("mapping memory");
	start_child();
	finding();
	finding_with_few_descriptors();
	ranges();
	single_pages();
	decommitted();
	many_runs();
	renewed();
	holes();
	forked();
	replaced();
	racing(argc > 1 ? strtoull(argv[1], NULL, 0)
			: (uint64_t)time(NULL) * 2654435761u | 1,
	       argc > 2 ? atoi(argv[2]) : 2);
	no_permission();
	death();
	return done_testing();
}
