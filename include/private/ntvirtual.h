/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The NT calls on virtual memory for native programs, over mmap: what lies
 * behind libwritewatch-win32.so. System V functions over Wine's types; include
 * this before any header of Wine's, so that the Windows prototypes say so, too.
 *
 * They know the memory that they have reserved and no other: program images,
 * stacks and whatever malloc gives are free memory to them, and a reservation
 * never lands there. A handle of another process is for the two queries on
 * written pages; everything else on it is STATUS_NOT_SUPPORTED. A handle needs
 * PROCESS_VM_OPERATION, for NtQueryVirtualMemory PROCESS_QUERY_INFORMATION. The
 * queries find one registry in a process, the first: in one that has opened a
 * tracker (writewatch.h) before it called any of these, only what that watches.
 *
 * Threads: every call may run in any thread at any time. The calls that change
 * memory take a lock, with all signals blocked; no memory of the caller's is
 * touched meanwhile. GetWriteWatch and ResetWriteWatch take none, except in the
 * first call, with a handle that was opened, where an output lies in watched
 * memory, and where include/private/regions.h says so. errno is never changed.
 *
 * `base` and `size` are read once before and written once after everything, and
 * only on success. NULL for either is STATUS_ACCESS_VIOLATION; any other bad
 * pointer faults like one that is given to a C function.
 */
#ifndef WW_NTVIRTUAL_H
#define WW_NTVIRTUAL_H

#ifdef WW_NTTYPES_H
#error "ntvirtual.h comes before the Windows types"
#endif

#include <stdarg.h>

#include <ntstatus.h>
#define WIN32_NO_STATUS
#include <windef.h>
#undef __stdcall
#define __stdcall
/* What is imported elsewhere is exported here. */
#undef DECLSPEC_IMPORT
#define DECLSPEC_IMPORT __attribute__((visibility("default")))
#include <winbase.h>
#include <winternl.h>

#include "regions.h"

/* The value that Microsoft documents; the headers of Wine 8.0 have another. */
#define WW_MEM_RESET_UNDO 0x01000000u

/* Reservations begin at multiples of this many bytes. */
#define WW_GRANULARITY ((uintptr_t)65536)

/* One failed check, one status. V(name, status, what was wrong). The checks of
 * an allocation are made in this order, which is ReactOS's. */
#define WW_VM_FAILURES(V) \
	V(ARGUMENT_MISSING, STATUS_ACCESS_VIOLATION, "a pointer is NULL") \
	V(ZERO_BITS, STATUS_INVALID_PARAMETER_3, \
	  "zero_bits is neither a number up to 21 nor a mask") \
	V(PARAMETERS_MISSING, STATUS_INVALID_PARAMETER, \
	  "no extended parameters where some are announced") \
	V(PARAMETER_UNKNOWN, STATUS_INVALID_PARAMETER, \
	  "an extended parameter that means nothing here") \
	V(REQUIREMENTS, STATUS_INVALID_PARAMETER, \
	  "limits or an alignment that no address can have") \
	V(REQUIREMENTS_WITH_BASE, STATUS_INVALID_PARAMETER, \
	  "requirements on an address that is given") \
	V(PARAMETER_TWICE, STATUS_INVALID_PARAMETER, \
	  "an extended parameter twice, or with reserved bits") \
	V(TYPE_UNKNOWN, STATUS_INVALID_PARAMETER_5, "unknown allocation type") \
	V(TYPE_MISSING, STATUS_INVALID_PARAMETER_5, \
	  "neither reserve, commit nor reset") \
	V(RESET_NOT_ALONE, STATUS_INVALID_PARAMETER_5, \
	  "MEM_RESET or MEM_RESET_UNDO with another type") \
	V(LARGE_PAGES_TYPE, STATUS_INVALID_PARAMETER_5, \
	  "MEM_LARGE_PAGES without MEM_COMMIT, or watched or physical") \
	V(WATCH_WITHOUT_RESERVE, STATUS_INVALID_PARAMETER_5, \
	  "MEM_WRITE_WATCH without MEM_RESERVE") \
	V(PHYSICAL_TYPE, STATUS_INVALID_PARAMETER_5, \
	  "MEM_PHYSICAL with more than MEM_RESERVE") \
	V(PHYSICAL_PROTECTION, STATUS_INVALID_PARAMETER_6, \
	  "MEM_PHYSICAL without PAGE_READWRITE") \
	V(PLACEHOLDER_TYPE, STATUS_INVALID_PARAMETER_5, \
	  "a placeholder that is not just reserved, or replaced by what cannot") \
	V(PLACEHOLDER_PROTECTION, STATUS_INVALID_PARAMETER_6, \
	  "a placeholder without PAGE_NOACCESS") \
	V(PROTECTION, STATUS_INVALID_PAGE_PROTECTION, \
	  "not a protection of private memory") \
	V(ALLOCATE_BASE, STATUS_INVALID_PARAMETER_2, \
	  "the base is not in the address space") \
	V(ALLOCATE_SIZE, STATUS_INVALID_PARAMETER_4, \
	  "size is 0 or leaves the address space") \
	V(HANDLE, STATUS_INVALID_HANDLE, "not a handle of a process") \
	V(RIGHTS, STATUS_ACCESS_DENIED, \
	  "the handle has not the right, or the kernel grants none") \
	V(ENDED, STATUS_PROCESS_IS_TERMINATING, "the process has ended") \
	V(FOREIGN, STATUS_NOT_SUPPORTED, "another process") \
	V(LARGE_PAGES, STATUS_PRIVILEGE_NOT_HELD, \
	  "there are no large pages here") \
	V(PHYSICAL, STATUS_NOT_SUPPORTED, "there is no physical memory here") \
	V(NO_BACKEND, STATUS_NOT_SUPPORTED, "writes cannot be watched here") \
	V(OCCUPIED, STATUS_CONFLICTING_ADDRESSES, "something is there") \
	V(FORBIDDEN, STATUS_ACCESS_DENIED, "Linux forbids the protection") \
	V(NO_PLACEHOLDER, STATUS_CONFLICTING_ADDRESSES, \
	  "not exactly one placeholder") \
	V(NOT_RESERVED, STATUS_CONFLICTING_ADDRESSES, \
	  "the range is not in one reservation") \
	V(NOT_COMMITTED, STATUS_NOT_COMMITTED, "a page is not committed") \
	V(NO_MEMORY, STATUS_NO_MEMORY, "no memory for bookkeeping") \
	V(COMMITMENT, STATUS_COMMITMENT_LIMIT, \
	  "Linux refuses the memory: overcommit or the number of maps") \
	V(FREE_TYPE, STATUS_INVALID_PARAMETER_4, \
	  "neither MEM_DECOMMIT nor MEM_RELEASE, or with more than it takes") \
	V(FREE_BASE, STATUS_INVALID_PARAMETER_2, \
	  "the base is not in the address space") \
	V(FREE_SIZE, STATUS_INVALID_PARAMETER_3, \
	  "the range leaves the address space") \
	V(PLACEHOLDER_SIZE, STATUS_INVALID_PARAMETER_3, \
	  "size 0 where placeholders are made") \
	V(NOT_ALLOCATED, STATUS_MEMORY_NOT_ALLOCATED, "nothing is reserved there") \
	V(FREE_LEAVES, STATUS_UNABLE_TO_FREE_VM, \
	  "the range leaves its reservation") \
	V(NOT_AT_BASE, STATUS_FREE_VM_NOT_AT_BASE, \
	  "size 0 away from the base of the reservation") \
	V(NOT_TO_PRESERVE, STATUS_CONFLICTING_ADDRESSES, \
	  "neither part of a placeholder nor all of what replaced one") \
	V(NOT_TO_COALESCE, STATUS_CONFLICTING_ADDRESSES, \
	  "not exactly two or more placeholders") \
	V(RANGE_BASE, STATUS_INVALID_PARAMETER_2, \
	  "the base is not in the address space") \
	V(RANGE_SIZE, STATUS_INVALID_PARAMETER_3, \
	  "size is 0 or leaves the address space") \
	V(INFORMATION_CLASS, STATUS_INVALID_INFO_CLASS, \
	  "only MemoryBasicInformation is known") \
	V(INFORMATION_SIZE, STATUS_INFO_LENGTH_MISMATCH, \
	  "the buffer is too small") \
	V(QUERY_ADDRESS, STATUS_INVALID_PARAMETER, \
	  "the address is not in the address space") \
	V(LOCK_TYPE, STATUS_INVALID_PARAMETER, "an unknown way to lock") \
	V(LOCK_PRIVILEGE, STATUS_PRIVILEGE_NOT_HELD, \
	  "only the working set can be locked into") \
	V(LOCK_RANGE, STATUS_ACCESS_VIOLATION, "a page cannot be accessed") \
	V(LOCK_LIMIT, STATUS_WORKING_SET_QUOTA, "the limit of locked memory") \
	V(NOT_LOCKED, STATUS_NOT_LOCKED, "a page is not locked") \
	V(NOT_WATCHED, STATUS_INVALID_PARAMETER_2, "the base is not watched") \
	V(PROCESS_NAMED, STATUS_INVALID_PARAMETER_MIX, \
	  "a process by name, or by nothing") \
	V(NO_PROCESS, STATUS_INVALID_CID, "no such process, or a thread") \
	V(NO_HANDLES, STATUS_NOT_SUPPORTED, "this Linux has no pidfds") \
	V(OUT_OF_HANDLES, STATUS_INSUFFICIENT_RESOURCES, \
	  "no file or no memory for a handle")

enum ww_vm_failure {
#define V(name, status, what) WW_VM_##name,
	WW_VM_FAILURES(V)
#undef V
};

NTSTATUS ww_vm_status(enum ww_vm_failure failure);

/*
 * Reserves, commits, or both. Differences from Windows:
 *  - MEM_LARGE_PAGES and MEM_PHYSICAL are refused.
 *  - PAGE_GUARD is refused with STATUS_INVALID_PAGE_PROTECTION: nobody here
 *    could raise the exception.
 *  - PAGE_NOCACHE and PAGE_WRITECOMBINE are remembered and have no effect.
 *  - MEM_RESET and MEM_RESET_UNDO are checked and have no effect: contents may
 *    be discarded, and an undo that always succeeds must be true.
 * Where no base is asked for, reservations of 2 MiB and more are aligned to
 * 2 MiB, unless limits or an alignment say otherwise, and all lie apart from
 * what Linux maps by itself where the limits allow it, so that a released place
 * can be reserved again. MEM_WRITE_WATCH without a way to watch is
 * STATUS_NOT_SUPPORTED, and nothing is reserved. A commit that fails changes
 * nothing.
 *
 * zero_bits up to 21 keeps that many high bits of a 32-bit address 0; 32 and
 * more is a mask, above whose highest bit all are 0. It has no meaning with a
 * base. */
NTSTATUS ww_nt_allocate_virtual_memory(HANDLE process, PVOID *base,
				       ULONG_PTR zero_bits, SIZE_T *size,
				       ULONG type, ULONG protect);

/*
 * The same, and placeholders:
 *  - MEM_RESERVE | MEM_RESERVE_PLACEHOLDER, with PAGE_NOACCESS, reserves one.
 *  - MEM_RESERVE | MEM_REPLACE_PLACEHOLDER, with MEM_COMMIT, MEM_WRITE_WATCH or
 *    both, makes an allocation of it; base and size are exactly its.
 * A placeholder cannot be committed; decommitting has no effect on it.
 *
 * Extended parameters, each at most once: MemExtendedParameterAddressRequirements
 * (all zero where a base is given), MemExtendedParameterNumaNode, which is taken
 * and has no effect, and MemExtendedParameterAttributeFlags without any flag. */
NTSTATUS ww_nt_allocate_virtual_memory_ex(HANDLE process, PVOID *base,
					  SIZE_T *size, ULONG type, ULONG protect,
					  MEM_EXTENDED_PARAMETER *parameters,
					  ULONG n_parameters);

/* MEM_DECOMMIT, or MEM_RELEASE of a whole reservation or any part of it; what
 * is left over are reservations of their own. Fails with STATUS_NO_MEMORY, with
 * nothing changed, where Linux has no map left for cutting one in two.
 *
 * MEM_RELEASE | MEM_PRESERVE_PLACEHOLDER divides a placeholder by a part of it,
 * or makes one again of all of an allocation that has replaced one; its contents
 * and its watch are gone. MEM_RELEASE | MEM_COALESCE_PLACEHOLDERS joins all
 * placeholders of a range, two at least. */
NTSTATUS ww_nt_free_virtual_memory(HANDLE process, PVOID *base, SIZE_T *size,
				   ULONG type);

/* A failure changes nothing. */
NTSTATUS ww_nt_protect_virtual_memory(HANDLE process, PVOID *base, SIZE_T *size,
				      ULONG protect, ULONG *old);

/* MemoryBasicInformation only. `n_stored` may be NULL. */
NTSTATUS ww_nt_query_virtual_memory(HANDLE process, LPCVOID address,
				    MEMORY_INFORMATION_CLASS what, PVOID buffer,
				    SIZE_T n_bytes, SIZE_T *n_stored);

/* Only reserved memory; `type` is 1, into the working set. Writable pages
 * become written: the kernel makes them present by writing to them. */
NTSTATUS ww_nt_lock_virtual_memory(HANDLE process, PVOID *base, SIZE_T *size,
				   ULONG type);
NTSTATUS ww_nt_unlock_virtual_memory(HANDLE process, PVOID *base, SIZE_T *size,
				     ULONG type);

/* Process handles. They are multiples of 4 and hold a pidfd, which is closed on
 * exec; a forked child has them, too, and one that was the parent's own is the
 * parent in it. A right that concerns the memory of another process is granted
 * where the kernel lets us open its pagemap. GENERIC_READ, _WRITE and _ALL and
 * MAXIMUM_ALLOWED stand for rights on processes. OBJ_INHERIT and the like have
 * no effect. Closing NtCurrentProcess() has none, either. */
NTSTATUS ww_nt_open_process(HANDLE *handle, ACCESS_MASK rights,
			    const OBJECT_ATTRIBUTES *attributes,
			    const CLIENT_ID *client);
NTSTATUS ww_nt_close(HANDLE handle);

/* The pid of a process that runs or has ended; any right to ask for information
 * will do. */
NTSTATUS ww_nt_process_id(HANDLE handle, DWORD *pid);

/* Of any process that a handle allows to ask: what is said of another is what
 * its own calls would say. It must have been made by this library or by
 * winewatch; in one that has no watched memory every base is unwatched.
 *
 * The registry of this process is opened by the first watched reservation, or
 * by the first of these calls. A pointer that cannot be written counts as NULL:
 * STATUS_ACCESS_VIOLATION. Memory that becomes inaccessible while the call runs
 * faults in it. */
NTSTATUS ww_nt_get_process_write_watch(HANDLE process, ULONG flags, PVOID base,
				       SIZE_T size, PVOID *addresses,
				       ULONG_PTR *count, ULONG *granularity);
NTSTATUS ww_nt_reset_process_write_watch(HANDLE process, PVOID base, SIZE_T size);

#endif
