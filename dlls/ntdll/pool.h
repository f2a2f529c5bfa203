/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Zeroed memory for bookkeeping, not from malloc. Needs the areas' lock. */
#ifndef WW_POOL_H
#define WW_POOL_H

#include <stddef.h>

/* NULL if there is none. Of a big block, pages cost nothing until they are
 * written. */
void *ww_pool_take(size_t n_bytes);

/* `n_bytes` as it was taken. */
void ww_pool_give(void *memory, size_t n_bytes);

#endif
