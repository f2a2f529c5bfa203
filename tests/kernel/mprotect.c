/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The mprotect backend on real memory: faults, threads, handlers, limits. */
#include "tap.h"

#include "../../kernel/mprotect.h"

#include <writewatch.h>

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { N_PAGES = 64, N_THREADS = 4 };

static struct ww_tracker tracker;
static char *memory;
static size_t page_size;
static struct ww_run runs[WW_MAX_RUNS];

/* ---- Helpers ---- */

static char *map_pages(size_t n_pages)
{
	char *pages = mmap(NULL, n_pages * page_size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (pages == MAP_FAILED)
		bail_out("mmap");
	return pages;
}

static void watch(char *pages, size_t n_pages)
{
	const struct ww_backend *backend = &ww_backend_mprotect;

	if (backend->watch(&tracker, (uintptr_t)pages, n_pages * page_size) ||
	    backend->arm(&tracker, (uintptr_t)pages, n_pages * page_size))
		bail_out("watch");
}

static int scan_pages(char *pages, size_t n_pages, unsigned flags, size_t max)
{
	struct ww_scan scan = {
		.start = (uintptr_t)pages, .n_bytes = n_pages * page_size,
		.flags = flags, .max_pages = max, .runs = runs,
		.max_runs = WW_MAX_RUNS,
	};
	int ret = ww_backend_mprotect.scan(&tracker, &scan);

	return ret ? ret : (int)scan.n_pages;
}

static int written(unsigned flags)
{
	return scan_pages(memory, N_PAGES, flags, N_PAGES);
}

static void write_page(size_t page)
{
	(*(volatile char *)(memory + page * page_size))++;
}

static int reset_all(void)
{
	return ww_backend_mprotect.reset(&tracker, (uintptr_t)memory,
					 N_PAGES * page_size);
}

/* ---- Writes ---- */

static void sees(void)
{
	ok(written(0) == 0, "armed memory is clean");
	(void)*(volatile char *)memory;
	ok(written(0) == 0, "a read is no write");
	write_page(3);
	write_page(4);
	write_page(9);
	ok(written(0) == 3, "writes are seen");
	ok(runs[0].start == (uintptr_t)memory + 3 * page_size &&
	   runs[0].end == runs[0].start + 2 * page_size, "where they were");
	ok(scan_pages(memory, N_PAGES, WW_SCAN_RESET, 1) == 1, "one is reset");
	ok(written(0) == 2, "the others stay");
	ok(written(WW_SCAN_RESET) == 2, "they are reset");
	ok(written(0) == 0, "and gone");
	write_page(4);
	ok(written(0) == 1, "and seen again");
	ok(!reset_all() && written(0) == 0, "a reset takes all");
}

static bool reads_file(size_t page)
{
	int ends[2];
	bool done;

	if (pipe(ends) || write(ends[1], "x", 1) != 1)
		bail_out("pipe");
	done = read(ends[0], memory + page * page_size, 1) == 1;
	close(ends[0]);
	close(ends[1]);
	return done;
}

static void marks(void)
{
	ok(!reads_file(5), "a system call cannot write to an armed page");
	ok(written(0) == 0, "nor is it written then");
	ok(!ww_mprotect_mark(&tracker, (uintptr_t)memory + 5 * page_size,
			     page_size) && written(0) == 1, "a mark is a write");
	ok(reads_file(5), "and lets system calls write");
	reset_all();
}

/* ---- The owner's access ---- */

static sigjmp_buf back;
static volatile sig_atomic_t n_foreign;

static void jump_back(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)info;
	(void)context;
	n_foreign++;
	siglongjmp(back, 1);
}

static void install_handler(void (*handler)(int, siginfo_t *, void *))
{
	struct sigaction action = {
		.sa_sigaction = handler, .sa_flags = SA_SIGINFO,
	};

	sigaction(SIGSEGV, &action, NULL);
}

/* Whether a write raises a signal that is not the backend's. */
static bool write_faults(char *address)
{
	int before = n_foreign;

	if (!sigsetjmp(back, 1))
		(*(volatile char *)address)++;
	return n_foreign != before;
}

static int owner_protects(size_t page, int access)
{
	return ww_mprotect_protect(&tracker,
				   (uintptr_t)memory + page * page_size,
				   page_size, access);
}

static void owners_access(void)
{
	char *page = memory + 7 * page_size;

	ok(!owner_protects(7, PROT_READ) && write_faults(page),
	   "what its owner made read-only is not opened");
	ok(write_faults(page) && written(0) == 0, "nor the second time");
	ok(!owner_protects(7, PROT_READ | PROT_WRITE) && !write_faults(page) &&
	   written(0) == 1, "when it may be written again, writes are seen");
	ok(!owner_protects(7, PROT_NONE) && written(0) == 1 &&
	   write_faults(page), "without access, it stays written");
	ok(written(WW_SCAN_RESET) == 1 && !owner_protects(7, PROT_READ |
							  PROT_WRITE) &&
	   !write_faults(page) && written(0) == 1,
	   "reset without access, it is armed when it comes back");
	mprotect(page, page_size, PROT_READ);
	ok(write_faults(page), "what nobody told does not loop");
	owner_protects(7, PROT_READ | PROT_WRITE);
	reset_all();
}

/* What the public header says of programs that use mprotect(2) themselves. */
static void own_protection(void)
{
	char *pages = map_pages(4);
	struct ww_open_options options = { sizeof(options), "mprotect", NULL };
	size_t n_bytes = 4 * page_size;
	void *addresses[4];
	struct ww *ww;

	if (ww_open(&ww, &options) || ww_watch(ww, pages, n_bytes))
		bail_out("ww_watch");
	mprotect(pages, n_bytes, PROT_READ);
	pages[0] = 1;
	ok(ww_get(ww, pages, n_bytes, WW_GET_RESET, addresses, 4) == 1,
	   "what became read-only is opened for a write, which is seen");
	mprotect(pages, n_bytes, PROT_READ | PROT_WRITE);
	pages[page_size] = 1;
	ok(ww_get(ww, pages, n_bytes, WW_GET_RESET, addresses, 4) == 0,
	   "what became writable is not seen to be written");
	ok(!ww_unwatch(ww, pages, n_bytes) && !ww_watch(ww, pages, n_bytes),
	   "until it is watched anew");
	pages[2 * page_size] = 1;
	ok(ww_get(ww, pages, n_bytes, 0, addresses, 4) == 1 &&
	   addresses[0] == pages + 2 * page_size, "then it is");
	ww_close(ww);
	munmap(pages, n_bytes);
}

/* ---- Handlers ---- */

static struct sigaction found_below;

static void chains_down(int number, siginfo_t *info, void *context)
{
	n_foreign++;
	found_below.sa_sigaction(number, info, context);
}

/* One that goes on to ours for all it does not know, which is everything. */
static void later_handler(void)
{
	char *no_page = map_pages(1);

	mprotect(no_page, page_size, PROT_NONE);
	sigaction(SIGSEGV, NULL, &found_below);
	install_handler(chains_down);
	n_foreign = 0;
	write_page(1);
	ok(n_foreign == 1 && written(0) == 1,
	   "a later handler that goes on to ours loses nothing");
	write_page(2);
	ok(n_foreign == 1 && written(0) == 2, "ours is on top again");
	ok(write_faults(no_page) && n_foreign == 3,
	   "the two do not go round in circles");
	ok(write_faults(no_page), "nor after a jump out of them");
	munmap(no_page, page_size);
	reset_all();
}

static int dies_of(void (*what)(void), void (*below)(int))
{
	int status;
	pid_t child;

	fflush(NULL);
	child = fork();
	if (!child) {
		alarm(20);
		signal(SIGSEGV, below);
		reset_all();
		what();
		_exit(0);
	}
	waitpid(child, &status, 0);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void write_hidden(void)
{
	char *page = map_pages(1);

	mprotect(page, page_size, PROT_NONE);
	*(volatile char *)page = 1;
}

static void raise_it(void)
{
	raise(SIGSEGV);
}

static void write_armed(void)
{
	write_page(0);
	if (written(0) != 1)
		abort();
}

static void dispositions(void)
{
	ok(dies_of(write_hidden, SIG_DFL) == SIGSEGV, "default: a fault kills");
	ok(dies_of(raise_it, SIG_DFL) == SIGSEGV, "so does a signal");
	ok(dies_of(write_hidden, SIG_IGN) == SIGSEGV, "ignored: a fault kills");
	ok(dies_of(raise_it, SIG_IGN) == 0, "a signal does not");
	ok(dies_of(write_armed, SIG_DFL) == 0, "after fork(), ours are ours");
}

/* Nothing of the stack in use is left to run a handler on. */
static void alternate_stack(void)
{
	static char space[1 << 16];
	stack_t stack = { .ss_sp = space, .ss_size = sizeof(space) };
	struct sigaction now;

	sigaltstack(&stack, NULL);
	sigaction(SIGSEGV, NULL, &now);
	ok(now.sa_flags & SA_ONSTACK, "it runs on the alternate stack");
	write_page(11);
	ok(written(WW_SCAN_RESET) == 1, "there, a write is seen");
	stack.ss_flags = SS_DISABLE;
	sigaltstack(&stack, NULL);
}

/* ---- Threads ---- */

static pthread_barrier_t barrier;
static size_t n_rounds;

static void *write_all(void *argument)
{
	size_t thread = (size_t)argument;

	for (size_t i = 0; i < n_rounds; i++) {
		pthread_barrier_wait(&barrier);
		for (size_t page = 0; page < N_PAGES; page++)
			__atomic_fetch_add(memory + page * page_size + thread,
					   1, __ATOMIC_RELAXED);
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

/* All threads write each page at once, then all are still. */
static void threads(void)
{
	pthread_t thread[N_THREADS];
	size_t good = 0;

	n_rounds = 200;
	pthread_barrier_init(&barrier, NULL, N_THREADS + 1);
	for (size_t i = 0; i < N_THREADS; i++)
		if (pthread_create(&thread[i], NULL, write_all, (void *)i))
			bail_out("pthread_create");
	for (size_t i = 0; i < n_rounds; i++) {
		pthread_barrier_wait(&barrier);
		pthread_barrier_wait(&barrier);
		good += written(WW_SCAN_RESET) == N_PAGES && written(0) == 0;
	}
	for (size_t i = 0; i < N_THREADS; i++)
		pthread_join(thread[i], NULL);
	ok(good == n_rounds, "threads race for pages and lose no write");
}

/* A counter in each page; what a scan reports is copied. */
static volatile bool stop;

static void *write_on(void *argument)
{
	unsigned state = 1;

	(void)argument;
	while (!stop) {
		state = state * 1103515245 + 12345;
		__atomic_fetch_add((unsigned *)(memory + (state >> 16) % N_PAGES
						* page_size), 1,
				   __ATOMIC_RELAXED);
	}
	return NULL;
}

static void copy_reported(char *copy)
{
	struct ww_scan scan = {
		.start = (uintptr_t)memory, .n_bytes = N_PAGES * page_size,
		.flags = WW_SCAN_RESET, .max_pages = N_PAGES, .runs = runs,
		.max_runs = WW_MAX_RUNS,
	};

	if (ww_backend_mprotect.scan(&tracker, &scan))
		bail_out("scan");
	for (size_t i = 0; i < scan.n_runs; i++)
		memcpy(copy + runs[i].start - scan.start, (char *)runs[i].start,
		       runs[i].end - runs[i].start);
}

static void racing_scans(void)
{
	char *copy = map_pages(N_PAGES);
	pthread_t thread;

	memcpy(copy, memory, N_PAGES * page_size);
	if (pthread_create(&thread, NULL, write_on, NULL))
		bail_out("pthread_create");
	for (int i = 0; i < 3000; i++)
		copy_reported(copy);
	stop = true;
	pthread_join(thread, NULL);
	copy_reported(copy);
	ok(!memcmp(copy, memory, N_PAGES * page_size),
	   "writes that race with scans are in one of them");
	munmap(copy, N_PAGES * page_size);
}

/* ---- The limit of mappings ---- */

static void many_boundaries(void)
{
	enum { MANY = 1 << 15 };
	char *pages = map_pages(MANY);
	size_t before = ww_mprotect_overreported(), n = 0;
	bool *wrote = calloc(MANY, sizeof(*wrote));
	bool lost = false;
	uint64_t state = 1;

	ww_mprotect_set_budget(2000);
	watch(pages, MANY);
	for (int i = 0; i < 20000; i++) {
		size_t page = (state = state * 6364136223846793005 + 1) >> 33;

		pages[page % MANY * page_size] = 1;
		wrote[page % MANY] = true;
	}
	for (size_t i = 0; i < MANY; i++) {
		bool seen = scan_pages(pages + i * page_size, 1, 0, 1) == 1;

		lost |= wrote[i] && !seen;
		n += seen && !wrote[i];
	}
	ok(!lost, "past the limit no write is lost");
	/* some were written after they were opened */
	ok(n && n <= ww_mprotect_overreported() - before,
	   "pages too many are counted: %zu", n);
	ww_backend_mprotect.unwatch(&tracker, (uintptr_t)pages,
				    MANY * page_size);
	munmap(pages, MANY * page_size);
	free(wrote);
}

/* ---- Memory that was never armed ---- */

static void unarmed(void)
{
	char *pages = map_pages(8);
	const struct ww_backend *backend = &ww_backend_mprotect;
	uintptr_t start = (uintptr_t)pages;

	pages[2 * page_size] = 1;
	ok(scan_pages(pages, 8, WW_SCAN_UNARMED, 8) == 0,
	   "what others have written is not looked for");
	ok(scan_pages(pages, 8, 0, 8) == -EPERM, "it is not watched");
	backend->watch(&tracker, start, 8 * page_size);
	ok(scan_pages(pages, 8, 0, 8) == -EPERM, "nor is unarmed memory");
	ok(scan_pages(pages, 8, WW_SCAN_ARM, 8) == 0 &&
	   scan_pages(pages, 8, 0, 8) == 0, "until it is armed");
	pages[3 * page_size] = 1;
	ok(scan_pages(pages, 8, 0, 8) == 1, "a write is seen");
	backend->unwatch(&tracker, start, 8 * page_size);
	pages[4 * page_size] = 1;
	ok(scan_pages(pages, 8, 0, 8) == -EPERM, "unwatched, it is not");
	munmap(pages, 8 * page_size);
}

int main(void)
{
	alarm(120);
	page_size = ww_page_size();
	tracker.ops = &ww_linux;
	install_handler(jump_back);
	if (ww_backend_mprotect.open(&tracker))
		bail_out("open");
	memory = map_pages(N_PAGES);
	watch(memory, N_PAGES);
	sees();
	marks();
	owners_access();
	own_protection();
	later_handler();
	dispositions();
	alternate_stack();
	threads();
	racing_scans();
	many_boundaries();
	unarmed();
	ww_backend_mprotect.close(&tracker);
	return done_testing();
}
