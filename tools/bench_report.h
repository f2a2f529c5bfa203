/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ways to show what the bench has measured. */
#ifndef WW_TOOLS_BENCH_REPORT_H
#define WW_TOOLS_BENCH_REPORT_H

#include "../bench/bench.h"

#include <stdio.h>

struct bench_machine {
	const char *version;	/* of winewatch */
	const char *kernel;	/* its release */
	const char *cpu;
	const char *huge_pages;	/* "always", "madvise" or "never" */
};

/* All write to a file; whether that worked, the file knows. */

void bench_text(const struct bench *bench, const struct bench_machine *machine,
		FILE *file);

/* {"kernel", "cpu", "version", "rows": [{"case", "method", "median_ns",
 * "min_ns", "max_ns", "runs", "pages"}]} */
void bench_json(const struct bench *bench, const struct bench_machine *machine,
		FILE *file);

/* Each target with what was measured. */
void bench_targets(const struct bench *bench, const struct bench_machine *machine,
		   FILE *file);

/* A program for gnuplot that draws the rows into SVG files in its folder. */
void bench_plots(const struct bench *bench, const struct bench_machine *machine,
		 FILE *file);

/* What was left out and why, behind an empty line. */
void bench_print_remarks(const struct bench *bench, FILE *file);

/* One line on the machine, without its end. */
void bench_print_machine(const struct bench_machine *machine, FILE *file);

#endif
