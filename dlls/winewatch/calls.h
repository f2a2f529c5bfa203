/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The calls of Wine's own that a forced backend has to know of: those by which
 * it changes the access to memory, and those by which the kernel fills some.
 * They replace libc's in the image of ntdll.so alone.
 */
#ifndef WW_CALLS_H
#define WW_CALLS_H

#include "table.h"

#include <stdbool.h>

/* Whether the backend that the environment names needs them: uffd does not. */
bool ww_calls_are_needed(void);

/* Before any code of Wine has run: `library` is what dlopen returned for it.
 * False: they were not recognised, and nothing has changed. */
bool ww_calls_replace(void *library, const struct ww_image *image);

#endif
