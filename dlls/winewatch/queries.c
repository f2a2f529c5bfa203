/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Queries of this process and of others: whose registry is asked. */
#include "handles.h"

NTSTATUS ww_query_writes(const struct ww_wine *wine, HANDLE process,
			 struct ww_nt_get *call)
{
	struct ww_regions *regions = ww_watching();
	struct ww_target target;
	NTSTATUS status;

	if (!regions && process == NtCurrentProcess())
		return WW_NT_NOT_OURS;
	if ((status = ww_nt_check_get(call)))
		return status;
	if ((status = ww_find_target(wine, process, &target)))
		return status;
	if (!target.own)
		return ww_nt_get_foreign(&target.process, call);
	return regions ? ww_nt_get(regions, call) : WW_NT_NOT_OURS;
}

NTSTATUS ww_reset_writes(const struct ww_wine *wine, HANDLE process, PVOID base,
			 SIZE_T size)
{
	struct ww_regions *regions = ww_watching();
	struct ww_target target;
	NTSTATUS status;

	if (!regions && process == NtCurrentProcess())
		return WW_NT_NOT_OURS;
	if ((status = ww_nt_check_reset(base, size)))
		return status;
	if ((status = ww_find_target(wine, process, &target)))
		return status;
	if (!target.own)
		return ww_nt_reset_foreign(&target.process, base, size);
	return regions ? ww_nt_reset(regions, base, size) : WW_NT_NOT_OURS;
}
