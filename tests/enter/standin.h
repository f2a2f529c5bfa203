/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A stand-in for the unix side of Wine's ntdll: the services that are used and
 * a constant table of them. One source, built in variants; what standin_* does
 * is the part of Wine's dispatcher and of the program above it.
 */
#ifndef STANDIN_H
#define STANDIN_H

#include <stdbool.h>
#include <stddef.h>

enum { STANDIN_ENTRIES = 1200 };

/* What the services were called with last; base is what it points to. */
struct standin_call {
	const char *service;
	void *process;
	void *base;
	size_t size;
	size_t zero_bits;
	unsigned type;
	unsigned protect;
};

struct standin {
	void *const *table;		/* STANDIN_ENTRIES functions */
	const struct standin_call *last;
	/* through the table, in the convention of this variant */
	int (*allocate)(void *process, void **base, size_t zero_bits,
			size_t *size, unsigned type, unsigned protect);
	int (*allocate_ex)(void *process, void **base, size_t *size,
			   unsigned type, unsigned protect);
	int (*free)(void *process, void **base, size_t *size, unsigned type);
	int (*get)(void *process, unsigned flags, void *base, size_t size,
		   void **addresses, size_t *count, unsigned *granularity);
	int (*reset)(void *process, void *base, size_t size);
};

/* The export by which a test finds the rest: "standin". */
typedef const struct standin *standin_fn(void);

#endif
