/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words of memory.h. */
#include "memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define MOST_PAGES 1024

bool can_watch(void)
{
	void *base = VirtualAlloc(NULL, 1, MEM_RESERVE | MEM_WRITE_WATCH,
				  PAGE_READWRITE);

	return base && VirtualFree(base, 0, MEM_RELEASE);
}

void watch_or_skip(void)
{
	if (!can_watch())
		skip_all("MEM_WRITE_WATCH fails with error %u", GetLastError());
}

bool uses_mprotect(void)
{
	const char *forced = getenv("WINEWATCH_BACKEND");

	return forced && !strcmp(forced, "mprotect");
}

/* PAGEMAP_SCAN of nothing; older headers lack it. */
static bool kernel_scans(void)
{
	uint64_t argument[12] = { sizeof(argument) };
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC), ret;

	ret = ioctl(pagemap, _IOWR('f', 16, argument), argument);
	close(pagemap);
	return !ret;
}

bool uses_uffd(void)
{
	const char *forced = getenv("WINEWATCH_BACKEND");

	return forced && *forced ? !strcmp(forced, "uffd") : kernel_scans();
}

char *allocate(size_t n_pages, DWORD type, DWORD protect)
{
	char *base = VirtualAlloc(NULL, n_pages * PAGE_BYTES, type, protect);

	if (!base)
		bail_out("VirtualAlloc");
	return base;
}

char *watched(size_t n_pages)
{
	return allocate(n_pages, MEM_RESERVE | MEM_COMMIT | MEM_WRITE_WATCH,
			PAGE_READWRITE);
}

void release(void *base)
{
	if (!VirtualFree(base, 0, MEM_RELEASE))
		bail_out("VirtualFree");
}

void touch(char *base, size_t page)
{
	volatile char *byte = base + page * PAGE_BYTES;

	*byte = *byte + 1;
}

void touch_all(char *base, const char *pages)
{
	char *rest;

	for (;; pages = rest) {
		unsigned long page = strtoul(pages, &rest, 10);

		if (rest == pages)
			return;
		touch(base, page);
	}
}

const char *written(DWORD flags, char *base, size_t first, size_t n_pages,
		    size_t capacity)
{
	static char text[MOST_PAGES * 5 + 1];
	static void *addresses[MOST_PAGES];
	ULONG_PTR count = capacity;
	DWORD granularity;
	char *end = text;

	if (GetWriteWatch(flags, base + first * PAGE_BYTES, n_pages * PAGE_BYTES,
			  addresses, &count, &granularity)) {
		sprintf(text, "error %u", GetLastError());
		return text;
	}
	*end = 0;
	for (size_t i = 0; i < count; i++)
		end += sprintf(end, i ? " %zu" : "%zu",
			       ((char *)addresses[i] - base) / PAGE_BYTES);
	return text;
}

void is_written(char *base, size_t n_pages, DWORD flags, const char *wanted,
		const char *name)
{
	const char *got = written(flags, base, 0, n_pages, MOST_PAGES);

	if (!ok(!strcmp(got, wanted), "%s", name))
		diag("written: [%s], expected [%s]", got, wanted);
}

uint32_t random_below(uint64_t *state, uint32_t limit)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(((*state >> 32) * limit) >> 32);
}

uint64_t seed_of(int argc, char **argv)
{
	struct timespec now;
	uint64_t seed;

	clock_gettime(CLOCK_REALTIME, &now);
	seed = argc > 1 ? strtoull(argv[1], NULL, 10) :
			  (uint64_t)now.tv_nsec + (uint64_t)now.tv_sec;
	diag("seed %llu", (unsigned long long)seed);
	return seed;
}

static FILE *open_proc(const char *path)
{
	FILE *file = fopen(path, "r");

	if (!file)
		bail_out(path);
	return file;
}

long status_kb(const char *field)
{
	FILE *file = open_proc("/proc/self/status");
	size_t length = strlen(field);
	char line[256];
	long kb = -1;

	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, field, length) && line[length] == ':')
			kb = strtol(line + length + 1, NULL, 10);
	fclose(file);
	return kb;
}

size_t count_maps(void)
{
	FILE *file = open_proc("/proc/self/maps");
	size_t n = 0;
	int c;

	while ((c = getc(file)) != EOF)
		n += c == '\n';
	fclose(file);
	return n;
}
