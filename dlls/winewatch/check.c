/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether watched memory may be asked for so. The statuses and their order are
 * those of the native layer (ntvirtual.h); Wine's own checks say less, and let
 * some of these calls pass.
 */
#include "ntvirtual.h"

#include "memory.h"

/* Of user addresses on 64-bit Windows. */
#define HIGHEST_ADDRESS ((uintptr_t)0x7ffffffeffff)

#define RESET_TYPES (MEM_RESET | WW_MEM_RESET_UNDO)
#define KNOWN_TYPES \
	(MEM_COMMIT | MEM_RESERVE | RESET_TYPES | MEM_TOP_DOWN | \
	 MEM_WRITE_WATCH | MEM_PHYSICAL | MEM_LARGE_PAGES | \
	 MEM_RESERVE_PLACEHOLDER | MEM_REPLACE_PLACEHOLDER)

static NTSTATUS status_of(enum ww_vm_failure failure)
{
	static const NTSTATUS statuses[] = {
#define V(name, status, what) [WW_VM_##name] = status,
		WW_VM_FAILURES(V)
#undef V
	};

	return statuses[failure];
}

/* A placeholder is no memory yet; what replaces one can be watched. */
static NTSTATUS check_type(ULONG type)
{
	if (type & ~(ULONG)KNOWN_TYPES)
		return status_of(WW_VM_TYPE_UNKNOWN);
	if (!(type & (MEM_COMMIT | MEM_RESERVE | RESET_TYPES)))
		return status_of(WW_VM_TYPE_MISSING);
	if ((type & RESET_TYPES) && type != MEM_RESET && type != WW_MEM_RESET_UNDO)
		return status_of(WW_VM_RESET_NOT_ALONE);
	if (type & MEM_LARGE_PAGES)
		return status_of(WW_VM_LARGE_PAGES_TYPE);
	if ((type & MEM_WRITE_WATCH) && !(type & MEM_RESERVE))
		return status_of(WW_VM_WATCH_WITHOUT_RESERVE);
	if (type & MEM_PHYSICAL)
		return status_of(WW_VM_PHYSICAL_TYPE);
	if (type & MEM_RESERVE_PLACEHOLDER)
		return status_of(WW_VM_PLACEHOLDER_TYPE);
	return STATUS_SUCCESS;
}

/* One access, none that copies on write, and the modifiers that go with it and
 * with each other. */
static bool protection_is_good(ULONG protect)
{
	ULONG access = protect & 0xff;
	ULONG caching = protect & (PAGE_NOCACHE | PAGE_WRITECOMBINE);
	ULONG modifiers = caching | (protect & PAGE_GUARD);

	if (!access || (access & (access - 1)) || (protect & ~(access | modifiers)) ||
	    (access & (PAGE_WRITECOPY | PAGE_EXECUTE_WRITECOPY)))
		return false;
	if (access == PAGE_NOACCESS && modifiers)
		return false;
	return !(caching & (caching - 1)) &&
	       !(caching && (protect & PAGE_GUARD));
}

static NTSTATUS check_range(const struct ww_allocation *allocation)
{
	uintptr_t base = (uintptr_t)allocation->base;

	if (base > HIGHEST_ADDRESS || (base && base < WW_GRANULARITY))
		return status_of(WW_VM_ALLOCATE_BASE);
	if (!allocation->size || allocation->size - 1 > HIGHEST_ADDRESS - base)
		return status_of(WW_VM_ALLOCATE_SIZE);
	return STATUS_SUCCESS;
}

NTSTATUS ww_check_allocation(const struct ww_allocation *allocation)
{
	NTSTATUS status;

	if (allocation->zero_bits > 21 && allocation->zero_bits < 32)
		return status_of(WW_VM_ZERO_BITS);
	if ((status = check_type(allocation->type)))
		return status;
	if (!protection_is_good(allocation->protect))
		return status_of(WW_VM_PROTECTION);
	return check_range(allocation);
}

NTSTATUS ww_check_free_type(ULONG type)
{
	switch (type) {
	case MEM_DECOMMIT:
	case MEM_RELEASE:
	case MEM_RELEASE | MEM_PRESERVE_PLACEHOLDER:
	case MEM_RELEASE | MEM_COALESCE_PLACEHOLDERS:
		return STATUS_SUCCESS;
	default:
		return status_of(WW_VM_FREE_TYPE);
	}
}
