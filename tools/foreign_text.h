/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Texts of others in JSON. */
#ifndef WW_TOOLS_FOREIGN_TEXT_H
#define WW_TOOLS_FOREIGN_TEXT_H

#include <jansson.h>

/*
 * A text that comes from outside, or null. JSON is UTF-8, a path or a message
 * need not be: it is given as ASCII then, with ? for all else.
 */
json_t *foreign_text(const char *text);

#endif
