/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The log: quiet unless WINEWATCH_LOG asks for it; whole lines, one write each. */
#ifndef WW_LOG_H
#define WW_LOG_H

enum ww_log_level {
	WW_LOG_INFO = 1,	/* once per process: version and backend */
	WW_LOG_DEBUG = 2,	/* also what was entered, and why not */
};

/* Writes `winewatch[PID]: ` and the message to standard error or to the file
 * that WINEWATCH_LOG_FILE names. Failures are ignored. */
void ww_log(enum ww_log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
