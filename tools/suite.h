/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The conformance suite: where it is, and running it. */
#ifndef WW_TOOLS_SUITE_H
#define WW_TOOLS_SUITE_H

#include "matrix.h"

/* The programs of the suite and the folder with the lists of known faults; and
 * the Windows program of winewatch bench, which lies with them. */
struct suite_files {
	char *native;
	char *windows;
	char *windows32;
	char *bench;
	char *lists;
};

/*
 * Names them: those of the build tree that this program is in, else those that
 * are installed. They need not be there.
 */
void suite_find(struct suite_files *files);
void suite_files_free(struct suite_files *files);

/* Where to run a program. */
struct setting {
	const char *program;
	const char *wine;	/* command of the shell, or NULL: natively */
	const char *prefix;	/* of the Wine; NULL: it needs none */
	const char *library;	/* to preload, or NULL: Wine as it is */
	const char *backend;	/* natively: to force, or NULL */
};

/* In a new process: becomes the program with these arguments, of which the last
 * is NULL. Returns if it cannot, and has said why on standard error. */
void setting_become(const struct setting *setting, const char *const *arguments);

/*
 * Each returns NULL, or why not; the caller frees that. When ending signals are
 * blocked and one has come, nothing is run.
 */

/* The first line, of those a Wine prints for --version, that names one. */
char *setting_version(const struct setting *setting, char **version);

/* Lets the suite there tell its rows to the matrix. */
char *setting_list(const struct setting *setting, struct matrix *matrix);

/*
 * Runs the suite there and fills in the system, which becomes complete: rows
 * without a result fail. timeout_s is for each row, 0: its own.
 */
void setting_run(const struct setting *setting, unsigned int timeout_s,
		 const struct matrix *matrix, struct system *system);

#endif
