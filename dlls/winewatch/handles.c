/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Process handles. Wine tells the Windows pid of a process and no other; the
 * Linux process is the one whose registry carries that pid and our prefix in
 * its tag.
 */
#include "handles.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Tags ---- */

/* Other threads of the program may be asking for users, too, so what is looked up
 * is in `texts`. */
static const char *home(char *texts, size_t n_bytes)
{
	const char *home = getenv("HOME");
	struct passwd entry, *user;

	if (home && *home)
		return home;
	if (getpwuid_r(getuid(), &entry, texts, n_bytes, &user) || !user)
		return NULL;
	return user->pw_dir;
}

/* Where Wine keeps its configuration: processes with one have one server, and
 * Windows pids mean the same to them. */
static int stat_prefix(struct stat *prefix)
{
	const char *wines = getenv("WINEPREFIX"), *users;
	char path[4096], texts[4096];

	if (wines && *wines)
		return stat(wines, prefix);
	users = home(texts, sizeof(texts));
	if (!users)
		return -1;
	snprintf(path, sizeof(path), "%s/.wine", users);
	return stat(path, prefix);
}

static struct ww_tag tag_of(ULONG_PTR pid)
{
	struct stat prefix;

	if (stat_prefix(&prefix))
		return (struct ww_tag){ .words = { 0 } };
	return (struct ww_tag){ .words = { pid, prefix.st_dev, prefix.st_ino } };
}

static NTSTATUS query_process(const struct ww_wine *wine, HANDLE handle,
			      PROCESS_BASIC_INFORMATION *info)
{
	return wine->query_process(handle, ProcessBasicInformation, info,
				   sizeof(*info));
}

struct ww_tag ww_own_tag(const struct ww_wine *wine)
{
	PROCESS_BASIC_INFORMATION info;

	if (!NT_SUCCESS(query_process(wine, NtCurrentProcess(), &info)))
		return (struct ww_tag){ .words = { 0 } };
	return tag_of(info.UniqueProcessId);
}

/* ---- Handles ---- */

/* The right to operate on memory need not come with the right to ask who the
 * process is. Whoever may open it may add that. */
static NTSTATUS query_duplicate(const struct ww_wine *wine, HANDLE handle,
				PROCESS_BASIC_INFORMATION *info)
{
	HANDLE duplicate;
	NTSTATUS status = wine->duplicate(handle, &duplicate,
					  PROCESS_QUERY_LIMITED_INFORMATION);

	if (!NT_SUCCESS(status))
		return status;
	status = query_process(wine, duplicate, info);
	wine->close(duplicate);
	return status;
}

/* The object's type is checked before the access. */
static NTSTATUS identify(const struct ww_wine *wine, HANDLE handle,
			 PROCESS_BASIC_INFORMATION *info)
{
	OBJECT_BASIC_INFORMATION object;
	NTSTATUS status = wine->query_object(handle, ObjectBasicInformation,
					     &object, sizeof(object));

	if (!NT_SUCCESS(status))
		return status;
	status = query_process(wine, handle, info);
	if (!NT_SUCCESS(status) && status != STATUS_ACCESS_DENIED)
		return status;
	if (!(object.GrantedAccess & PROCESS_VM_OPERATION))
		return ww_nt_status(WW_NT_DENIED);
	return NT_SUCCESS(status) ? status : query_duplicate(wine, handle, info);
}

/* Wine's headers call the exit status Reserved1; only its lower half is one. */
static bool has_ended(const PROCESS_BASIC_INFORMATION *info)
{
	return (ULONG)(ULONG_PTR)info->Reserved1 != STATUS_PENDING;
}

/* To search all processes takes milliseconds, and who asks about one asks
 * again. */
static _Thread_local struct {
	struct ww_tag tag;
	struct ww_process process;
} last_found;

static bool is_last_found(const struct ww_tag *tag, struct ww_process *process)
{
	return !memcmp(tag, &last_found.tag, sizeof(*tag)) &&
	       !ww_foreign_find(process, last_found.process.pid) &&
	       process->identity == last_found.process.identity;
}

static NTSTATUS find_other(ULONG_PTR pid, struct ww_process *process)
{
	struct ww_tag tag = tag_of(pid);

	if (!tag.words[0])
		return WW_NT_NOT_OURS;
	if (is_last_found(&tag, process))
		return STATUS_SUCCESS;
	switch (ww_foreign_find_tag(process, &tag)) {
	case 0:
		last_found.tag = tag;
		last_found.process = *process;
		return STATUS_SUCCESS;
	case -ENOENT:
		return WW_NT_NOT_OURS;
	default:
		return ww_nt_status(WW_NT_NO_MEMORY);
	}
}

static bool is_own(const struct ww_wine *wine,
		   const PROCESS_BASIC_INFORMATION *info)
{
	PROCESS_BASIC_INFORMATION own;

	return NT_SUCCESS(query_process(wine, NtCurrentProcess(), &own)) &&
	       own.UniqueProcessId == info->UniqueProcessId;
}

HANDLE ww_shortest_handle(const struct ww_wine *wine, HANDLE handle, bool watches)
{
	PROCESS_BASIC_INFORMATION info;

	if (handle == NtCurrentProcess() || (!watches && !ww_watching()) ||
	    !NT_SUCCESS(identify(wine, handle, &info)) || !is_own(wine, &info))
		return handle;
	return NtCurrentProcess();
}

NTSTATUS ww_find_target(const struct ww_wine *wine, HANDLE handle,
			struct ww_target *target)
{
	PROCESS_BASIC_INFORMATION info;
	NTSTATUS status;

	target->own = handle == NtCurrentProcess();
	if (target->own)
		return STATUS_SUCCESS;
	status = identify(wine, handle, &info);
	if (!NT_SUCCESS(status))
		return status;
	if (has_ended(&info))
		return ww_nt_status(WW_NT_ENDED);
	target->own = is_own(wine, &info);
	if (target->own)
		return STATUS_SUCCESS;
	return find_other(info.UniqueProcessId, &target->process);
}

void ww_note_write(const struct ww_wine *wine, HANDLE process, PVOID start,
		   SIZE_T size)
{
	uintptr_t page = ww_page_size(), first = (uintptr_t)start & ~(page - 1);
	uintptr_t end = ((uintptr_t)start + size + page - 1) & ~(page - 1);
	struct ww_regions *regions = ww_watching();
	struct ww_target target;
	sigset_t saved;

	if (ww_find_target(wine, process, &target) || !target.own)
		return;
	ww_regions_lock(regions, &saved);
	ww_regions_mark(regions, first, end - first);
	ww_regions_unlock(regions, &saved);
}
