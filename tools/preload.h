/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where libwinewatch.so is, and how it gets into LD_PRELOAD. */
#ifndef WW_TOOLS_PRELOAD_H
#define WW_TOOLS_PRELOAD_H

#include <stdbool.h>

/* libwinewatch.so as this program would preload it. */
struct preload {
	char *path;		/* where it is, or where it was expected; with
				 * $LIB in it if there is one for 32 bits, too */
	bool missing;		/* there is no such file */
	const char *problem;	/* NULL, or why it cannot be preloaded */
	const char *remedy;	/* what to do about the problem */
};

/*
 * Finds the library: beside this program when that runs from a build tree,
 * else where it is installed. The caller frees `path`.
 */
void preload_find(struct preload *preload);

/*
 * The value of LD_PRELOAD that puts `path` in front of all that `before`, the
 * value so far or NULL, names already. The caller frees it.
 */
char *preload_value(const char *path, const char *before);

#endif
