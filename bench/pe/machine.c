/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machine as a Windows program sees it, and the memory it can have. */
#include "../method.h"

#include <errno.h>
#include <windows.h>

static const struct bench_method watched, unwatched;

const struct bench_method *const bench_methods[] = { &watched, &unwatched };
const int bench_n_methods = sizeof(bench_methods) / sizeof(*bench_methods);

/* ---- Time ---- */

double bench_wall_ns(void)
{
	LARGE_INTEGER now, per_second;

	QueryPerformanceFrequency(&per_second);
	QueryPerformanceCounter(&now);
	return (double)now.QuadPart * 1e9 / (double)per_second.QuadPart;
}

/* A thread's own time is only known to some milliseconds. */
double bench_cpu_ns(void)
{
	return bench_wall_ns();
}

void bench_sleep_ms(int ms)
{
	Sleep((DWORD)ms);
}

/* ---- CPUs ---- */

static DWORD_PTR allowed(void)
{
	DWORD_PTR ours = 1, all;

	GetProcessAffinityMask(GetCurrentProcess(), &ours, &all);
	return ours;
}

size_t bench_n_cpus(void)
{
	return (size_t)__builtin_popcountll(allowed());
}

void bench_pin(int cpu)
{
	DWORD_PTR mask = allowed();

	if (cpu >= 0) {
		for (cpu %= (int)bench_n_cpus(); cpu; cpu--)
			mask &= mask - 1;
		mask &= -mask;
	}
	SetThreadAffinityMask(GetCurrentThread(), mask);
}

/* ---- Memory ---- */

size_t bench_free_bytes(void)
{
	MEMORYSTATUSEX status = { .dwLength = sizeof(status) };

	return GlobalMemoryStatusEx(&status) ? status.ullAvailPhys : SIZE_MAX;
}

long bench_tables_kib(void)
{
	return 0;
}

/* Windows tells no errno; what was tried is in the message. */
static int failed(void)
{
	return -ENOMEM;
}

static int reserve(struct bench_memory *memory, size_t n_bytes, DWORD type)
{
	void *start = VirtualAlloc(NULL, n_bytes, MEM_RESERVE | type,
				   PAGE_READWRITE);

	memory->start = (uintptr_t)start;
	memory->n_bytes = n_bytes;
	return start ? 0 : failed();
}

static int reserve_watched(struct bench_memory *memory, size_t n_bytes)
{
	return reserve(memory, n_bytes, MEM_WRITE_WATCH);
}

static int reserve_unwatched(struct bench_memory *memory, size_t n_bytes)
{
	return reserve(memory, n_bytes, 0);
}

static int commit(struct bench_memory *memory)
{
	return VirtualAlloc((void *)memory->start, memory->n_bytes, MEM_COMMIT,
			    PAGE_READWRITE) ? 0 : failed();
}

static int decommit(struct bench_memory *memory)
{
	return VirtualFree((void *)memory->start, memory->n_bytes, MEM_DECOMMIT)
		       ? 0 : failed();
}

static void release(struct bench_memory *memory)
{
	VirtualFree((void *)memory->start, 0, MEM_RELEASE);
}

/* A call that fails has no answer at all: none is right then. */
static size_t get(struct bench_memory *memory, uintptr_t start, size_t n_bytes,
		  bool reset, uintptr_t *addresses)
{
	ULONG_PTR count = n_bytes / BENCH_PAGE;
	DWORD granularity;

	(void)memory;
	if (GetWriteWatch(reset ? WRITE_WATCH_FLAG_RESET : 0, (void *)start,
			  n_bytes, (void **)addresses, &count, &granularity))
		return SIZE_MAX;
	return count;
}

static void reset(struct bench_memory *memory, uintptr_t start, size_t n_bytes)
{
	(void)memory;
	ResetWriteWatch((void *)start, n_bytes);
}

static const struct bench_method watched = {
	.name = "watched",
	.reserve = reserve_watched,
	.commit = commit,
	.decommit = decommit,
	.release = release,
	.get = get,
	.reset = reset,
};

static const struct bench_method unwatched = {
	.name = "unwatched",
	.reserve = reserve_unwatched,
	.commit = commit,
	.decommit = decommit,
	.release = release,
};
