/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * writewatch/win32.h: GetWriteWatch and what goes with it, for Windows programs
 * that are ported to Linux. Link with -lwritewatch-win32.
 *
 * The names, types and values are those of the Windows SDK, and the functions
 * have the calling convention of this system. Where Wine's or mingw's headers
 * are in use this one steps aside: their prototypes have the Windows convention,
 * so define __stdcall as nothing between windef.h and winbase.h.
 *
 * The functions know the memory that they have reserved themselves. Everything
 * else in the process, malloc's memory or the program itself, is free memory to
 * VirtualQuery and an invalid address to the rest.
 *
 * Errors: as on Windows, a failure is told by the result, and GetLastError()
 * says why. A success leaves the last error alone, and errno never changes.
 * A failed call changes nothing and stores nothing.
 *
 * Threads: all functions may be called in any thread at any time, also for the
 * same memory, but not from a signal handler.
 *
 * Where the behaviour comes from: Microsoft's documentation of each function;
 * what it leaves open, from the tests of Wine that pass on Windows, and from
 * ReactOS. Known differences are noted at each function; there is no PAGE_GUARD,
 * no copying on write, and there are no large pages, sections and physical
 * memory.
 */
#ifndef WRITEWATCH_WIN32_H
#define WRITEWATCH_WIN32_H

#if !defined(_WINDEF_) && !defined(_MINWINDEF_) && !defined(__WINESRC__)

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Without names, as in the SDK, which C has and C++ does not. */
#ifdef __GNUC__
#define WRITEWATCH_EXTENSION __extension__
#else
#define WRITEWATCH_EXTENSION
#endif

/* ---- Types ---- */

typedef int32_t BOOL;
typedef int32_t LONG;
typedef int64_t LONGLONG;
typedef uint16_t USHORT;
typedef uint32_t UINT;
typedef uint32_t DWORD;
typedef uint32_t ULONG;
typedef uint32_t ACCESS_MASK;
typedef uint64_t DWORD64;
typedef uintptr_t ULONG_PTR;
typedef ULONG_PTR SIZE_T;
typedef void *PVOID;
typedef void *LPVOID;
typedef const void *LPCVOID;
typedef void *HANDLE;
typedef HANDLE *PHANDLE;
typedef DWORD *PDWORD;
typedef DWORD *LPDWORD;
typedef ULONG *PULONG;
typedef ULONG_PTR *PULONG_PTR;
typedef SIZE_T *PSIZE_T;

#ifndef FALSE
#define FALSE 0
#endif
#ifndef TRUE
#define TRUE 1
#endif

/** A number of 64 bits, in halves or as a whole. */
typedef union _LARGE_INTEGER {
	struct {
		DWORD LowPart;
		LONG HighPart;
	} u;
	LONGLONG QuadPart;
} LARGE_INTEGER, *PLARGE_INTEGER;

/** What VirtualQuery() says of consecutive pages with equal attributes. */
typedef struct _MEMORY_BASIC_INFORMATION {
	PVOID BaseAddress;	/**< of the page asked for */
	PVOID AllocationBase;	/**< of the reservation; NULL for free memory */
	DWORD AllocationProtect; /**< what the reservation asked for */
	SIZE_T RegionSize;	/**< bytes from BaseAddress on */
	DWORD State;		/**< MEM_COMMIT, MEM_RESERVE or MEM_FREE */
	DWORD Protect;		/**< PAGE_…; 0 for reserved memory */
	DWORD Type;		/**< MEM_PRIVATE; 0 for free memory */
} MEMORY_BASIC_INFORMATION, *PMEMORY_BASIC_INFORMATION;

/** Where VirtualAlloc2() may reserve; 0 stands for anything. */
typedef struct _MEM_ADDRESS_REQUIREMENTS {
	PVOID LowestStartingAddress; /**< a multiple of 64 KiB */
	PVOID HighestEndingAddress; /**< of the last byte of a page */
	SIZE_T Alignment;	/**< a power of two, 64 KiB or more */
} MEM_ADDRESS_REQUIREMENTS, *PMEM_ADDRESS_REQUIREMENTS;

typedef enum MEM_EXTENDED_PARAMETER_TYPE {
	MemExtendedParameterInvalidType,
	MemExtendedParameterAddressRequirements,
	MemExtendedParameterNumaNode,
	MemExtendedParameterPartitionHandle,
	MemExtendedParameterUserPhysicalHandle,
	MemExtendedParameterAttributeFlags,
} MEM_EXTENDED_PARAMETER_TYPE, *PMEM_EXTENDED_PARAMETER_TYPE;

#define MEM_EXTENDED_PARAMETER_TYPE_BITS 8

/** One more wish for VirtualAlloc2(). */
typedef struct MEM_EXTENDED_PARAMETER {
	WRITEWATCH_EXTENSION struct {
		DWORD64 Type : MEM_EXTENDED_PARAMETER_TYPE_BITS;
		DWORD64 Reserved : 64 - MEM_EXTENDED_PARAMETER_TYPE_BITS;
	};
	WRITEWATCH_EXTENSION union {
		DWORD64 ULong64;
		PVOID Pointer;
		SIZE_T Size;
		HANDLE Handle;
		DWORD ULong;
	};
} __attribute__((aligned(8))) MEM_EXTENDED_PARAMETER, *PMEM_EXTENDED_PARAMETER;

/* ---- Values ---- */

#define MEM_COMMIT		0x00001000
#define MEM_RESERVE		0x00002000
#define MEM_DECOMMIT		0x00004000
#define MEM_RELEASE		0x00008000
#define MEM_FREE		0x00010000
#define MEM_PRIVATE		0x00020000
#define MEM_REPLACE_PLACEHOLDER	0x00004000
#define MEM_RESERVE_PLACEHOLDER	0x00040000
#define MEM_COALESCE_PLACEHOLDERS 0x00000001
#define MEM_PRESERVE_PLACEHOLDER 0x00000002
#define MEM_RESET		0x00080000
#define MEM_TOP_DOWN		0x00100000
#define MEM_WRITE_WATCH		0x00200000
#define MEM_PHYSICAL		0x00400000
#define MEM_RESET_UNDO		0x01000000
#define MEM_LARGE_PAGES		0x20000000

#define PAGE_NOACCESS		0x01
#define PAGE_READONLY		0x02
#define PAGE_READWRITE		0x04
#define PAGE_WRITECOPY		0x08
#define PAGE_EXECUTE		0x10
#define PAGE_EXECUTE_READ	0x20
#define PAGE_EXECUTE_READWRITE	0x40
#define PAGE_EXECUTE_WRITECOPY	0x80
#define PAGE_GUARD		0x100
#define PAGE_NOCACHE		0x200
#define PAGE_WRITECOMBINE	0x400

#define WRITE_WATCH_FLAG_RESET	1

#define PROCESS_TERMINATE		0x0001
#define PROCESS_CREATE_THREAD		0x0002
#define PROCESS_VM_OPERATION		0x0008
#define PROCESS_VM_READ			0x0010
#define PROCESS_VM_WRITE		0x0020
#define PROCESS_DUP_HANDLE		0x0040
#define PROCESS_CREATE_PROCESS		0x0080
#define PROCESS_SET_QUOTA		0x0100
#define PROCESS_SET_INFORMATION		0x0200
#define PROCESS_QUERY_INFORMATION	0x0400
#define PROCESS_SUSPEND_RESUME		0x0800
#define PROCESS_QUERY_LIMITED_INFORMATION 0x1000
#define PROCESS_ALL_ACCESS		0x1fffff
#define SYNCHRONIZE			0x00100000
#define MAXIMUM_ALLOWED			0x02000000
#define GENERIC_ALL			0x10000000
#define GENERIC_EXECUTE			0x20000000
#define GENERIC_WRITE			0x40000000
#define GENERIC_READ			0x80000000

#define ERROR_SUCCESS		0
#define ERROR_ACCESS_DENIED	5
#define ERROR_INVALID_HANDLE	6
#define ERROR_NOT_ENOUGH_MEMORY	8
#define ERROR_BAD_LENGTH	24
#define ERROR_NOT_SUPPORTED	50
#define ERROR_INVALID_PARAMETER	87
#define ERROR_NOT_LOCKED	158
#define ERROR_MR_MID_NOT_FOUND	317
#define ERROR_INVALID_ADDRESS	487
#define ERROR_NOACCESS		998
#define ERROR_PRIVILEGE_NOT_HELD	1314
#define ERROR_NO_SYSTEM_RESOURCES	1450
#define ERROR_WORKING_SET_QUOTA	1453
#define ERROR_COMMITMENT_LIMIT	1455

/* ---- Written pages ---- */

/**
 * Which pages of [base, base + size) were written since they were committed or
 * last reset? The range is widened to whole pages and lies in one reservation
 * made with MEM_WRITE_WATCH; pages in it that are not committed are not written,
 * unless they were when they were decommitted.
 *
 * Stores the addresses of the lowest written pages in `addresses`, ascending, at
 * most *count of them; in *count how many; and in *granularity the size of a
 * page in bytes. With WRITE_WATCH_FLAG_RESET exactly the pages reported become
 * not written; a racing write is in this result or in a later one. Repeat the
 * call while *count comes back as it went in.
 *
 * Returns 0, or ~0u with the last error ERROR_INVALID_PARAMETER (base, size,
 * flags or *count), ERROR_NOACCESS (a pointer that is NULL or cannot be
 * written), ERROR_NOT_ENOUGH_MEMORY (a thread's first call needs some) or
 * ERROR_NOT_SUPPORTED (writes cannot be watched here). Takes no lock on its
 * common path. Memory that becomes inaccessible while the call runs, or, by other
 * calls than these, since an earlier call of this thread with the same array,
 * faults in it. Since 0.1.
 */
UINT GetWriteWatch(DWORD flags, PVOID base, SIZE_T size, PVOID *addresses,
		   ULONG_PTR *count, DWORD *granularity);

/**
 * Makes all pages of [base, base + size), widened to whole pages of one watched
 * reservation, not written. Returns 0, or ~0u with the last error
 * ERROR_INVALID_PARAMETER, ERROR_NOT_ENOUGH_MEMORY or ERROR_NOT_SUPPORTED as
 * GetWriteWatch() does. Since 0.1.
 */
UINT ResetWriteWatch(LPVOID base, SIZE_T size);

/* ---- Memory ---- */

/**
 * Reserves `size` bytes of address space (MEM_RESERVE), makes reserved pages
 * usable (MEM_COMMIT), or both; memory that is committed for the first time, or
 * again, is zero. With `base` NULL the place is chosen, a multiple of 64 KiB, or
 * of 2 MiB for 2 MiB and more. Otherwise a reservation starts at `base` rounded
 * down to 64 KiB, and a commit covers whole pages of one reservation. Committing
 * committed pages gives them the new protection and nothing else. PAGE_NOCACHE
 * and PAGE_WRITECOMBINE are remembered and have no effect. MEM_RESET and
 * MEM_RESET_UNDO, each only alone, are checked and have no effect. MEM_TOP_DOWN
 * chooses the highest of the places that the library has, which lie below those
 * of Linux's own.
 *
 * MEM_WRITE_WATCH, with MEM_RESERVE, watches all of the reservation until it is
 * released. Reserving costs microseconds and no page tables, at any size.
 *
 * Returns the address of the first page, or NULL with the last error
 * ERROR_INVALID_PARAMETER (size 0, types or protections that do not exist, do
 * not go together, or are not to be had here: see the top),
 * ERROR_INVALID_ADDRESS (a commit outside of one reservation; a reservation
 * where something is), ERROR_NOT_ENOUGH_MEMORY or ERROR_COMMITMENT_LIMIT (no
 * address space, no memory, or too many maps for Linux: nothing has changed),
 * ERROR_ACCESS_DENIED (the system forbids the protection),
 * ERROR_PRIVILEGE_NOT_HELD (MEM_LARGE_PAGES), or ERROR_NOT_SUPPORTED
 * (MEM_PHYSICAL; MEM_WRITE_WATCH where writes cannot be watched).
 *
 * PAGE_GUARD is ERROR_INVALID_PARAMETER, since nobody here could raise its
 * exception. Since 0.1.
 */
LPVOID VirtualAlloc(LPVOID base, SIZE_T size, DWORD type, DWORD protect);

/**
 * VirtualAlloc() by a handle of this process that was opened with
 * PROCESS_VM_OPERATION. Fails like it, and with ERROR_INVALID_HANDLE,
 * ERROR_ACCESS_DENIED (without that right, or the process has ended) or
 * ERROR_NOT_SUPPORTED (another process). Since 0.1.
 */
LPVOID VirtualAllocEx(HANDLE process, LPVOID base, SIZE_T size, DWORD type,
		      DWORD protect);

/**
 * The same with placeholders and extended parameters; NULL stands for this
 * process.
 *
 * A placeholder is reserved memory that keeps a place: MEM_RESERVE |
 * MEM_RESERVE_PLACEHOLDER, with PAGE_NOACCESS, makes one, and VirtualFree()
 * divides, joins and releases them. MEM_RESERVE | MEM_REPLACE_PLACEHOLDER, with
 * MEM_COMMIT, MEM_WRITE_WATCH or both, makes an allocation of exactly one of
 * them; any other base or size is ERROR_INVALID_ADDRESS. It cannot be committed
 * before that. There is no MapViewOfFile3() that would put a section there.
 *
 * MemExtendedParameterAddressRequirements says where the memory may lie; with a
 * base all of it is 0. MemExtendedParameterNumaNode is accepted and has no
 * effect. MemExtendedParameterAttributeFlags has no flags here. Any other
 * parameter, or one that is given twice, is ERROR_INVALID_PARAMETER. No place
 * that is good is ERROR_NOT_ENOUGH_MEMORY. Since 0.1.
 */
PVOID VirtualAlloc2(HANDLE process, PVOID base, SIZE_T size, ULONG type,
		    ULONG protect, MEM_EXTENDED_PARAMETER *parameters,
		    ULONG n_parameters);

/**
 * MEM_RELEASE: gives back a whole reservation; `base` is its base and `size` is
 * 0. MEM_DECOMMIT: makes whole pages of one reservation reserved only, or with
 * size 0 and the base of a reservation all of it; pages that were written stay
 * so. The contents are gone in either case.
 *
 * MEM_RELEASE | MEM_PRESERVE_PLACEHOLDER: makes a placeholder of its own of a
 * part of one, or makes one again of all of an allocation that has replaced one.
 * MEM_RELEASE | MEM_COALESCE_PLACEHOLDERS: makes one of all the placeholders in
 * a range, two at least. Both need the exact size.
 *
 * Returns TRUE, or FALSE with the last error ERROR_INVALID_PARAMETER (another
 * type, a size to release or none for placeholders, or a range that leaves its
 * reservation), ERROR_INVALID_ADDRESS (no reservation, size 0 away from its
 * base, or not those placeholders) or ERROR_NOT_ENOUGH_MEMORY (Linux has no map
 * left for cutting one in two: nothing has changed). Since 0.1.
 */
BOOL VirtualFree(LPVOID base, SIZE_T size, DWORD type);

/** The same by a handle, as VirtualAllocEx() is. Since 0.1. */
BOOL VirtualFreeEx(HANDLE process, LPVOID base, SIZE_T size, DWORD type);

/**
 * Changes the protection of whole committed pages of one reservation and stores
 * in *old that of the first. What is written stays so. Returns TRUE, or FALSE
 * with the last error ERROR_INVALID_PARAMETER (size 0 or the protection),
 * ERROR_INVALID_ADDRESS (pages that are not committed or not in one
 * reservation), ERROR_NOACCESS (`old` is NULL), ERROR_NOT_ENOUGH_MEMORY or
 * ERROR_ACCESS_DENIED. Since 0.1.
 */
BOOL VirtualProtect(LPVOID base, SIZE_T size, DWORD protect, PDWORD old);

/** The same by a handle, as VirtualAllocEx() is. Since 0.1. */
BOOL VirtualProtectEx(HANDLE process, LPVOID base, SIZE_T size, DWORD protect,
		      PDWORD old);

/**
 * Describes the page around `address` and those after it that are like it.
 * Returns the bytes stored in *info, or 0 with the last error ERROR_BAD_LENGTH
 * (n_bytes is less than sizeof(*info)), ERROR_NOACCESS (`info` is NULL) or
 * ERROR_INVALID_PARAMETER (`address` is no address of a program). A watch does
 * not show. Since 0.1.
 */
SIZE_T VirtualQuery(LPCVOID address, PMEMORY_BASIC_INFORMATION info,
		    SIZE_T n_bytes);

/**
 * The same by a handle, as VirtualAllocEx() is, but one that was opened with
 * PROCESS_QUERY_INFORMATION. Since 0.1.
 */
SIZE_T VirtualQueryEx(HANDLE process, LPCVOID address,
		      PMEMORY_BASIC_INFORMATION info, SIZE_T n_bytes);

/**
 * Keeps whole committed, accessible pages of one reservation in memory, until
 * VirtualUnlock() or VirtualFree(). Writable ones become written. Returns TRUE,
 * or FALSE with the last error ERROR_INVALID_PARAMETER (size 0), ERROR_NOACCESS
 * (other pages) or ERROR_WORKING_SET_QUOTA (the limit of locked memory, ulimit
 * -l). Since 0.1.
 */
BOOL VirtualLock(LPVOID base, SIZE_T size);

/**
 * Undoes VirtualLock(), however often it was called. Returns TRUE, or FALSE with
 * the last error ERROR_INVALID_PARAMETER (size 0) or ERROR_NOT_LOCKED (one of
 * the pages is not locked: nothing has changed). Since 0.1.
 */
BOOL VirtualUnlock(LPVOID base, SIZE_T size);

/* ---- Processes ---- */

/** The handle of this process: a constant that needs no closing. Since 0.1. */
HANDLE GetCurrentProcess(void);

/** The pid of this process, which is Linux's. Since 0.1. */
DWORD GetCurrentProcessId(void);

/**
 * A handle of a running process, for NtGetWriteWatch() and NtResetWriteWatch(),
 * and of this one for all that take a handle. The `rights` PROCESS_… are checked
 * by each call that uses it; those that concern its memory are granted where
 * Linux lets this process open /proc/PID/pagemap. Nothing is inherited, except
 * by a child that is made with fork(2): it has all handles, of the same
 * processes.
 *
 * Returns a handle for CloseHandle(), or NULL with the last error
 * ERROR_INVALID_PARAMETER (no such process), ERROR_ACCESS_DENIED,
 * ERROR_NO_SYSTEM_RESOURCES or ERROR_NOT_ENOUGH_MEMORY (no file or no memory for
 * one), or ERROR_NOT_SUPPORTED (before Linux 5.3). Since 0.1.
 */
HANDLE OpenProcess(DWORD rights, BOOL inherit, DWORD pid);

/**
 * The pid of a process, which may have ended. Returns 0 with the last error
 * ERROR_INVALID_HANDLE, or ERROR_ACCESS_DENIED without the right
 * PROCESS_QUERY_INFORMATION or PROCESS_QUERY_LIMITED_INFORMATION. Since 0.1.
 */
DWORD GetProcessId(HANDLE process);

/**
 * Returns TRUE, or FALSE with the last error ERROR_INVALID_HANDLE. Closing
 * GetCurrentProcess() has no effect. Since 0.1.
 */
BOOL CloseHandle(HANDLE handle);

/* ---- Errors, time ---- */

/** Why the last call in this thread failed that did. Since 0.1. */
DWORD GetLastError(void);

/** Sets what GetLastError() returns in this thread. Since 0.1. */
void SetLastError(DWORD error);

/**
 * Stores the time since some fixed moment, which never goes back, in ticks of
 * QueryPerformanceFrequency(). Returns TRUE. Since 0.1.
 */
BOOL QueryPerformanceCounter(LARGE_INTEGER *ticks);

/** Stores the number of ticks in a second. Returns TRUE. Since 0.1. */
BOOL QueryPerformanceFrequency(LARGE_INTEGER *ticks_per_second);

/* ---- The same by their NT names ---- */

/** 0 or positive for success; the Win32 calls turn failures into last errors. */
typedef LONG NTSTATUS;

#define NT_SUCCESS(status)	((NTSTATUS)(status) >= 0)
#define NtCurrentProcess()	((HANDLE)~(ULONG_PTR)0)

typedef struct _UNICODE_STRING {
	USHORT Length;
	USHORT MaximumLength;
	USHORT *Buffer;		/**< UTF-16 */
} UNICODE_STRING, *PUNICODE_STRING;

typedef struct _OBJECT_ATTRIBUTES {
	ULONG Length;
	HANDLE RootDirectory;
	PUNICODE_STRING ObjectName;
	ULONG Attributes;
	PVOID SecurityDescriptor;
	PVOID SecurityQualityOfService;
} OBJECT_ATTRIBUTES, *POBJECT_ATTRIBUTES;

#define InitializeObjectAttributes(object, name, attributes, root, security) \
	do { \
		(object)->Length = sizeof(OBJECT_ATTRIBUTES); \
		(object)->RootDirectory = (root); \
		(object)->ObjectName = (name); \
		(object)->Attributes = (attributes); \
		(object)->SecurityDescriptor = (security); \
		(object)->SecurityQualityOfService = NULL; \
	} while (0)

typedef struct _CLIENT_ID {
	HANDLE UniqueProcess;	/**< the pid */
	HANDLE UniqueThread;	/**< NULL here */
} CLIENT_ID, *PCLIENT_ID;

typedef enum _MEMORY_INFORMATION_CLASS {
	MemoryBasicInformation,
} MEMORY_INFORMATION_CLASS;

/**
 * What VirtualAlloc() does; *base and *size are what is asked for and, after a
 * success, what was reserved or committed, in whole pages. With *base NULL,
 * `zero_bits` up to 21 keeps that many high bits of a 32-bit address zero; from
 * 32 on it is a mask, above whose highest bit all are zero. Since 0.1.
 */
NTSTATUS NtAllocateVirtualMemory(HANDLE process, PVOID *base,
				 ULONG_PTR zero_bits, SIZE_T *size, ULONG type,
				 ULONG protect);

/** What VirtualAlloc2() does, the same way. Since 0.1. */
NTSTATUS NtAllocateVirtualMemoryEx(HANDLE process, PVOID *base, SIZE_T *size,
				   ULONG type, ULONG protect,
				   MEM_EXTENDED_PARAMETER *parameters,
				   ULONG n_parameters);

/**
 * What VirtualFree() does, the same way, and more: MEM_RELEASE with a size gives
 * back that part of a reservation; what is left of it are reservations of their
 * own. Since 0.1.
 */
NTSTATUS NtFreeVirtualMemory(HANDLE process, PVOID *base, SIZE_T *size,
			     ULONG type);

/** What VirtualProtect() does, the same way. Since 0.1. */
NTSTATUS NtProtectVirtualMemory(HANDLE process, PVOID *base, SIZE_T *size,
				ULONG protect, ULONG *old);

/** What VirtualQuery() does; `n_stored` may be NULL. Since 0.1. */
NTSTATUS NtQueryVirtualMemory(HANDLE process, LPCVOID address,
			      MEMORY_INFORMATION_CLASS what, PVOID buffer,
			      SIZE_T n_bytes, SIZE_T *n_stored);

/** What VirtualLock() does, with `type` 1. Since 0.1. */
NTSTATUS NtLockVirtualMemory(HANDLE process, PVOID *base, SIZE_T *size,
			     ULONG type);

/** What VirtualUnlock() does, with `type` 1. Since 0.1. */
NTSTATUS NtUnlockVirtualMemory(HANDLE process, PVOID *base, SIZE_T *size,
			       ULONG type);

/**
 * What OpenProcess() does, for the pid in `client`; the object has no name, and
 * of its attributes none has a meaning. Since 0.1.
 */
NTSTATUS NtOpenProcess(PHANDLE handle, ACCESS_MASK rights,
		       const OBJECT_ATTRIBUTES *attributes,
		       const CLIENT_ID *client);

/** What CloseHandle() does. Since 0.1. */
NTSTATUS NtClose(HANDLE handle);

/**
 * What GetWriteWatch() does, also in another process, whose handle was opened
 * with PROCESS_VM_OPERATION. Watched memory is known of processes that use this
 * library, or run under winewatch; in any other no base is watched. Since 0.1.
 */
NTSTATUS NtGetWriteWatch(HANDLE process, ULONG flags, PVOID base, SIZE_T size,
			 PVOID *addresses, ULONG_PTR *count, ULONG *granularity);

/** What ResetWriteWatch() does, the same way. Since 0.1. */
NTSTATUS NtResetWriteWatch(HANDLE process, PVOID base, SIZE_T size);

#ifdef __cplusplus
}
#endif

#endif
#endif
