/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finding entries of Wine's system service table, which has no symbol, in the
 * image of ntdll.so, and replacing them, all or nothing.
 */
#ifndef WW_TABLE_H
#define WW_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WW_IMAGE_SEGMENTS 8

struct ww_segment {
	uintptr_t start;
	uintptr_t end;	/* of what comes from the file */
	bool writable;
	bool executable;
};

/* A loaded library, as its program headers describe it. */
struct ww_image {
	struct ww_segment segments[WW_IMAGE_SEGMENTS];
	size_t n_segments;
	uintptr_t relro_start;	/* read-only since it was loaded */
	uintptr_t relro_end;
};

/* The image that contains `address`. False: there is none, or it has more
 * segments than we know what to do with. */
bool ww_image_of(const void *address, struct ww_image *image);

/* The one word of the image's data that holds this function's address and has
 * the addresses of code on both sides; NULL unless there is exactly one such
 * word and no other with the address. */
void **ww_find_slot(const struct ww_image *image, const void *function);

/* Whether the image's constant data contains this text. */
bool ww_image_contains(const struct ww_image *image, const char *text);

/* Stores values[i] in *slots[i], for all or, if some memory cannot be made
 * writable, none. What was read-only is so again afterwards, either way. 0 or
 * -errno. */
int ww_replace_slots(const struct ww_image *image, void **const slots[],
		     void *const values[], size_t n);

#endif
