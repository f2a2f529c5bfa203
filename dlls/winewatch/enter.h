/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Entering a Wine when its loader loads ntdll.so. */
#ifndef WW_ENTER_H
#define WW_ENTER_H

/* For the interposed dlopen (dlopen-*.S): whether this is the file by which a
 * Wine begins. Finds ww_next_dlopen, too. */
int ww_is_ntdll(const char *file);

/* Loads that file and puts our services into its table, or leaves all of it as
 * it is. */
void *ww_dlopen_ntdll(const char *file, int flags);

/* The next dlopen in the search order. */
extern void *(*ww_next_dlopen)(const char *file, int flags);

#endif
