/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Process handles: a table of pidfds, which name a process even when its pid has
 * gone to another. Handles are numbered by fours, as on Windows, and their two
 * lowest bits mean nothing.
 */
#include "handles.h"

#include "areas.h"
#include "pool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434	/* Linux 5.3 */
#endif

struct process {
	pid_t pid;		/* 0: unused */
	int pidfd;
	ACCESS_MASK rights;
};

static struct process *table;
static size_t n_entries;

#define FIRST_ENTRIES 32

/* Whatever is looked at in another process needs the kernel's consent. */
#define HARMLESS_RIGHTS (PROCESS_QUERY_LIMITED_INFORMATION | SYNCHRONIZE)

/* ---- The table, under the areas' lock ---- */

static struct process *find(HANDLE handle)
{
	size_t i = (uintptr_t)handle / 4;

	return i && i <= n_entries && table[i - 1].pid ? &table[i - 1] : NULL;
}

static HANDLE handle_of(size_t i)
{
	return (HANDLE)((i + 1) * 4);
}

static int grow(void)
{
	size_t more = n_entries ? 2 * n_entries : FIRST_ENTRIES;
	struct process *new = ww_pool_take(more * sizeof(*table));

	if (!new)
		return -ENOMEM;
	if (n_entries) {
		memcpy(new, table, n_entries * sizeof(*table));
		ww_pool_give(table, n_entries * sizeof(*table));
	}
	table = new;
	n_entries = more;
	return 0;
}

static HANDLE add(const struct process *process)
{
	size_t i = 0;

	while (i < n_entries && table[i].pid)
		i++;
	if (i == n_entries && grow())
		return NULL;
	table[i] = *process;
	return handle_of(i);
}

/* ---- What a handle stands for ---- */

static bool is_own(const struct process *process)
{
	return process->pid == getpid();
}

/* Also of a pid that is ours: it may have been another's before a fork. */
static bool has_ended(const struct process *process)
{
	struct pollfd poller = { .fd = process->pidfd, .events = POLLIN };

	return poll(&poller, 1, 0) == 1;
}

static NTSTATUS check(const struct process *process, ACCESS_MASK rights)
{
	if (!process)
		return ww_vm_status(WW_VM_HANDLE);
	if (rights & ~process->rights)
		return ww_vm_status(WW_VM_RIGHTS);
	return has_ended(process) ? ww_vm_status(WW_VM_ENDED) : STATUS_SUCCESS;
}

NTSTATUS ww_handle_process(HANDLE handle, ACCESS_MASK rights, pid_t *pid)
{
	const struct process *process;
	NTSTATUS status;
	sigset_t saved;
	int saved_errno = errno;

	*pid = 0;
	if (handle == NtCurrentProcess())
		return STATUS_SUCCESS;
	ww_areas_lock(&saved);
	process = find(handle);
	status = check(process, rights);
	if (!status && !is_own(process))
		*pid = process->pid;
	ww_areas_unlock(&saved);
	errno = saved_errno;
	return status;
}

NTSTATUS ww_handle_own(HANDLE handle, ACCESS_MASK rights)
{
	pid_t pid;
	NTSTATUS status = ww_handle_process(handle, rights, &pid);

	if (status)
		return status;
	return pid ? ww_vm_status(WW_VM_FOREIGN) : STATUS_SUCCESS;
}

/* The pid outlives the process. */
NTSTATUS ww_nt_process_id(HANDLE handle, DWORD *pid)
{
	const struct process *process;
	NTSTATUS status = STATUS_SUCCESS;
	sigset_t saved;

	if (handle == NtCurrentProcess()) {
		*pid = (DWORD)getpid();
		return STATUS_SUCCESS;
	}
	ww_areas_lock(&saved);
	process = find(handle);
	if (!process)
		status = ww_vm_status(WW_VM_HANDLE);
	else if (!(process->rights & PROCESS_QUERY_LIMITED_INFORMATION))
		status = ww_vm_status(WW_VM_RIGHTS);
	else
		*pid = (DWORD)process->pid;
	ww_areas_unlock(&saved);
	return status;
}

/* ---- Opening and closing ---- */

/* What general rights are for a process, and what implies another. */
static ACCESS_MASK specific_rights(ACCESS_MASK rights)
{
	if (rights & (GENERIC_ALL | MAXIMUM_ALLOWED))
		rights |= PROCESS_ALL_ACCESS;
	if (rights & GENERIC_READ)
		rights |= PROCESS_VM_READ | PROCESS_QUERY_INFORMATION;
	if (rights & GENERIC_WRITE)
		rights |= PROCESS_VM_WRITE | PROCESS_VM_OPERATION;
	if (rights & PROCESS_QUERY_INFORMATION)
		rights |= PROCESS_QUERY_LIMITED_INFORMATION;
	return rights;
}

static NTSTATUS status_of(int error)
{
	switch (error) {
	case EINVAL:	/* a thread that is not its process's first */
	case ENOENT:
	case ESRCH:
		return ww_vm_status(WW_VM_NO_PROCESS);
	case EACCES:
	case EPERM:
		return ww_vm_status(WW_VM_RIGHTS);
	case ENOSYS:
		return ww_vm_status(WW_VM_NO_HANDLES);
	default:
		return ww_vm_status(WW_VM_OUT_OF_HANDLES);
	}
}

/* A process that has ended meanwhile has nothing that could be forbidden. */
static NTSTATUS ask_kernel(pid_t pid)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	else if (errno != ENOENT && errno != ESRCH)
		return status_of(errno);
	return STATUS_SUCCESS;
}

static NTSTATUS open_process(const struct process *wanted, HANDLE *handle)
{
	struct process process = *wanted;
	NTSTATUS status = STATUS_SUCCESS;
	sigset_t saved;

	process.pidfd = (int)syscall(SYS_pidfd_open, process.pid, 0);
	if (process.pidfd < 0)
		return status_of(errno);
	if (!is_own(&process) && (process.rights & ~(ACCESS_MASK)HARMLESS_RIGHTS))
		status = ask_kernel(process.pid);
	if (!status) {
		ww_areas_lock(&saved);
		*handle = add(&process);
		ww_areas_unlock(&saved);
		if (!*handle)
			status = ww_vm_status(WW_VM_NO_MEMORY);
	}
	if (status)
		close(process.pidfd);
	return status;
}

NTSTATUS ww_nt_open_process(HANDLE *handle, ACCESS_MASK rights,
			    const OBJECT_ATTRIBUTES *attributes,
			    const CLIENT_ID *client)
{
	struct process wanted = { .rights = specific_rights(rights) };
	int saved_errno = errno;
	NTSTATUS status;
	HANDLE opened = NULL;

	if (!handle || !attributes)
		return ww_vm_status(WW_VM_ARGUMENT_MISSING);
	if (!client || attributes->ObjectName)
		return ww_vm_status(WW_VM_PROCESS_NAMED);
	if ((uintptr_t)client->UniqueProcess - 1 >= INT_MAX ||
	    client->UniqueThread)
		return ww_vm_status(WW_VM_NO_PROCESS);
	wanted.pid = (pid_t)(uintptr_t)client->UniqueProcess;
	status = open_process(&wanted, &opened);
	errno = saved_errno;
	if (!status)
		*handle = opened;
	return status;
}

NTSTATUS ww_nt_close(HANDLE handle)
{
	struct process *process;
	int pidfd = -1, saved_errno = errno;
	sigset_t saved;

	if (handle == NtCurrentProcess())
		return STATUS_SUCCESS;
	ww_areas_lock(&saved);
	process = find(handle);
	if (process) {
		pidfd = process->pidfd;
		process->pid = 0;
	}
	ww_areas_unlock(&saved);
	if (pidfd < 0)
		return ww_vm_status(WW_VM_HANDLE);
	close(pidfd);
	errno = saved_errno;
	return STATUS_SUCCESS;
}
