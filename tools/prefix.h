/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A wineprefix to run programs in. */
#ifndef WW_TOOLS_PREFIX_H
#define WW_TOOLS_PREFIX_H

#include <stdbool.h>

struct prefix {
	char *path;
	bool own;		/* made by us, and nobody else's */
};

/*
 * The one that WINEPREFIX names, else a new one in a temporary folder: never
 * the user's ~/.wine. Returns 0 or -errno.
 */
int prefix_open(struct prefix *prefix);

/*
 * Ends what still runs in one of our own, down to its wineserver. This process
 * must be the subreaper of its descendants and must have no other children.
 */
void prefix_end_processes(const struct prefix *prefix);

/* The same, and removes one of our own. */
void prefix_close(struct prefix *prefix);

#endif
