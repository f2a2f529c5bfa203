/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Statuses and last errors, row by row. */
#include "../../dlls/kernelbase/errors.h"

#include "../kernel/tap.h"

#include <pthread.h>

static const struct {
	DWORD status;
	DWORD error;
} rows[] = {
	{ 0xc000000d, 87 },	/* INVALID_PARAMETER */
	{ 0xc00000ef, 87 },	/* INVALID_PARAMETER_1 … _6 */
	{ 0xc00000f0, 87 },
	{ 0xc00000f1, 87 },
	{ 0xc00000f2, 87 },
	{ 0xc00000f3, 87 },
	{ 0xc00000f4, 87 },
	{ 0xc0000030, 87 },	/* INVALID_PARAMETER_MIX */
	{ 0xc000000b, 87 },	/* INVALID_CID */
	{ 0xc0000045, 87 },	/* INVALID_PAGE_PROTECTION */
	{ 0xc0000003, 87 },	/* INVALID_INFO_CLASS */
	{ 0xc000001a, 87 },	/* UNABLE_TO_FREE_VM */
	{ 0xc0000004, 24 },	/* INFO_LENGTH_MISMATCH */
	{ 0xc0000005, 998 },	/* ACCESS_VIOLATION */
	{ 0x80000002, 998 },	/* DATATYPE_MISALIGNMENT */
	{ 0xc0000008, 6 },	/* INVALID_HANDLE */
	{ 0xc0000024, 6 },	/* OBJECT_TYPE_MISMATCH */
	{ 0xc0000022, 5 },	/* ACCESS_DENIED */
	{ 0xc000010a, 5 },	/* PROCESS_IS_TERMINATING */
	{ 0xc0000018, 487 },	/* CONFLICTING_ADDRESSES */
	{ 0xc000002d, 487 },	/* NOT_COMMITTED */
	{ 0xc00000a0, 487 },	/* MEMORY_NOT_ALLOCATED */
	{ 0xc000009f, 487 },	/* FREE_VM_NOT_AT_BASE */
	{ 0xc0000017, 8 },	/* NO_MEMORY */
	{ 0xc000009a, 1450 },	/* INSUFFICIENT_RESOURCES */
	{ 0xc000012d, 1455 },	/* COMMITMENT_LIMIT */
	{ 0xc00000a1, 1453 },	/* WORKING_SET_QUOTA */
	{ 0xc0000061, 1314 },	/* PRIVILEGE_NOT_HELD */
	{ 0xc000002a, 158 },	/* NOT_LOCKED */
	{ 0xc00000bb, 50 },	/* NOT_SUPPORTED */
	{ 0xc0ffee00, 317 },	/* any other */
};

#define V(status, error) +1
enum { N_LAST_ERRORS = 0 WW_LAST_ERRORS(V) };
#undef V

static void table(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		DWORD error = ww_last_error_of((NTSTATUS)rows[i].status);

		if (!ok(error == rows[i].error, "%08x is %u", rows[i].status,
			rows[i].error))
			diag("it is %u", error);
	}
	ok(sizeof(rows) / sizeof(rows[0]) == N_LAST_ERRORS + 1,
	   "every row of the table has one here");
}

static void failures(void)
{
#define V(name, status, what) \
	ok(ww_vm_status(WW_VM_##name) == status && \
	   ww_last_error_of(status) != ERROR_MR_MID_NOT_FOUND, \
	   "%s (%s) has a last error", #name, what);
	WW_VM_FAILURES(V)
#undef V
}

static void *other_thread(void *argument)
{
	*(DWORD *)argument = GetLastError();
	SetLastError(7);
	return NULL;
}

static void threads(void)
{
	pthread_t thread;
	DWORD error = 99;

	SetLastError(5);
	if (pthread_create(&thread, NULL, other_thread, &error))
		bail_out("pthread_create");
	pthread_join(thread, NULL);
	ok(error == 0, "another thread's last error is 0 at first");
	ok(GetLastError() == 5, "and its failures are its own");
	ok(ww_succeeded(STATUS_SUCCESS) && GetLastError() == 5,
	   "a success leaves it alone");
	ok(!ww_succeeded(STATUS_NO_MEMORY) && GetLastError() == 8,
	   "a failure sets it");
}

int main(void)
{
	table();
	failures();
	threads();
	return done_testing();
}
