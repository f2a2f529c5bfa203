/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory of the caller, which may not be there. */
#ifndef WW_PAGEMAP_USER_H
#define WW_PAGEMAP_USER_H

#include <stddef.h>
#include <stdint.h>

/* 0 or -EFAULT. */
int ww_user_read(void *target, uint64_t address, size_t n_bytes);
int ww_user_write(uint64_t address, const void *source, size_t n_bytes);

#endif
