/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Watched pages with a shadow: random calls, and what must be true after each of
 * them. Only one thread works on a shadow at a time; it may be ended anywhere in
 * it by pthread_exit in a signal handler, and another goes on.
 */
#ifndef NATIVE_SHADOW_H
#define NATIVE_SHADOW_H

#include "memory.h"

enum { SHADOW_PAGES = 64, ZONE_PAGES = 16 };

struct figures {
	uint64_t writes;	/* to pages */
	uint64_t calls;
	uint64_t refused;	/* of them, for want of memory or maps */
	uint64_t reported;	/* pages */
	uint64_t spare;		/* of them, not known to be written */
	uint64_t lost;		/* written and not reported */
	uint64_t wrong;		/* contents, calls that failed, results */
};

/* What is under way, or has been when the thread was ended. */
enum shadow_call {
	NO_CALL,
	A_WRITE,
	A_GET,
	A_GET_RESET,
	A_RESET,
	A_COMMIT,
	A_DECOMMIT,
	A_PROTECT,
	A_VISIT,	/* to the zone: reserves, writes, asks, releases */
	N_CALLS,
};

struct shadow {
	char *base;		/* SHADOW_PAGES, part of a watched reservation */
	char *zone;		/* where nobody else reserves; NULL: no visits */
	bool limited;		/* calls may be refused */
	uint64_t random;
	uint64_t value;		/* the last one written */
	uint64_t new_value;	/* the one that a write writes */
	struct figures *figures;
	struct shadow_page {
		uint64_t value;
		bool written;	/* must be reported */
		unsigned char access;	/* 0: not committed */
	} pages[SHADOW_PAGES];
	enum shadow_call call;
	size_t first, n_pages;	/* that it is about */
	void *results[SHADOW_PAGES];	/* NULL where there is none */
	enum shadow_call wrong;	/* the last call that went wrong */
	DWORD error;		/* and its error */
};

extern const char *const shadow_calls[N_CALLS];

/* The base is reserved and nothing of it is committed. */
void shadow_begin(struct shadow *shadow, char *base, uint64_t seed,
		  struct figures *figures);

/* A write, mostly, or one of the calls. */
void shadow_step(struct shadow *shadow);

/* Settles what the thread left that was ended, or the others in a child. */
void shadow_recover(struct shadow *shadow);

/* Asks for all pages, with reset. */
void shadow_take_all(struct shadow *shadow);

void figures_add(struct figures *sum, const struct figures *more);

#endif
