/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Watched memory through the Win32 names, as a port sees them. */
#ifndef NATIVE_MEMORY_H
#define NATIVE_MEMORY_H

#include <writewatch/win32.h>

#include <stdbool.h>

#include "../kernel/tap.h"

#define PAGE_BYTES ((size_t)4096)
#define RESET WRITE_WATCH_FLAG_RESET

bool can_watch(void);
/* Ends the program, as skipped, if writes cannot be watched here. */
void watch_or_skip(void);

/* The ways to see writes have their limits, which the tests know. */
bool uses_uffd(void);
bool uses_mprotect(void);

/* Memory at a place of its own choice; the program ends if there is none. */
char *allocate(size_t n_pages, DWORD type, DWORD protect);
char *watched(size_t n_pages);
void release(void *base);

/* One more in the first byte of the page. */
void touch(char *base, size_t page);
/* Of each page of a list such as "1 5 9". */
void touch_all(char *base, const char *pages);

/* The written pages of a part, as such a list, or "error 87". Good until the
 * next call. At most 1024. */
const char *written(DWORD flags, char *base, size_t first, size_t n_pages,
		    size_t capacity);

/* A row: exactly these pages are written among the first n_pages. */
void is_written(char *base, size_t n_pages, DWORD flags, const char *wanted,
		const char *name);

/* A number below `limit`; the state is any number at first. */
uint32_t random_below(uint64_t *state, uint32_t limit);

/* The seed for a run: of the command line, or a new one. Says which. */
uint64_t seed_of(int argc, char **argv);

/* A number of kB from /proc/self/status, such as "VmPTE". */
long status_kb(const char *field);

/* The number of lines in /proc/self/maps. */
size_t count_maps(void);

#endif
