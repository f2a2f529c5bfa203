/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The services that are replaced in Wine's table, once for each convention in
 * which Wine enters its unix side (convention.h). services.c is compiled twice.
 * Choosing at run time between two casts of one pointer is no way: gcc 12 merges
 * both calls into one.
 */
#ifndef WW_SERVICES_H
#define WW_SERVICES_H

#include <stddef.h>

struct ww_service {
	const char *name;	/* of the export of ntdll.so */
	void *replacement;	/* NULL: only called, not replaced */
	void **original;	/* where the export's address is kept */
};

extern const struct ww_service ww_services_windows[];
extern const struct ww_service ww_services_unix[];

/* Both lists have the same names in the same order, the replaced ones first. */
enum { WW_N_REPLACED = 9, WW_N_SERVICES = 14 };

#endif
