/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The thread's last error. */
#include "errors.h"

static __thread DWORD last_error;

DWORD GetLastError(void)
{
	return last_error;
}

void SetLastError(DWORD error)
{
	last_error = error;
}

DWORD ww_last_error_of(NTSTATUS status)
{
	switch (status) {
#define V(status, error) \
	case status: \
		return error;
	WW_LAST_ERRORS(V)
#undef V
	default:
		return ERROR_MR_MID_NOT_FOUND;
	}
}

bool ww_succeeded(NTSTATUS status)
{
	if (NT_SUCCESS(status))
		return true;
	last_error = ww_last_error_of(status);
	return false;
}
