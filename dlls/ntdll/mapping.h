/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The Linux mappings under reserved memory. 0 or a negative errno value; errno
 * itself is never changed. Addresses and sizes are in bytes and whole pages.
 */
#ifndef WW_MAPPING_H
#define WW_MAPPING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Maps inaccessible memory exactly at *start: -EEXIST if something is there.
 * With *start 0, anywhere: at a multiple of `alignment`, stored in *start. */
int ww_map_reserve(uintptr_t *start, size_t n_bytes, size_t alignment);

/* A place that is wanted: a multiple of `alignment`, from `lowest` on, with all
 * its bytes below `end`. */
struct ww_place {
	uintptr_t lowest;
	uintptr_t end;
	size_t n_bytes;
	size_t alignment;
	bool top_down;		/* the highest instead of the lowest */
};

/* The same at the lowest or highest such place where nothing is. */
int ww_map_reserve_within(uintptr_t *start, const struct ww_place *wanted);

/* -ENOMEM: what has been changed by then stays changed. */
int ww_map_protect(uintptr_t start, size_t n_bytes, int prot);

/* Back to inaccessible memory without contents. On failure it is as it was. */
int ww_map_discard(uintptr_t start, size_t n_bytes);

int ww_map_release(uintptr_t start, size_t n_bytes);

int ww_map_lock(uintptr_t start, size_t n_bytes);
int ww_map_unlock(uintptr_t start, size_t n_bytes);

/* Whether the bytes can be written, at any address whatever. Makes their pages
 * present as writing to them does, and changes nothing that is in them; unless
 * this thread has asked before, and no function of this file has changed memory
 * since: then it costs nothing, and misses what others have changed. */
bool ww_map_writable(const void *start, size_t n_bytes);

#endif
