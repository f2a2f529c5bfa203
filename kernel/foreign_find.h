/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a query on another process opens, and closes before it returns. */
#ifndef WW_FOREIGN_FIND_H
#define WW_FOREIGN_FIND_H

#include "share.h"

/* Makes `tracker` one that scans the memory of a process. 0; -ENOENT if the
 * kernel has no bits for others to see; or -errno, for a process without memory,
 * too. */
int ww_foreign_pagemap(struct ww_tracker *tracker, pid_t pid);

/* Makes `share` the way to the file of a process that was found before. -ESRCH if
 * it is not the same process any more. */
int ww_foreign_reopen(struct ww_share *share, const struct ww_process *process);

#endif
