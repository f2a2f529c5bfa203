/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Watched memory for the tests of the C interface, and rows about it. */
#include "pages.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

struct ww *open_or_skip(void)
{
	const char *reason = "";
	struct ww_open_options options = { .struct_size = sizeof(options),
					   .reason = &reason };
	struct ww *ww;
	int ret = ww_open(&ww, &options);

	if (ret)
		skip_all("no backend: %s: %s", reason, strerror(-ret));
	return ww;
}

char *map_pages(size_t n_pages, int protection)
{
	char *memory = mmap(NULL, n_pages * page_size(), protection,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		bail_out("mapping memory");
	return memory;
}

void unmap_pages(char *memory, size_t n_pages)
{
	munmap(memory, n_pages * page_size());
}

void write_page(char *memory, size_t page)
{
	++*(volatile char *)(memory + page * page_size());
}

char *watched_pages(struct ww *ww, size_t n_pages)
{
	char *memory = map_pages(n_pages, PROT_READ | PROT_WRITE);
	int ret = ww_watch(ww, memory, n_pages * page_size());

	if (ret) {
		errno = -ret;
		bail_out("watching memory");
	}
	return memory;
}

/* Appends pages to "0-2,7". What does not fit is cut off: the row has failed by
 * then. */
static void describe(char *text, size_t n_bytes, const char *memory,
		     const void *start, size_t n_pages)
{
	size_t length = strnlen(text, n_bytes);
	size_t offset = (uintptr_t)start - (uintptr_t)memory;
	size_t first = offset / page_size();

	length += (size_t)snprintf(text + length, n_bytes - length, "%s%zu%s",
				   length ? "," : "", first,
				   offset % page_size() ? "!" : "");
	if (n_pages > 1 && length < n_bytes)
		snprintf(text + length, n_bytes - length, "-%zu",
			 first + n_pages - 1);
}

static void describe_addresses(char *text, size_t n_bytes, const char *memory,
			       void **addresses, ssize_t n)
{
	*text = '\0';
	for (ssize_t i = 0, next; i < n; i = next) {
		for (next = i + 1; next < n; next++)
			if ((char *)addresses[next] !=
			    (char *)addresses[next - 1] + page_size())
				break;
		describe(text, n_bytes, memory, addresses[i], (size_t)(next - i));
	}
}

static void describe_runs(char *text, size_t n_bytes, const char *memory,
			  const struct ww_range *runs, ssize_t n)
{
	*text = '\0';
	for (ssize_t i = 0; i < n; i++)
		describe(text, n_bytes, memory, runs[i].start,
			 runs[i].n_bytes / page_size());
}

static bool is_text(const char *got, const char *wanted, const char *name)
{
	bool same = ok(!strcmp(got, wanted), "%s", name);

	if (!same)
		diag("got %s, wanted %s", got, wanted);
	return same;
}

bool is_stored(void **addresses, ssize_t n, char *memory, const char *wanted,
	       const char *name)
{
	char text[4096];

	describe_addresses(text, sizeof(text), memory, addresses, n);
	return is_text(text, wanted, name);
}

bool is_written(struct ww *ww, char *memory, size_t n_pages, const char *wanted,
		const char *name)
{
	void **addresses = calloc(n_pages, sizeof(*addresses));
	struct ww_range *runs = calloc(n_pages, sizeof(*runs));
	size_t n_bytes = n_pages * page_size();
	char one[4096], other[4096];
	bool passed;

	describe_addresses(one, sizeof(one), memory, addresses,
			   ww_get(ww, memory, n_bytes, 0, addresses, n_pages));
	describe_runs(other, sizeof(other), memory, runs,
		      ww_get_runs(ww, memory, n_bytes, 0, runs, n_pages));
	passed = ok(!strcmp(one, wanted) && !strcmp(other, wanted), "%s", name);
	if (!passed)
		diag("got %s, as runs %s, wanted %s", one, other, wanted);
	free(addresses);
	free(runs);
	return passed;
}

bool is_answer(ssize_t got, ssize_t wanted, const char *name)
{
	bool same = ok(got == wanted, "%s", name);

	if (!same)
		diag("got %zd (%s), wanted %zd (%s)", got,
		     got < 0 ? strerror((int)-got) : "a count", wanted,
		     wanted < 0 ? strerror((int)-wanted) : "a count");
	return same;
}
