/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The registry of this process, for native programs. */
#ifndef WW_PROCESS_H
#define WW_PROCESS_H

#include "regions.h"

/* The registry, or NULL if nobody has opened it. */
struct ww_regions *ww_process_regions(void);

/* Opens it, unless it is. Needs the areas' lock. NULL if writes cannot be
 * watched; a later call asks again. */
struct ww_regions *ww_process_open_regions(void);

#endif
