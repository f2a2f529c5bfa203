/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every environment variable that winewatch reads, in one list: the help text
 * and the man page are made from it, and the library looks names up in it.
 */
#ifndef WW_ENVIRONMENT_H
#define WW_ENVIRONMENT_H

/* V(symbol, name, values, what it does) */
#define WW_ENVIRONMENT(V) \
	V(SWITCH, "WINEWATCH", "0|force", \
	  "0: do nothing at all. force: serve a Wine that has kernel write " \
	  "watches of its own, too.") \
	V(WINE_SWITCH, "WINE_DISABLE_KERNEL_WRITEWATCH", "1", \
	  "Do nothing at all; the switch that launch scripts for Wine and " \
	  "Proton already use. 0 or unset: ignored.") \
	V(BACKEND, "WINEWATCH_BACKEND", "uffd|softdirty|mprotect", \
	  "Track writes this way or not at all. Unset: native programs use " \
	  "the first that works, Wine only uffd. In Wine, mprotect serves " \
	  "64-bit programs alone; other processes cannot ask for what it " \
	  "sees, and what they write into this one is not seen.") \
	V(HUGE_ZERO, "WINEWATCH_HUGE_ZERO", "0", \
	  "0: arm all memory page by page, also where huge zero pages would do " \
	  "for whole blocks; for tests and comparisons.") \
	V(LOG, "WINEWATCH_LOG", "info|debug", \
	  "info: one line per process at its first watched allocation. debug: " \
	  "also why nothing was done. Unset: quiet.") \
	V(LOG_FILE, "WINEWATCH_LOG_FILE", "FILE", \
	  "Append the log to FILE instead of writing it to standard error.")

enum ww_environment {
#define V(symbol, name, values, what) WW_ENV_##symbol,
	WW_ENVIRONMENT(V)
#undef V
};

#endif
