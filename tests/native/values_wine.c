/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The values of Wine's headers. */
#include "ntvirtual.h"
#include "values.h"

const struct value wine_values[] = VALUE_TABLE;
