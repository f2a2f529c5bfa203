/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The softdirty backend: that the process-wide clearing loses nothing of what
 * others are to hear of, whoever writes meanwhile, and by whatever means.
 */
#include "memory.h"

#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { N_PAGES = 64, N_ROUNDS = 2000 };

static struct ww_tracker tracker;
static struct ww_run runs[WW_MAX_RUNS];

static size_t bytes(size_t n_pages)
{
	return n_pages * ww_page_size();
}

static char *watched(size_t n_pages)
{
	char *memory = map_pages(n_pages, PROT_READ | PROT_WRITE);

	if (tracker.backend->watch(&tracker, (uintptr_t)memory, bytes(n_pages)) ||
	    tracker.backend->arm(&tracker, (uintptr_t)memory, bytes(n_pages)))
		bail_out("watching memory");
	return memory;
}

static void done_with(char *memory, size_t n_pages)
{
	tracker.backend->unwatch(&tracker, (uintptr_t)memory, bytes(n_pages));
	unmap_pages(memory, n_pages);
}

static void write_page(char *memory, size_t page)
{
	++*(volatile char *)(memory + bytes(page));
}

static int scan(char *memory, size_t n_pages, unsigned flags, size_t max_pages,
		bool *found)
{
	struct ww_scan scan = {
		.start = (uintptr_t)memory, .n_bytes = bytes(n_pages),
		.flags = flags, .max_pages = max_pages, .runs = runs,
		.max_runs = WW_MAX_RUNS,
	};
	int ret = tracker.backend->scan(&tracker, &scan);

	for (size_t i = 0; !ret && i < scan.n_runs; i++)
		for (uint64_t at = runs[i].start; at < runs[i].end; at += bytes(1))
			found[(at - (uintptr_t)memory) / bytes(1)] = true;
	return ret ? ret : (int)scan.n_pages;
}

/* Exactly the pages `a` and `b`, which may be one. */
static void is_found(char *memory, unsigned flags, size_t max_pages, size_t a,
		     size_t b, const char *name)
{
	bool found[N_PAGES] = { false };
	int n = scan(memory, N_PAGES, flags, max_pages, found);

	if (!ok(n == 1 + (a != b) && found[a] && found[b], "%s", name))
		diag("%d pages", n);
}

static void is_clean(char *memory, const char *name)
{
	bool found[N_PAGES] = { false };

	ok(!scan(memory, N_PAGES, 0, N_PAGES, found), "%s", name);
}

static void others_are_kept(void)
{
	char *one = watched(N_PAGES), *other = watched(N_PAGES);

	write_page(one, 3), write_page(one, 7), write_page(other, 5);
	is_found(one, WW_SCAN_RESET, 1, 3, 3, "the first page is taken");
	is_found(one, 0, N_PAGES, 7, 7, "the second stays");
	is_found(other, 0, N_PAGES, 5, 5, "and what is elsewhere");
	tracker.backend->reset(&tracker, (uintptr_t)one, bytes(N_PAGES));
	is_clean(one, "a reset");
	is_found(other, WW_SCAN_RESET, N_PAGES, 5, 5, "not of others");
	is_clean(other, "which can be taken");
	write_page(other, 5), write_page(other, 6);
	is_found(other, 0, N_PAGES, 5, 6, "and written again");
	done_with(one, N_PAGES);
	done_with(other, N_PAGES);
}

static void reads_and_access(void)
{
	char *memory = watched(N_PAGES);
	uintptr_t start = (uintptr_t)memory;

	(void)*(volatile char *)(memory + bytes(2));
	is_clean(memory, "a page that was only read");
	write_page(memory, 9);
	tracker.backend->protect(&tracker, start, bytes(N_PAGES), PROT_NONE);
	is_found(memory, 0, N_PAGES, 9, 9, "without access");
	tracker.backend->protect(&tracker, start + bytes(8), bytes(4),
				 PROT_READ | PROT_WRITE);
	write_page(memory, 10);
	is_found(memory, WW_SCAN_RESET, N_PAGES, 9, 10, "with access again");
	is_clean(memory, "and clean");
	done_with(memory, N_PAGES);
}

static void system_calls(void)
{
	char *memory = watched(N_PAGES);
	int ends[2];

	if (pipe(ends) || write(ends[1], "1234", 4) != 4)
		bail_out("pipe");
	ok(read(ends[0], memory + bytes(4) - 2, 4) == 4, "a read into clean pages");
	is_found(memory, WW_SCAN_RESET, N_PAGES, 3, 4, "writes them");
	close(ends[0]), close(ends[1]);
	done_with(memory, N_PAGES);
}

static void twice(void)
{
	char *memory = watched(N_PAGES);
	struct ww_tracker other;

	if (ww_tracker_open_backend(&other, &ww_linux, "softdirty"))
		bail_out("opening another");
	ok(other.backend->watch(&other, (uintptr_t)memory, bytes(1)) == -EBUSY,
	   "memory has one tracker");
	ww_tracker_close(&other);
	done_with(memory, N_PAGES);
}

/* A writer raises pages whose last value was reported and copied: one that is
 * lost stays so. */
static char *raced;
static volatile char values[N_PAGES];
static volatile bool ends;

static void *raise_all(void *argument)
{
	for (size_t page = 0; !ends; page = (page + 1) % N_PAGES) {
		/* so that some pages are still to be written in each scan */
		for (volatile size_t i = page * page % 2048; i; i--)
			;
		if (values[page] == *(volatile char *)(raced + bytes(page)))
			write_page(raced, page);
	}
	return argument;
}

static size_t take_raced(void)
{
	bool found[N_PAGES] = { false };
	int n = scan(raced, N_PAGES, WW_SCAN_RESET, N_PAGES, found);

	for (size_t page = 0; page < N_PAGES; page++)
		if (found[page])
			values[page] = *(volatile char *)(raced + bytes(page));
	return (size_t)n;
}

static void racing_writer(void)
{
	size_t n_reported = 0, n_lost = 0;
	pthread_t thread;

	raced = watched(N_PAGES);
	pthread_create(&thread, NULL, raise_all, NULL);
	for (int i = 0; i < N_ROUNDS; i++)
		n_reported += take_raced();
	ends = true;
	pthread_join(thread, NULL);
	take_raced();
	for (size_t page = 0; page < N_PAGES; page++)
		n_lost += values[page] != raced[bytes(page)];
	ok(!n_lost, "no write is lost to a clearing");
	diag("%zu pages reported, %zu lost", n_reported, n_lost);
	done_with(raced, N_PAGES);
}

/*
 * Between the save and the clearing: the backend's descriptor is a pipe without
 * room, in which it stops until another thread has written to watched memory,
 * cleared the bits in its place, and made room.
 */
static struct {
	char *memory;
	void (*write)(char *page);
	int clear_refs;
	uint64_t clear_refs_file;
	int pipe[2];
	pid_t scanner;
	volatile bool ready;
	volatile bool begun;
	long n_faults;
} gap;

static void write_itself(char *page)
{
	++*(volatile char *)page;
}

static void let_kernel_write(char *page)
{
	int ends[2];

	if (pipe(ends) || write(ends[1], "1", 1) != 1 ||
	    read(ends[0], page, 1) != 1)
		bail_out("reading into watched memory");
	close(ends[0]), close(ends[1]);
}

static void write_through_a_pin(char *page)
{
	static char byte = 1;
	struct iovec from = { &byte, 1 }, to = { page, 1 };

	if (process_vm_writev(getpid(), &from, 1, &to, 1, 0) != 1)
		bail_out("process_vm_writev");
}

/* In that write, asleep. */
static bool scanner_is_stopped(void)
{
	char path[64], line[128] = "";
	long call = -1;
	unsigned long fd = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", gap.scanner);
	file = fopen(path, "re");
	if (!file)
		bail_out(path);
	if (fgets(line, sizeof(line), file))
		sscanf(line, "%ld %lx", &call, &fd);
	fclose(file);
	return call == SYS_write && fd == (unsigned long)gap.pipe[1];
}

static long own_faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_minflt + usage.ru_majflt;
}

/* What takes a fault the first time is done once before. */
static void *write_in_the_gap(void *argument)
{
	static char room[4096];

	gap.write(room);
	scanner_is_stopped();
	own_faults();
	gap.ready = true;
	while (!gap.begun || !scanner_is_stopped())
		usleep(1000);
	gap.n_faults = -own_faults();
	gap.write(gap.memory + bytes(9));
	gap.write(gap.memory + bytes(20));
	gap.n_faults += own_faults();
	if (write(gap.clear_refs, "4", 1) != 1 ||
	    read(gap.pipe[0], room, sizeof(room)) != sizeof(room))
		bail_out("clearing");
	return argument;
}

static void fill_pipe(void)
{
	static char nothing[4096];

	if (pipe(gap.pipe) || fcntl(gap.pipe[1], F_SETPIPE_SZ, 4096) != 4096 ||
	    write(gap.pipe[1], nothing, 4096) != 4096)
		bail_out("a full pipe");
}

/* Page 9 was there and clean, page 20 was never there. */
static void write_in_a_gap(void (*write)(char *page), const char *name)
{
	bool found[N_PAGES] = { false };
	pthread_t thread;

	gap.memory = watched(N_PAGES);
	gap.write = write;
	gap.begun = gap.ready = false;
	gap.scanner = gettid();
	write_page(gap.memory, 9);
	scan(gap.memory, N_PAGES, WW_SCAN_RESET, N_PAGES, found);
	found[9] = false;
	write_page(gap.memory, 3);
	fill_pipe();
	gap.clear_refs = tracker.clear_refs;
	gap.clear_refs_file = tracker.clear_refs_file;
	if (pthread_create(&thread, NULL, write_in_the_gap, NULL))
		bail_out("pthread_create");
	while (!gap.ready)
		usleep(1000);
	tracker.clear_refs = gap.pipe[1];
	tracker.clear_refs_file = ww_linux.identify(gap.pipe[1]);
	gap.begun = true;
	scan(gap.memory, N_PAGES, WW_SCAN_RESET, N_PAGES, found);
	pthread_join(thread, NULL);
	tracker.clear_refs = gap.clear_refs;
	tracker.clear_refs_file = gap.clear_refs_file;
	scan(gap.memory, N_PAGES, WW_SCAN_RESET, N_PAGES, found);
	ok(found[3] && found[9] && found[20] && gap.n_faults >= 2, "%s", name);
	diag("%ld faults in 2 pages", gap.n_faults);
	close(gap.pipe[0]), close(gap.pipe[1]);
	done_with(gap.memory, N_PAGES);
}

static void gaps(void)
{
	write_in_a_gap(write_itself, "a write between save and clearing");
	write_in_a_gap(let_kernel_write, "one by a system call");
	write_in_a_gap(write_through_a_pin, "one through pinned pages");
}

int main(void)
{
	int ret = ww_tracker_open_backend(&tracker, &ww_linux, "softdirty");

	alarm(280);
	if (ret)
		skip_all("%s: %s", tracker.failure, strerror(-ret));
	others_are_kept();
	reads_and_access();
	system_calls();
	twice();
	gaps();
	racing_writer();
	ww_tracker_close(&tracker);
	return done_testing();
}
