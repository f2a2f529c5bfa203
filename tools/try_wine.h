/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Trying a Wine: starts it with winewatch and reads what winewatch says. */
#ifndef WW_TOOLS_TRY_WINE_H
#define WW_TOOLS_TRY_WINE_H

#include "writewatch.h"

/* The reason where winewatch itself is at work. */
#define SERVED "winewatch serves it"

/* What became of one Wine. Version, abi and reason belong to it. */
struct wine {
	const char *command;	/* as given by the user */
	char *version;		/* its own words, or NULL */
	char *abi;		/* "ms", "sysv" or "unknown" */
	int own_watches;	/* 1 yes, 0 no, -1 not known */
	enum ww_state state;	/* can programs in it have write watches? */
	char *reason;		/* one line */
	const char *remedy;	/* one line; "" when supported */
};

/*
 * Runs "COMMAND --version" through /bin/sh, with winewatch preloaded, and fills
 * in all but `command`, which the caller has set. Takes at most 30 seconds;
 * makes no wineprefix.
 */
void try_wine(struct wine *wine);

void free_wine(struct wine *wine);

#endif
