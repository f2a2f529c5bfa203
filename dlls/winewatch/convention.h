/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In which of its two conventions a Wine enters its unix side. */
#ifndef WW_CONVENTION_H
#define WW_CONVENTION_H

/* That of Windows, up to Wine 8, or that of Unix, in Wine 9 and later. */
enum ww_convention {
	WW_CONVENTION_UNKNOWN,
	WW_CONVENTION_WINDOWS,
	WW_CONVENTION_UNIX,
};

/* Asks NtGetWriteWatch itself, before anything of Wine is set up. */
enum ww_convention ww_ask_convention(void *get_write_watch);

/* Its name on this processor. */
const char *ww_convention_name(enum ww_convention convention);

#endif
