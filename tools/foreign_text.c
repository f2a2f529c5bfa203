/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Texts of others in JSON. */
#include "config.h"

#include "foreign_text.h"

#include "tool.h"

#include <stdlib.h>

json_t *foreign_text(const char *text)
{
	json_t *string = text ? json_string(text) : json_null();
	char *ascii;

	if (string)
		return string;
	ascii = format_text("%s", text);
	for (char *c = ascii; *c; c++)
		if ((unsigned char)*c > 127)
			*c = '?';
	string = json_string(ascii);
	free(ascii);
	return string;
}
