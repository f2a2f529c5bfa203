/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Test results as TAP, printed as they come. One thread at a time. */
#ifndef TAP_H
#define TAP_H

#include <stdbool.h>

#define TAP_FORMAT(string, first) __attribute__((format(printf, string, first)))

/* One row. Returns `passed`. */
bool ok(bool passed, const char *name, ...) TAP_FORMAT(2, 3);

/* One row that cannot be tried here. */
void skip(const char *name, const char *why);

/* A line for whoever reads the log. */
void diag(const char *format, ...) TAP_FORMAT(1, 2);

/* Ends the program: nothing of it can be tried here. */
_Noreturn void skip_all(const char *why, ...) TAP_FORMAT(1, 2);

/* Ends the program with a failed row: its ground gave way. */
_Noreturn void bail_out(const char *what);

/* Prints the plan; what main returns. */
int done_testing(void);

#endif
