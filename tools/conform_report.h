/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ways to show a matrix. */
#ifndef WW_TOOLS_CONFORM_REPORT_H
#define WW_TOOLS_CONFORM_REPORT_H

#include "matrix.h"

#include <stdio.h>

/* What was run. */
struct conformance {
	const char *version;	/* of winewatch */
	const char *kernel;	/* its release */
	const struct matrix *matrix;
};

/*
 * The JSON object is {"version", "kernel", "systems": [NAME], "rows": [{"row",
 * "source", "rule", "cells": {NAME: {"result", "detail"}}}]}. Whether all was
 * written, the file tells.
 */
void conform_text(const struct conformance *conformance, FILE *file);
void conform_json(const struct conformance *conformance, FILE *file);
void conform_markdown(const struct conformance *conformance, FILE *file);

#endif
