/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the doctor found, and the two ways to say it. */
#ifndef WW_TOOLS_REPORT_H
#define WW_TOOLS_REPORT_H

#include "try_wine.h"
#include "writewatch.h"

#include <stdbool.h>

struct findings {
	const char *version;	/* of winewatch */
	const char *kernel;	/* its release */
	const char *backend;
	const struct ww_feature *features;
	size_t n_features;
	const struct wine *wines;
	size_t n_wines;
};

/*
 * Both print on standard output and return false when that fails. The JSON
 * object is {"version", "kernel", "backend", "features": {NAME: {"state":
 * "supported|missing|unknown", "reason", "remedy"}}, "wine": [{"command",
 * "version", "abi", "own_watches", "state", "reason", "remedy"}]}; a version
 * or own_watches that is not known is null.
 */
bool report_text(const struct findings *findings);
bool report_json(const struct findings *findings);

#endif
