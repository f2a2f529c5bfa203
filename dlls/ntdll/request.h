/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a call asks of memory, and whether it may. */
#ifndef WW_REQUEST_H
#define WW_REQUEST_H

#include "ntvirtual.h"

#include <stdbool.h>

#define WW_RESET_TYPES (MEM_RESET | WW_MEM_RESET_UNDO)

struct ww_request {
	PVOID base;
	SIZE_T size;
	ULONG type;
	ULONG protect;
	bool extended;		/* types of NtAllocateVirtualMemoryEx, too */
	/* where it may lie when base is NULL */
	uintptr_t lowest;	/* address */
	uintptr_t highest;	/* address, of its last byte; 0: any */
	size_t alignment;	/* 0: ours */
	/* answer of ww_request_check: of the pages that it commits */
	unsigned char state;
};

/* Take over what the two calls have beyond base, size, type and protect. */
NTSTATUS ww_request_zero_bits(struct ww_request *request, ULONG_PTR zero_bits);
NTSTATUS ww_request_parameters(struct ww_request *request,
			       const MEM_EXTENDED_PARAMETER *parameters,
			       ULONG n_parameters);

/* Everything that can be said without looking at the memory. */
NTSTATUS ww_request_check(struct ww_request *request, HANDLE process);

#endif
