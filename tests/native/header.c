/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The header for ports says what Wine's say. */
#include <writewatch/win32.h>

#include "../kernel/tap.h"
#include "values.h"

static const struct value values[] = VALUE_TABLE;

int main(void)
{
	for (size_t i = 0; values[i].name; i++)
		ok(values[i].value == wine_values[i].value, "%s is %#llx",
		   values[i].name, wine_values[i].value);
	return done_testing();
}
