/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Measuring the cases of the bench in a Wine. */
#ifndef WW_TOOLS_BENCH_WINE_H
#define WW_TOOLS_BENCH_WINE_H

#include "../bench/bench.h"

/* What is added to a Wine's name for its other methods. */
#define BENCH_WITH_WINEWATCH "+winewatch"
#define BENCH_UNWATCHED "-unwatched"

/*
 * After bench_run: adds the rows of the Wine that the command starts, as it is
 * and with winewatch in turn. Returns NULL, or why it could not be measured; the
 * caller frees that.
 */
char *bench_wine(struct bench *bench, const char *command);

#endif
