/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The method of Wine up to 10.6 and of later ones on older kernels, written
 * after its description: a byte per page, read-only pages, and a handler of
 * SIGSEGV that makes one page writable, all under one mutex.
 */
#include "config.h"

#include "method.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

enum {
	COMMITTED = 1,
	CLEAN = 2,
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct bench_memory *memories;
static struct sigaction before;

static void enter(sigset_t *saved)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, saved);
	pthread_mutex_lock(&mutex);
}

static void leave(const sigset_t *saved)
{
	pthread_mutex_unlock(&mutex);
	pthread_sigmask(SIG_SETMASK, saved, NULL);
}

static bool let_write(uintptr_t page)
{
	struct bench_memory *memory = memories;
	unsigned char *state;

	while (memory && page - memory->start >= memory->n_bytes)
		memory = memory->next;
	if (!memory)
		return false;
	state = &memory->states[(page - memory->start) / BENCH_PAGE];
	if (!(*state & COMMITTED))
		return false;
	/* by another thread, perhaps */
	if (!(*state & CLEAN))
		return true;
	*state &= (unsigned char)~CLEAN;
	return !mprotect((void *)page, BENCH_PAGE, PROT_READ | PROT_WRITE);
}

/* All signals are blocked while it runs, so the mutex is safe. */
static void on_fault(int number, siginfo_t *info, void *context)
{
	bool good;

	(void)context;
	pthread_mutex_lock(&mutex);
	good = let_write((uintptr_t)info->si_addr & ~(BENCH_PAGE - 1));
	pthread_mutex_unlock(&mutex);
	/* the fault comes again and ends the program, or is another's */
	if (!good)
		sigaction(number, &before, NULL);
}

static int open_handler(void)
{
	struct sigaction action = {
		.sa_sigaction = on_fault,
		.sa_flags = SA_SIGINFO | SA_RESTART,
	};

	sigfillset(&action.sa_mask);
	return sigaction(SIGSEGV, &action, &before) ? -errno : 0;
}

static void close_handler(void)
{
	sigaction(SIGSEGV, &before, NULL);
}

static int add(struct bench_memory *memory)
{
	size_t n_pages = memory->n_bytes / BENCH_PAGE;
	void *states = mmap(NULL, n_pages, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (states == MAP_FAILED)
		return -errno;
	memset(states, CLEAN, n_pages);
	memory->states = states;
	memory->next = memories;
	memories = memory;
	return 0;
}

static int reserve(struct bench_memory *memory, size_t n_bytes)
{
	intptr_t start = bench_map_none(n_bytes);
	sigset_t saved;
	int ret;

	if (start < 0)
		return (int)start;
	memory->start = (uintptr_t)start;
	memory->n_bytes = n_bytes;
	enter(&saved);
	ret = add(memory);
	leave(&saved);
	return ret;
}

static int commit(struct bench_memory *memory)
{
	sigset_t saved;
	int ret;

	enter(&saved);
	memset(memory->states, COMMITTED | CLEAN, memory->n_bytes / BENCH_PAGE);
	ret = bench_protect(memory, PROT_READ);
	leave(&saved);
	return ret;
}

static int decommit(struct bench_memory *memory)
{
	sigset_t saved;
	int ret;

	enter(&saved);
	ret = bench_discard(memory);
	memset(memory->states, CLEAN, memory->n_bytes / BENCH_PAGE);
	leave(&saved);
	return ret;
}

static void release(struct bench_memory *memory)
{
	struct bench_memory **link = &memories;
	sigset_t saved;

	enter(&saved);
	while (*link != memory)
		link = &(*link)->next;
	*link = memory->next;
	bench_unmap(memory);
	munmap(memory->states, memory->n_bytes / BENCH_PAGE);
	leave(&saved);
}

static void make_clean(struct bench_memory *memory, uintptr_t start,
		       size_t n_bytes)
{
	unsigned char *state =
		&memory->states[(start - memory->start) / BENCH_PAGE];

	for (size_t i = 0; i < n_bytes / BENCH_PAGE; i++)
		state[i] |= CLEAN;
	mprotect((void *)start, n_bytes, PROT_READ);
}

static size_t get(struct bench_memory *memory, uintptr_t start, size_t n_bytes,
		  bool reset, uintptr_t *addresses)
{
	const unsigned char *state =
		&memory->states[(start - memory->start) / BENCH_PAGE];
	sigset_t saved;
	size_t n = 0;

	enter(&saved);
	for (size_t i = 0; i < n_bytes / BENCH_PAGE; i++)
		if (!(state[i] & CLEAN))
			addresses[n++] = start + i * BENCH_PAGE;
	if (reset)
		make_clean(memory, start, n_bytes);
	leave(&saved);
	return n;
}

static void reset(struct bench_memory *memory, uintptr_t start, size_t n_bytes)
{
	sigset_t saved;

	enter(&saved);
	make_clean(memory, start, n_bytes);
	leave(&saved);
}

const struct bench_method bench_wine_stock = {
	.name = "wine-stock",
	.maps_each_run = true,
	.open = open_handler,
	.close = close_handler,
	.reserve = reserve,
	.commit = commit,
	.decommit = decommit,
	.release = release,
	.get = get,
	.reset = reset,
};
