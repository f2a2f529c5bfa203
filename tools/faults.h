/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The known faults of Wines, row by row. */
#ifndef WW_TOOLS_FAULTS_H
#define WW_TOOLS_FAULTS_H

#include "matrix.h"

struct fault {
	char *row;
	char *reason;
	bool maybe;		/* whether it shows is a matter of chance */
};

struct faults {
	struct fault *list;
	size_t n;
};

/*
 * The faults that the file FOLDER/known-faults-NAME lists, "ROW [maybe] REASON"
 * a line; false if there is no such file.
 */
bool faults_load(struct faults *faults, const char *folder, const char *name);

/* Adds them to what is there. */
bool faults_add(struct faults *faults, const char *folder, const char *name);

/*
 * The faults of Wine `version` ("8.0"). Of one that has no list of its own,
 * those that every listed Wine has, none of them certain.
 */
void faults_load_wine(struct faults *faults, const char *folder,
		      const char *version);

/* Judges the results of a column by them. */
void faults_judge(const struct faults *faults, const struct matrix *matrix,
		  struct system *system);

void faults_free(struct faults *faults);

#endif
