/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machine under Linux, and the methods that are measured there. */
#include "config.h"

#include "method.h"

#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

const struct bench_method *const bench_methods[] = {
	&bench_winewatch, &bench_wine_10_7, &bench_wine_stock, &bench_ioctl,
	&bench_unwatched,
};
const int bench_n_methods = sizeof(bench_methods) / sizeof(*bench_methods);

/* ---- Time ---- */

static double now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

double bench_cpu_ns(void)
{
	return now_ns(CLOCK_THREAD_CPUTIME_ID);
}

double bench_wall_ns(void)
{
	return now_ns(CLOCK_MONOTONIC);
}

void bench_sleep_ms(int ms)
{
	const struct timespec delay = { .tv_nsec = ms * 1000000L };

	nanosleep(&delay, NULL);
}

/* ---- CPUs ---- */

/* Those that this program may use, before any thread is pinned. */
static const cpu_set_t *allowed(void)
{
	static cpu_set_t set;

	if (!CPU_COUNT(&set))
		sched_getaffinity(0, sizeof(set), &set);
	return &set;
}

size_t bench_n_cpus(void)
{
	return (size_t)CPU_COUNT(allowed());
}

void bench_pin(int cpu)
{
	const cpu_set_t *all = allowed();
	cpu_set_t one;

	if (cpu < 0) {
		sched_setaffinity(0, sizeof(*all), all);
		return;
	}
	cpu %= CPU_COUNT(all);
	CPU_ZERO(&one);
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, all) && cpu-- == 0)
			CPU_SET(i, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

/* ---- Memory ---- */

/* The number behind the word; `unknown` if the file does not say. */
static size_t number_in(const char *path, const char *format, size_t unknown)
{
	FILE *file = fopen(path, "re");
	size_t number = unknown;
	char line[128];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, format, &number) == 1)
			break;
	if (file)
		fclose(file);
	return number;
}

/* As much as possible if it cannot be told. */
size_t bench_free_bytes(void)
{
	return number_in("/proc/meminfo", "MemAvailable: %zu kB",
			 SIZE_MAX / 1024) * 1024;
}

long bench_tables_kib(void)
{
	return (long)number_in("/proc/self/status", "VmPTE: %zu kB", 0);
}
