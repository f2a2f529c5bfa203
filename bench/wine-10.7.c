/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The method of Wine 10.7 and later, written after its description: the whole
 * view is registered and protected with markers when it is reserved; a query
 * holds one mutex, with signals blocked, and scans 256 regions at a time.
 */
#include "config.h"

#include "method.h"

#include "../kernel/abi.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

#define N_REGIONS 256

static struct bench_kernel kernel;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static int open_kernel(void)
{
	return bench_kernel_open(&kernel);
}

static void close_kernel(void)
{
	bench_kernel_close(&kernel);
}

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

static int watch(const struct bench_memory *memory)
{
	int ret = bench_kernel_register(&kernel, memory->start, memory->n_bytes);

	return ret ? ret : bench_kernel_arm(&kernel, memory->start,
					    memory->n_bytes);
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
	ret = watch(memory);
	leave(&saved);
	return ret;
}

static int commit(struct bench_memory *memory)
{
	sigset_t saved;
	int ret;

	enter(&saved);
	ret = bench_protect(memory, PROT_READ | PROT_WRITE);
	leave(&saved);
	return ret;
}

static int decommit(struct bench_memory *memory)
{
	sigset_t saved;
	int ret;

	enter(&saved);
	ret = bench_discard(memory);
	if (!ret)
		ret = watch(memory);
	leave(&saved);
	return ret;
}

static void release(struct bench_memory *memory)
{
	sigset_t saved;

	enter(&saved);
	bench_unmap(memory);
	leave(&saved);
}

static size_t scan(uintptr_t start, uintptr_t end, bool reset,
		   uintptr_t *addresses)
{
	struct page_region vec[N_REGIONS];
	size_t n = 0;
	long n_found;

	do {
		n_found = bench_kernel_scan(&kernel, start, end, reset, vec,
					    N_REGIONS);
		for (long i = 0; i < n_found; i++)
			for (start = vec[i].start; start < vec[i].end;
			     start += BENCH_PAGE)
				addresses[n++] = start;
	} while (n_found == N_REGIONS && start < end);
	return n;
}

static size_t get(struct bench_memory *memory, uintptr_t start, size_t n_bytes,
		  bool reset, uintptr_t *addresses)
{
	sigset_t saved;
	size_t n;

	(void)memory;
	enter(&saved);
	n = scan(start, start + n_bytes, reset, addresses);
	leave(&saved);
	return n;
}

static void reset(struct bench_memory *memory, uintptr_t start, size_t n_bytes)
{
	sigset_t saved;

	(void)memory;
	enter(&saved);
	bench_kernel_scan(&kernel, start, start + n_bytes, true, NULL, 0);
	leave(&saved);
}

const struct bench_method bench_wine_10_7 = {
	.name = "wine-10.7",
	.arms_at_reserve = true,
	.open = open_kernel,
	.close = close_kernel,
	.reserve = reserve,
	.commit = commit,
	.decommit = decommit,
	.release = release,
	.get = get,
	.reset = reset,
};
