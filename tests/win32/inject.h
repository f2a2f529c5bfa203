/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Natively: a kernel that fails at one thing. The library's calls of ioctl()
 * come through here.
 */
#ifndef INJECT_H
#define INJECT_H

enum injection {
	NO_INJECTION,
	REGISTER_FAILS,		/* nothing can be watched any more */
	PROTECT_DOES_NOTHING,	/* it says that it has, and has not */
	SCAN_DOES_NOTHING,	/* the number is known, and that is all */
	NO_ASYNC_FEATURE,	/* the handshake works without what we need */
	SCAN_FAILS,		/* no page can be asked for */
};

/* From now on. */
void inject(enum injection injection);

/* How many PAGEMAP_SCAN calls there were. */
unsigned int n_scans(void);

#endif
