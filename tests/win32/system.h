/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the harness needs of the system, besides what harness.h promises to the
 * rows: windows.c or posix.c has it.
 */
#ifndef SYSTEM_H
#define SYSTEM_H

#include "harness.h"

/* How long anything may take that is over at once when all is well. */
#define WAIT_S	20u

/* End this process now, whatever its threads do. */
void end_process(unsigned int status) __attribute__((noreturn));

/* In the process of a row, before it runs: faults are handled from here on. */
void prepare_faults(void);

void let_others_run(void);

enum ending { ENDED, HUNG, NOT_STARTED };

/*
 * Run this program with arguments that blanks separate, and end it when that
 * takes longer than timeout_s. *status is its exit status if it ENDED, and the
 * error if it was NOT_STARTED.
 */
enum ending run_program(const char *arguments, unsigned int timeout_s,
			unsigned int *status);

#endif
