/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Process handles, open ones and NtCurrentProcess(). A handle of this process's
 * own pid is this process; after a fork, one of the parent's is the parent.
 *
 * Threads: takes the areas' lock (areas.h), but not for NtCurrentProcess().
 */
#ifndef WW_HANDLES_H
#define WW_HANDLES_H

#include "ntvirtual.h"

#include <sys/types.h>

/* The process of a handle that was opened with all of `rights`: its pid, or 0
 * for this process. A failure when there is no such handle, when it has not got
 * the rights, or when the process has ended. */
NTSTATUS ww_handle_process(HANDLE handle, ACCESS_MASK rights, pid_t *pid);

/* Success if that is this process: for calls that work on no other. */
NTSTATUS ww_handle_own(HANDLE handle, ACCESS_MASK rights);

#endif
