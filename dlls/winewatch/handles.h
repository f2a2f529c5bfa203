/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The process that a handle stands for, and how it is found on Linux. */
#ifndef WW_HANDLES_H
#define WW_HANDLES_H

#include "memory.h"

#include <stdbool.h>

/* What this process says of itself for others to find; all zero if it cannot
 * be told from others. */
struct ww_tag ww_own_tag(const struct ww_wine *wine);

struct ww_target {
	bool own;
	struct ww_process process;	/* unless it is our own */
};

/* Whom a query may ask through this handle: STATUS_SUCCESS, or why nobody:
 * STATUS_INVALID_HANDLE, STATUS_OBJECT_TYPE_MISMATCH, STATUS_ACCESS_DENIED
 * without PROCESS_VM_OPERATION, STATUS_PROCESS_IS_TERMINATING, or
 * WW_NT_NOT_OURS if that process watches nothing. */
NTSTATUS ww_find_target(const struct ww_wine *wine, HANDLE handle,
			struct ww_target *target);

#endif
