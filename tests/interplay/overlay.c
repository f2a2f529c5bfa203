/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A preloaded library of the kind that overlays and frame limiters are: it stands
 * before dlopen, mmap and malloc, goes on to the next, and says at its end whether
 * it was used.
 */
#define EXPORT __attribute__((visibility("default")))

#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

static unsigned n_dlopen, n_mmap, n_malloc;

/* Before the next function is known, and to find it. */
static char early[65536];
static size_t n_early;

EXPORT void *malloc(size_t n_bytes)
{
	static void *(*next)(size_t n_bytes);
	static int searching;
	char *memory;

	n_malloc++;
	if (!next && !searching) {
		searching = 1;
		next = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
		searching = 0;
	}
	if (next)
		return next(n_bytes);
	memory = early + n_early;
	n_early += (n_bytes + 15) & ~(size_t)15;
	return n_early <= sizeof(early) ? memory : NULL;
}

EXPORT void *mmap(void *start, size_t n_bytes, int protection, int flags, int fd,
		  off_t offset)
{
	static void *(*next)(void *, size_t, int, int, int, off_t);

	n_mmap++;
	if (!next)
		next = (void *(*)(void *, size_t, int, int, int, off_t))
		       dlsym(RTLD_NEXT, "mmap");
	return next(start, n_bytes, protection, flags, fd, offset);
}

EXPORT void *dlopen(const char *file, int flags)
{
	static void *(*next)(const char *, int);

	n_dlopen++;
	if (!next)
		next = (void *(*)(const char *, int))dlsym(RTLD_NEXT, "dlopen");
	return next(file, flags);
}

__attribute__((constructor)) static void begin(void)
{
	void *libm = dlopen("libm.so.6", RTLD_NOW);

	if (libm)
		dlclose(libm);
}

__attribute__((destructor)) static void end(void)
{
	fprintf(stderr, "overlay: %s\n",
		n_dlopen && n_mmap && n_malloc ? "used" : "unused");
}
