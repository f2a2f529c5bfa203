/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reserved memory: one area for each reservation, or for each part that is left
 * of one, and the state of every page in it. Only bookkeeping: nothing here
 * maps or protects.
 *
 * Threads: everything but the protections needs the areas' lock, and an area is
 * good until the lock is dropped or areas are added or cut. Order of locks: this
 * one first, the registry's (regions.h) inside it. Both block signals; under
 * them no memory of the program's is touched and no code of its is called.
 */
#ifndef WW_AREAS_H
#define WW_AREAS_H

#include "ntvirtual.h"

#include <stdbool.h>

/* ---- The state of a page, in a byte: 0 is reserved and not committed ---- */

enum {
	WW_PAGE_ACCESS = 0x0f,		/* one of WW_PROTECTIONS, 0 for none */
	WW_PAGE_LOCKED = 0x10,
	WW_PAGE_NOCACHE = 0x40,
	WW_PAGE_WRITECOMBINE = 0x80,
	/* all that a protection says */
	WW_PAGE_PROTECTION = WW_PAGE_ACCESS | WW_PAGE_NOCACHE |
			     WW_PAGE_WRITECOMBINE,
};

/* V(name in Windows, on Linux). Processors that we run on cannot execute what
 * they cannot read, and programs rely on that. Copying on write is for mapped
 * files. */
#define WW_PROTECTIONS(V) \
	V(PAGE_NOACCESS, PROT_NONE) \
	V(PAGE_READONLY, PROT_READ) \
	V(PAGE_READWRITE, PROT_READ | PROT_WRITE) \
	V(PAGE_EXECUTE, PROT_READ | PROT_EXEC) \
	V(PAGE_EXECUTE_READ, PROT_READ | PROT_EXEC) \
	V(PAGE_EXECUTE_READWRITE, PROT_READ | PROT_WRITE | PROT_EXEC)

/* The state of a page committed with `protect`; 0 if private memory cannot be
 * protected so. */
unsigned char ww_state_of(ULONG protect);

ULONG ww_state_protect(unsigned char state);
int ww_state_prot(unsigned char state);

/* ---- Areas ---- */

struct ww_page_states;
struct ww_place;	/* mapping.h */

enum ww_area_kind {
	WW_AREA_PLAIN,
	WW_AREA_PLACEHOLDER,	/* has no committed pages and no watch */
	WW_AREA_REPLACED,	/* was a placeholder and can become one again */
};

struct ww_area {
	uintptr_t start;
	uintptr_t end;
	struct ww_page_states *states;
	size_t first;		/* in states: the state of the first page */
	ULONG protect;		/* as the reservation asked for it */
	bool watched;
	enum ww_area_kind kind;
};

void ww_areas_lock(sigset_t *saved);
void ww_areas_unlock(const sigset_t *saved);

/* Makes the lock hold across fork, in the right order to the registry's. Call it
 * with the lock held, once the registry has been opened. */
void ww_areas_after_registry(void);

/* The area around `address`, or NULL. */
struct ww_area *ww_area_find(uintptr_t address);

/* The first area that begins above `address`, or NULL. */
struct ww_area *ww_area_above(uintptr_t address);

/* Where to reserve next when no base is asked for: a place as it is wanted, away
 * from where Linux maps things by itself, in no area; something else may be
 * there all the same. 0 if there is none. */
uintptr_t ww_areas_place(const struct ww_place *wanted);

/* Adds an area like `new` of pages that are not committed; its memory must be in
 * no other. Costs nothing for pages that are never committed. 0 or -ENOMEM. */
int ww_area_add(const struct ww_area *new);

/* Room for so many areas more, such as ww_area_cut may add one and
 * ww_area_split does; with it, they cannot fail. Areas may move. 0 or -ENOMEM. */
int ww_areas_make_room(size_t n);

/* Makes two areas of one, at an address within; `area` is the lower. */
void ww_area_split(struct ww_area *area, uintptr_t at);

/* Makes one area, of the first one's kind, of all the areas in [start, end),
 * which have no gaps between them and no committed pages. 0 or -ENOMEM. */
int ww_areas_join(uintptr_t start, uintptr_t end);

/* Takes [start, end) out of an area: all of it, an end, or the middle. */
void ww_area_cut(struct ww_area *area, uintptr_t start, uintptr_t end);

unsigned char ww_area_state(const struct ww_area *area, uintptr_t address);

/* Up to where, at most `end`, the pages from `start` on have the same state, as
 * far as the bits of `mask` go. */
uintptr_t ww_area_run(const struct ww_area *area, uintptr_t start, uintptr_t end,
		      unsigned char mask);

/* Gives the bits of `mask` that value to all pages of [start, end). */
void ww_area_set(struct ww_area *area, uintptr_t start, uintptr_t end,
		 unsigned char mask, unsigned char value);

#endif
