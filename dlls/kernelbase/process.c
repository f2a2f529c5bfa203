/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The Win32 names of process handles. */
#include "errors.h"

#include <unistd.h>

HANDLE GetCurrentProcess(void)
{
	return NtCurrentProcess();
}

DWORD GetCurrentProcessId(void)
{
	return (DWORD)getpid();
}

/* Nobody can inherit a handle here. */
HANDLE OpenProcess(DWORD rights, BOOL inherit, DWORD pid)
{
	const OBJECT_ATTRIBUTES attributes = { .Length = sizeof(attributes) };
	const CLIENT_ID client = { .UniqueProcess = (HANDLE)(uintptr_t)pid };
	HANDLE handle;

	(void)inherit;
	if (!ww_succeeded(ww_nt_open_process(&handle, rights, &attributes,
					     &client)))
		return NULL;
	return handle;
}

DWORD GetProcessId(HANDLE process)
{
	DWORD pid;

	return ww_succeeded(ww_nt_process_id(process, &pid)) ? pid : 0;
}

BOOL CloseHandle(HANDLE handle)
{
	return ww_succeeded(ww_nt_close(handle));
}
