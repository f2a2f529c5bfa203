/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The groups of rows, one source file each; a row without a name ends one. */
#ifndef ROWS_H
#define ROWS_H

#include "harness.h"

extern const struct row validation_rows[];	/* arguments and errors */
extern const struct row result_rows[];		/* what a good call returns */
extern const struct row allocation_rows[];	/* making watched memory */
extern const struct row state_rows[];		/* what makes a page written */
extern const struct row input_rows[];		/* system calls that store */
extern const struct row array_rows[];		/* odd and bad output arrays */
extern const struct row race_rows[];		/* arrays that turn bad */
extern const struct row guard_rows[];		/* PAGE_GUARD */
extern const struct row thread_rows[];		/* stopped and dead threads */
extern const struct row handle_rows[];		/* queries of other processes */
extern const struct row placeholder_rows[];	/* watches on placeholders */
extern const struct row foreign_rows[];		/* calls of other processes */
extern const struct row io_rows[];		/* files, pipes and sockets */
extern const struct row antidebug_rows[];	/* what protected programs try */
extern const struct row fault_rows[];		/* what Wine does wrong */
extern const struct row client_rows[];		/* what programs do with it */
extern const struct row model_rows[];		/* anything, against a model */
extern const struct row stress_rows[];		/* many writes, nothing lost */
extern const struct row crowd_rows[];		/* so do many threads at once */
extern const struct row children_rows[];	/* and other processes */
extern const struct row many_rows[];		/* and many regions */

/*
 * What foreign_rows do in the other process: the arguments that follow
 * --foreign. Returns the exit status, 0 or the last error.
 */
int run_foreign(char **arguments);

/* What stress-children does in another process, until that is killed. */
int run_intruder(char **arguments);

/* What fault-03-page-tables does in a process that can find itself. */
int run_page_tables(const char *token);

#endif
