/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a registry shows of itself as a whole to those who only look. */
#include "foreign_find.h"
#include "stats.h"

#include <errno.h>

ssize_t ww_foreign_views(const struct ww_process *process, struct ww_run *views,
			 size_t max)
{
	int saved_errno = errno;
	struct ww_share share;
	ssize_t ret = ww_foreign_reopen(&share, process);

	if (!ret) {
		ret = ww_share_read_views(&share, views, max);
		ww_share_close(&share, &ww_linux);
	}
	errno = saved_errno;
	return ret;
}

int ww_foreign_observe(const struct ww_process *process, struct ww_stats *stats)
{
	int saved_errno = errno, ret;
	struct ww_share share;

	ret = ww_foreign_reopen(&share, process);
	if (!ret) {
		ww_stats_observe(ww_share_stats(&share), stats);
		ww_share_close(&share, &ww_linux);
	}
	errno = saved_errno;
	return ret;
}
