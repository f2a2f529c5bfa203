/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the two random model tests have in common. */
#ifndef MODEL_H
#define MODEL_H

#include "harness.h"

#define N_MODEL_THREADS	4

/* Threads that share one region: shared.c. */
void model_shared(void);

#endif
