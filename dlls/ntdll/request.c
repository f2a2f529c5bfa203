/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether an allocation may be asked for. */
#include "request.h"

#include "handles.h"
#include "memory.h"

/* ---- Where it may lie ---- */

#define MOST_ZERO_BITS 21
#define FIRST_MASK 32

/* 0, for any, where that is no limit. */
static uintptr_t ones_below(uintptr_t mask)
{
	uintptr_t ones = UINTPTR_MAX >> __builtin_clzl(mask);

	return ones <= WW_HIGHEST_ADDRESS ? ones : 0;
}

/* Small numbers count bits of an address of 32 bits, large ones are a mask for
 * it. */
NTSTATUS ww_request_zero_bits(struct ww_request *request, ULONG_PTR zero_bits)
{
	if (zero_bits > MOST_ZERO_BITS && zero_bits < FIRST_MASK)
		return ww_vm_status(WW_VM_ZERO_BITS);
	if (zero_bits >= FIRST_MASK)
		request->highest = ones_below(zero_bits);
	else if (zero_bits)
		request->highest = UINT32_MAX >> zero_bits;
	return STATUS_SUCCESS;
}

static bool limits_are_good(uintptr_t lowest, uintptr_t highest)
{
	if (lowest % WW_GRANULARITY || lowest > WW_HIGHEST_ADDRESS)
		return false;
	return !highest || (highest <= WW_HIGHEST_ADDRESS && highest > lowest &&
			    !((highest + 1) % ww_page_size()));
}

static bool alignment_is_good(size_t alignment)
{
	return !alignment || (alignment >= WW_GRANULARITY &&
			      !(alignment & (alignment - 1)));
}

static NTSTATUS take_requirements(struct ww_request *request,
				  const MEM_ADDRESS_REQUIREMENTS *wanted)
{
	uintptr_t lowest, highest;

	if (!wanted)
		return ww_vm_status(WW_VM_ARGUMENT_MISSING);
	lowest = (uintptr_t)wanted->LowestStartingAddress;
	highest = (uintptr_t)wanted->HighestEndingAddress;
	if (request->base && (lowest || highest || wanted->Alignment))
		return ww_vm_status(WW_VM_REQUIREMENTS_WITH_BASE);
	if (!limits_are_good(lowest, highest) ||
	    !alignment_is_good(wanted->Alignment))
		return ww_vm_status(WW_VM_REQUIREMENTS);
	request->lowest = lowest;
	request->highest = highest;
	request->alignment = wanted->Alignment;
	return STATUS_SUCCESS;
}

/* A node that is preferred is no promise, so there need not be any. */
static NTSTATUS take_parameter(struct ww_request *request,
			       const MEM_EXTENDED_PARAMETER *parameter)
{
	switch (parameter->Type) {
	case MemExtendedParameterAddressRequirements:
		return take_requirements(request, parameter->Pointer);
	case MemExtendedParameterNumaNode:
		return STATUS_SUCCESS;
	case MemExtendedParameterAttributeFlags:
		if (!parameter->ULong64)
			return STATUS_SUCCESS;
		/* fall through */
	default:
		return ww_vm_status(WW_VM_PARAMETER_UNKNOWN);
	}
}

NTSTATUS ww_request_parameters(struct ww_request *request,
			       const MEM_EXTENDED_PARAMETER *parameters,
			       ULONG n_parameters)
{
	unsigned seen = 0;

	if (n_parameters && !parameters)
		return ww_vm_status(WW_VM_PARAMETERS_MISSING);
	for (ULONG i = 0; i < n_parameters; i++) {
		NTSTATUS status = take_parameter(request, &parameters[i]);

		if (status)
			return status;
		if (parameters[i].Reserved || (seen & 1u << parameters[i].Type))
			return ww_vm_status(WW_VM_PARAMETER_TWICE);
		seen |= 1u << parameters[i].Type;
	}
	return STATUS_SUCCESS;
}

/* ---- Types ---- */

#define PLACEHOLDER_TYPES (MEM_RESERVE_PLACEHOLDER | MEM_REPLACE_PLACEHOLDER)
#define KNOWN_TYPES \
	(MEM_COMMIT | MEM_RESERVE | WW_RESET_TYPES | MEM_TOP_DOWN | \
	 MEM_WRITE_WATCH | MEM_PHYSICAL | MEM_LARGE_PAGES)

static bool large_pages_type_is_good(ULONG type)
{
	return (type & MEM_COMMIT) &&
	       !(type & (MEM_PHYSICAL | MEM_RESET | MEM_WRITE_WATCH));
}

/* A placeholder is nothing but reserved; what replaces it is reserved anew. */
static bool placeholder_type_is_good(ULONG type)
{
	if (type & MEM_RESERVE_PLACEHOLDER)
		return (type & ~(ULONG)MEM_TOP_DOWN) ==
		       (MEM_RESERVE | MEM_RESERVE_PLACEHOLDER);
	return (type & ~(ULONG)(MEM_TOP_DOWN | MEM_COMMIT | MEM_WRITE_WATCH)) ==
	       (MEM_RESERVE | MEM_REPLACE_PLACEHOLDER);
}

static NTSTATUS check_placeholder(ULONG type, ULONG protect)
{
	if ((type & PLACEHOLDER_TYPES) && !placeholder_type_is_good(type))
		return ww_vm_status(WW_VM_PLACEHOLDER_TYPE);
	if ((type & MEM_RESERVE_PLACEHOLDER) && protect != PAGE_NOACCESS)
		return ww_vm_status(WW_VM_PLACEHOLDER_PROTECTION);
	return STATUS_SUCCESS;
}

static NTSTATUS check_physical(ULONG type, ULONG protect)
{
	if ((type & MEM_PHYSICAL) && type != (MEM_PHYSICAL | MEM_RESERVE))
		return ww_vm_status(WW_VM_PHYSICAL_TYPE);
	if ((type & MEM_PHYSICAL) && protect != PAGE_READWRITE)
		return ww_vm_status(WW_VM_PHYSICAL_PROTECTION);
	return STATUS_SUCCESS;
}

static bool type_is_known(const struct ww_request *request)
{
	ULONG known = KNOWN_TYPES | (request->extended ? PLACEHOLDER_TYPES : 0);

	return !(request->type & ~known);
}

static NTSTATUS check_type(const struct ww_request *request)
{
	ULONG type = request->type;
	NTSTATUS status;

	if (!type_is_known(request))
		return ww_vm_status(WW_VM_TYPE_UNKNOWN);
	if (!(type & (MEM_COMMIT | MEM_RESERVE | WW_RESET_TYPES)))
		return ww_vm_status(WW_VM_TYPE_MISSING);
	if ((type & WW_RESET_TYPES) && type != MEM_RESET &&
	    type != WW_MEM_RESET_UNDO)
		return ww_vm_status(WW_VM_RESET_NOT_ALONE);
	if ((type & MEM_LARGE_PAGES) && !large_pages_type_is_good(type))
		return ww_vm_status(WW_VM_LARGE_PAGES_TYPE);
	if ((type & MEM_WRITE_WATCH) && !(type & MEM_RESERVE))
		return ww_vm_status(WW_VM_WATCH_WITHOUT_RESERVE);
	status = check_physical(type, request->protect);
	return status ? status : check_placeholder(type, request->protect);
}

/* ---- All of it ---- */

static NTSTATUS check_range(const struct ww_request *request)
{
	if (!ww_vm_base_is_good(request->base) ||
	    (request->base && (request->type & MEM_RESERVE) &&
	     (uintptr_t)request->base < WW_GRANULARITY))
		return ww_vm_status(WW_VM_ALLOCATE_BASE);
	if (!request->size || !ww_vm_size_is_good(request->base, request->size))
		return ww_vm_status(WW_VM_ALLOCATE_SIZE);
	return STATUS_SUCCESS;
}

static NTSTATUS check_means(ULONG type)
{
	if (type & MEM_LARGE_PAGES)
		return ww_vm_status(WW_VM_LARGE_PAGES);
	if (type & MEM_PHYSICAL)
		return ww_vm_status(WW_VM_PHYSICAL);
	return STATUS_SUCCESS;
}

NTSTATUS ww_request_check(struct ww_request *request, HANDLE process)
{
	NTSTATUS status = check_type(request);

	if (status)
		return status;
	request->state = ww_state_of(request->protect);
	if (!request->state)
		return ww_vm_status(WW_VM_PROTECTION);
	if ((status = check_range(request)))
		return status;
	if ((status = ww_handle_own(process, PROCESS_VM_OPERATION)))
		return status;
	return check_means(request->type);
}
