/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the header for ports and Wine's have to agree on: each is included by one
 * file, and both make this table. MEM_RESET_UNDO is wrong in Wine 8.0's. */
#ifndef NATIVE_VALUES_H
#define NATIVE_VALUES_H

#include <stddef.h>

#define VALUES(V) \
	V(MEM_COMMIT) V(MEM_RESERVE) V(MEM_DECOMMIT) V(MEM_RELEASE) \
	V(MEM_FREE) V(MEM_PRIVATE) V(MEM_RESET) V(MEM_TOP_DOWN) \
	V(MEM_WRITE_WATCH) V(MEM_PHYSICAL) V(MEM_LARGE_PAGES) \
	V(MEM_REPLACE_PLACEHOLDER) V(MEM_RESERVE_PLACEHOLDER) \
	V(MEM_COALESCE_PLACEHOLDERS) V(MEM_PRESERVE_PLACEHOLDER) \
	V(PROCESS_TERMINATE) V(PROCESS_CREATE_THREAD) V(PROCESS_VM_OPERATION) \
	V(PROCESS_VM_READ) V(PROCESS_VM_WRITE) V(PROCESS_DUP_HANDLE) \
	V(PROCESS_CREATE_PROCESS) V(PROCESS_SET_QUOTA) \
	V(PROCESS_SET_INFORMATION) V(PROCESS_QUERY_INFORMATION) \
	V(PROCESS_SUSPEND_RESUME) V(PROCESS_QUERY_LIMITED_INFORMATION) \
	V(PROCESS_ALL_ACCESS) V(SYNCHRONIZE) V(MAXIMUM_ALLOWED) \
	V(GENERIC_ALL) V(GENERIC_EXECUTE) V(GENERIC_WRITE) V(GENERIC_READ) \
	V(PAGE_NOACCESS) V(PAGE_READONLY) V(PAGE_READWRITE) \
	V(PAGE_WRITECOPY) V(PAGE_EXECUTE) V(PAGE_EXECUTE_READ) \
	V(PAGE_EXECUTE_READWRITE) V(PAGE_EXECUTE_WRITECOPY) V(PAGE_GUARD) \
	V(PAGE_NOCACHE) V(PAGE_WRITECOMBINE) V(WRITE_WATCH_FLAG_RESET) \
	V(ERROR_SUCCESS) V(ERROR_ACCESS_DENIED) V(ERROR_INVALID_HANDLE) \
	V(ERROR_NOT_ENOUGH_MEMORY) V(ERROR_BAD_LENGTH) \
	V(ERROR_NOT_SUPPORTED) V(ERROR_INVALID_PARAMETER) \
	V(ERROR_NOT_LOCKED) V(ERROR_MR_MID_NOT_FOUND) \
	V(ERROR_INVALID_ADDRESS) V(ERROR_NOACCESS) \
	V(ERROR_PRIVILEGE_NOT_HELD) V(ERROR_NO_SYSTEM_RESOURCES) \
	V(ERROR_WORKING_SET_QUOTA) V(ERROR_COMMITMENT_LIMIT) \
	V(MemoryBasicInformation) \
	V(sizeof(BOOL)) V(sizeof(LONG)) V(sizeof(LONGLONG)) V(sizeof(UINT)) \
	V(sizeof(DWORD)) V(sizeof(ULONG)) V(sizeof(ULONG_PTR)) \
	V(sizeof(SIZE_T)) V(sizeof(HANDLE)) V(sizeof(NTSTATUS)) \
	V(sizeof(LARGE_INTEGER)) V(offsetof(LARGE_INTEGER, u.HighPart)) \
	V(sizeof(MEMORY_BASIC_INFORMATION)) \
	V(offsetof(MEMORY_BASIC_INFORMATION, AllocationBase)) \
	V(offsetof(MEMORY_BASIC_INFORMATION, AllocationProtect)) \
	V(offsetof(MEMORY_BASIC_INFORMATION, RegionSize)) \
	V(offsetof(MEMORY_BASIC_INFORMATION, State)) \
	V(offsetof(MEMORY_BASIC_INFORMATION, Protect)) \
	V(offsetof(MEMORY_BASIC_INFORMATION, Type)) \
	V(MemExtendedParameterAddressRequirements) \
	V(MemExtendedParameterNumaNode) \
	V(MemExtendedParameterPartitionHandle) \
	V(MemExtendedParameterUserPhysicalHandle) \
	V(MemExtendedParameterAttributeFlags) \
	V(sizeof(MEM_EXTENDED_PARAMETER)) \
	V(_Alignof(MEM_EXTENDED_PARAMETER)) \
	V(offsetof(MEM_EXTENDED_PARAMETER, Pointer)) \
	V(sizeof(MEM_ADDRESS_REQUIREMENTS)) \
	V(offsetof(MEM_ADDRESS_REQUIREMENTS, HighestEndingAddress)) \
	V(offsetof(MEM_ADDRESS_REQUIREMENTS, Alignment)) \
	V(sizeof(ACCESS_MASK)) V(sizeof(CLIENT_ID)) \
	V(offsetof(CLIENT_ID, UniqueThread)) \
	V(sizeof(UNICODE_STRING)) V(offsetof(UNICODE_STRING, Buffer)) \
	V(sizeof(OBJECT_ATTRIBUTES)) \
	V(offsetof(OBJECT_ATTRIBUTES, ObjectName)) \
	V(offsetof(OBJECT_ATTRIBUTES, SecurityDescriptor)) \
	V((size_t)NtCurrentProcess()) V(NT_SUCCESS(-1)) V(NT_SUCCESS(1))

struct value {
	const char *name;
	unsigned long long value;
};

#define V(value) { #value, (unsigned long long)(value) },
#define VALUE_TABLE { VALUES(V) { NULL, 0 } }

extern const struct value wine_values[];

#endif
