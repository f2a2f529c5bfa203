/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The replaced services. They are entered from Wine's dispatcher on its kernel
 * stack, which the Windows convention, and either on i386, leaves unaligned.
 */
#include "services.h"

#include "memory.h"

#ifdef __i386__
#define WINDOWS_CALL __attribute__((__stdcall__))
#define UNIX_CALL __attribute__((__cdecl__))
#else
#define WINDOWS_CALL __attribute__((ms_abi))
#define UNIX_CALL __attribute__((sysv_abi))
#endif

#ifdef WW_SERVICES_WINDOWS
#define WINE_CALL WINDOWS_CALL
#define SERVICES ww_services_windows
#else
#define WINE_CALL UNIX_CALL
#define SERVICES ww_services_unix
#endif

#if defined(WW_SERVICES_WINDOWS) || defined(__i386__)
#define SERVICE WINE_CALL __attribute__((force_align_arg_pointer))
#else
#define SERVICE WINE_CALL
#endif

typedef NTSTATUS WINE_CALL allocate_fn(HANDLE, PVOID *, ULONG_PTR, SIZE_T *,
				       ULONG, ULONG);
typedef NTSTATUS WINE_CALL allocate_ex_fn(HANDLE, PVOID *, SIZE_T *, ULONG, ULONG,
					  MEM_EXTENDED_PARAMETER *, ULONG);
typedef NTSTATUS WINE_CALL free_fn(HANDLE, PVOID *, SIZE_T *, ULONG);
typedef NTSTATUS WINE_CALL get_fn(HANDLE, ULONG, PVOID, SIZE_T, PVOID *,
				  ULONG_PTR *, ULONG *);
typedef NTSTATUS WINE_CALL reset_fn(HANDLE, PVOID, SIZE_T);
typedef NTSTATUS WINE_CALL read_fn(HANDLE, const void *, void *, SIZE_T,
				   SIZE_T *);
typedef NTSTATUS WINE_CALL write_fn(HANDLE, void *, const void *, SIZE_T,
				    SIZE_T *);
typedef NTSTATUS WINE_CALL protect_fn(HANDLE, PVOID *, SIZE_T *, ULONG, ULONG *);
typedef NTSTATUS WINE_CALL lock_fn(HANDLE, PVOID *, SIZE_T *, ULONG);
typedef NTSTATUS WINE_CALL query_fn(HANDLE, LPCVOID, int, PVOID, SIZE_T, SIZE_T *);
typedef NTSTATUS WINE_CALL query_handle_fn(HANDLE, int, PVOID, ULONG, ULONG *);
typedef NTSTATUS WINE_CALL duplicate_fn(HANDLE, HANDLE, HANDLE, HANDLE *,
					ACCESS_MASK, ULONG, ULONG);
typedef NTSTATUS WINE_CALL close_fn(HANDLE);

static allocate_fn *wine_allocate;
static allocate_ex_fn *wine_allocate_ex;
static free_fn *wine_free;
static get_fn *wine_get;
static reset_fn *wine_reset;
static read_fn *wine_read;
static write_fn *wine_write;
static lock_fn *wine_lock;
static protect_fn *wine_protect;
static query_fn *wine_query;
static query_handle_fn *wine_query_object;
static query_handle_fn *wine_query_process;
static duplicate_fn *wine_duplicate;
static close_fn *wine_close;

static NTSTATUS call_free(HANDLE process, PVOID *base, SIZE_T *size, ULONG type)
{
	return wine_free(process, base, size, type);
}

static NTSTATUS call_protect(HANDLE process, PVOID *base, SIZE_T *size,
			     ULONG protect, ULONG *old)
{
	return wine_protect(process, base, size, protect, old);
}

static NTSTATUS call_query(HANDLE process, LPCVOID address,
			   MEMORY_BASIC_INFORMATION *info)
{
	return wine_query(process, address, MemoryBasicInformation, info,
			  sizeof(*info), NULL);
}

static NTSTATUS call_commit(HANDLE process, PVOID *base, SIZE_T *size,
			    ULONG protect)
{
	return wine_allocate(process, base, 0, size, MEM_COMMIT, protect);
}

static NTSTATUS call_read(HANDLE process, const void *address, void *buffer,
			  SIZE_T size, SIZE_T *n_read)
{
	return wine_read(process, address, buffer, size, n_read);
}

static NTSTATUS call_query_object(HANDLE handle, OBJECT_INFORMATION_CLASS what,
				  PVOID info, ULONG n_bytes)
{
	return wine_query_object(handle, what, info, n_bytes, NULL);
}

static NTSTATUS call_query_process(HANDLE handle, PROCESSINFOCLASS what,
				   PVOID info, ULONG n_bytes)
{
	return wine_query_process(handle, what, info, n_bytes, NULL);
}

static NTSTATUS call_duplicate(HANDLE handle, HANDLE *duplicate,
			       ACCESS_MASK access)
{
	return wine_duplicate(NtCurrentProcess(), handle, NtCurrentProcess(),
			      duplicate, access, 0, 0);
}

static NTSTATUS call_close(HANDLE handle)
{
	return wine_close(handle);
}

static const struct ww_wine wine = {
	.commit = call_commit,
	.free = call_free,
	.protect = call_protect,
	.query = call_query,
	.read = call_read,
	.query_object = call_query_object,
	.query_process = call_query_process,
	.duplicate = call_duplicate,
	.close = call_close,
};

static NTSTATUS call_allocate(struct ww_allocation *allocation)
{
	return wine_allocate(allocation->process, &allocation->base,
			     allocation->zero_bits, &allocation->size,
			     allocation->type, allocation->protect);
}

static NTSTATUS call_allocate_ex(struct ww_allocation *allocation)
{
	return wine_allocate_ex(allocation->process, &allocation->base,
				&allocation->size, allocation->type,
				allocation->protect, allocation->parameters,
				allocation->n_parameters);
}

/* Windows knows fewer kinds. */
enum { MAX_PARAMETERS = 16 };

/* A copy of the caller's parameters, with what one of them points to. */
struct parameters {
	MEM_EXTENDED_PARAMETER array[MAX_PARAMETERS];
	MEM_ADDRESS_REQUIREMENTS requirements;
};

/* Reads all that Wine will read, while nothing is locked: it may fault. */
static void copy_parameters(struct parameters *copy,
			    const MEM_EXTENDED_PARAMETER *parameters, ULONG n)
{
	for (ULONG i = 0; i < n; i++) {
		MEM_EXTENDED_PARAMETER *parameter = &copy->array[i];

		*parameter = *(const volatile MEM_EXTENDED_PARAMETER *)&parameters[i];
		if (parameter->Type != MemExtendedParameterAddressRequirements ||
		    !parameter->Pointer)
			continue;
		copy->requirements = *(const volatile MEM_ADDRESS_REQUIREMENTS *)
					     parameter->Pointer;
		parameter->Pointer = &copy->requirements;
	}
}

/* The caller's base and size are read before anything is locked and written
 * after it is unlocked: either may fault. */
static NTSTATUS allocate(struct ww_allocation *allocation, PVOID *base,
			 SIZE_T *size)
{
	NTSTATUS status;

	allocation->wine = &wine;
	allocation->base = *(PVOID volatile *)base;
	allocation->size = *(volatile SIZE_T *)size;
	status = ww_allocate(allocation);
	if (NT_SUCCESS(status)) {
		*base = allocation->base;
		*size = allocation->size;
	}
	return status;
}

/* After Wine's own allocation. */
static NTSTATUS note_unwatched(HANDLE process, PVOID *base, SIZE_T *size,
			       NTSTATUS status)
{
	if (!status && process == NtCurrentProcess())
		ww_note_unwatched(*(PVOID volatile *)base,
				  *(volatile SIZE_T *)size);
	return status;
}

static NTSTATUS SERVICE nt_allocate(HANDLE process, PVOID *base,
				    ULONG_PTR zero_bits, SIZE_T *size, ULONG type,
				    ULONG protect)
{
	struct ww_allocation allocation = {
		.allocate = call_allocate,
		.process = ww_shortest_handle(&wine, process,
					      type & MEM_WRITE_WATCH),
		.type = type,
		.protect = protect,
		.zero_bits = zero_bits,
	};

	if (ww_allocation_is_ours(allocation.process, base, type))
		return allocate(&allocation, base, size);
	return note_unwatched(allocation.process, base, size,
			      wine_allocate(process, base, zero_bits, size, type,
					    protect));
}

static NTSTATUS SERVICE nt_allocate_ex(HANDLE process, PVOID *base, SIZE_T *size,
				       ULONG type, ULONG protect,
				       MEM_EXTENDED_PARAMETER *parameters,
				       ULONG n_parameters)
{
	struct ww_allocation allocation = {
		.allocate = call_allocate_ex,
		.process = ww_shortest_handle(&wine, process,
					      type & MEM_WRITE_WATCH),
		.type = type,
		.protect = protect,
		.n_parameters = n_parameters,
	};
	struct parameters copy;

	if (!ww_allocation_is_ours(allocation.process, base, type))
		return note_unwatched(allocation.process, base, size,
				      wine_allocate_ex(process, base, size, type,
						       protect, parameters,
						       n_parameters));
	if (n_parameters > MAX_PARAMETERS)
		return STATUS_INVALID_PARAMETER;
	if (n_parameters) {
		if (!parameters)
			return STATUS_INVALID_PARAMETER;
		copy_parameters(&copy, parameters, n_parameters);
		allocation.parameters = copy.array;
	}
	return allocate(&allocation, base, size);
}

static NTSTATUS SERVICE nt_free(HANDLE process, PVOID *base, SIZE_T *size,
				ULONG type)
{
	NTSTATUS status;
	PVOID at;
	SIZE_T n_bytes;

	process = ww_shortest_handle(&wine, process, false);
	if (!ww_is_watched(process, base))
		return wine_free(process, base, size, type);
	at = *(PVOID volatile *)base;
	n_bytes = *(volatile SIZE_T *)size;
	status = ww_free(&wine, process, &at, &n_bytes, type);
	if (NT_SUCCESS(status)) {
		*base = at;
		*size = n_bytes;
	}
	return status;
}

static NTSTATUS SERVICE nt_get(HANDLE process, ULONG flags, PVOID base,
			       SIZE_T size, PVOID *addresses, ULONG_PTR *count,
			       ULONG *granularity)
{
	struct ww_nt_get call = { flags, base, size, addresses, count, granularity,
				  0 };
	NTSTATUS status = ww_query_writes(&wine, process, &call);

	if (status == WW_NT_NOT_OURS)
		status = wine_get(process, flags, base, size, addresses, count,
				  granularity);
	return status;
}

static NTSTATUS SERVICE nt_reset(HANDLE process, PVOID base, SIZE_T size)
{
	NTSTATUS status = ww_reset_writes(&wine, process, base, size);

	if (status == WW_NT_NOT_OURS)
		status = wine_reset(process, base, size);
	return status;
}

static NTSTATUS SERVICE nt_read(HANDLE process, const void *address, void *buffer,
				SIZE_T size, SIZE_T *n_read)
{
	NTSTATUS status = STATUS_SUCCESS;

	if (ww_is_watched_range(buffer, size))
		status = ww_try_read(&wine, process, address, size);
	if (NT_SUCCESS(status))
		return wine_read(process, address, buffer, size, n_read);
	if (n_read)
		*n_read = 0;
	return status;
}

/* The caller's count is written last: it may fault, and what was written must be
 * known by then. */
static NTSTATUS SERVICE nt_write(HANDLE process, void *address,
				 const void *buffer, SIZE_T size,
				 SIZE_T *n_written)
{
	NTSTATUS status;
	SIZE_T n = 0;

	if (!ww_is_withheld(address, size))
		return wine_write(process, address, buffer, size, n_written);
	ww_note_write(&wine, process, address, size);
	status = wine_write(process, address, buffer, size, &n);
	ww_note_write(&wine, process, address, size);
	if (n_written)
		*n_written = n;
	return status;
}

static NTSTATUS SERVICE nt_protect(HANDLE process, PVOID *base, SIZE_T *size,
				   ULONG protect, ULONG *old)
{
	NTSTATUS status;
	SIZE_T n_bytes;
	ULONG was;
	PVOID at;

	process = ww_shortest_handle(&wine, process, false);
	if (!old || !ww_is_watched(process, base))
		return wine_protect(process, base, size, protect, old);
	at = *(PVOID volatile *)base;
	n_bytes = *(volatile SIZE_T *)size;
	was = *(volatile ULONG *)old;
	status = ww_protect(&wine, &at, &n_bytes, protect, &was);
	if (NT_SUCCESS(status)) {
		*base = at;
		*size = n_bytes;
		*old = was;
	}
	return status;
}

static NTSTATUS SERVICE nt_lock(HANDLE process, PVOID *base, SIZE_T *size,
				ULONG type)
{
	NTSTATUS status = STATUS_SUCCESS;

	process = ww_shortest_handle(&wine, process, false);
	if (ww_is_watched(process, base))
		status = ww_lock_guards(&wine, *(PVOID volatile *)base,
					*(volatile SIZE_T *)size);
	return status ? status : wine_lock(process, base, size, type);
}

const struct ww_service SERVICES[] = {
	{ "NtAllocateVirtualMemory", nt_allocate, (void **)&wine_allocate },
	{ "NtAllocateVirtualMemoryEx", nt_allocate_ex, (void **)&wine_allocate_ex },
	{ "NtFreeVirtualMemory", nt_free, (void **)&wine_free },
	{ "NtGetWriteWatch", nt_get, (void **)&wine_get },
	{ "NtResetWriteWatch", nt_reset, (void **)&wine_reset },
	{ "NtReadVirtualMemory", nt_read, (void **)&wine_read },
	{ "NtWriteVirtualMemory", nt_write, (void **)&wine_write },
	{ "NtLockVirtualMemory", nt_lock, (void **)&wine_lock },
	{ "NtProtectVirtualMemory", nt_protect, (void **)&wine_protect },
	{ "NtQueryVirtualMemory", NULL, (void **)&wine_query },
	{ "NtQueryObject", NULL, (void **)&wine_query_object },
	{ "NtQueryInformationProcess", NULL, (void **)&wine_query_process },
	{ "NtDuplicateObject", NULL, (void **)&wine_duplicate },
	{ "NtClose", NULL, (void **)&wine_close },
};

_Static_assert(sizeof(SERVICES) / sizeof(SERVICES[0]) == WW_N_SERVICES,
	       "the lists have the length that their header says");
