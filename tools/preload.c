/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where libwinewatch.so is, and how it gets into LD_PRELOAD. */
#include "config.h"

#include "preload.h"

#include "tool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIBRARY "libwinewatch.so"
/* Both separate the names in LD_PRELOAD, and nothing can quote them. */
#define SEPARATORS ": "

/* The library of the build tree that holds this program, or NULL. */
static char *in_build_tree(void)
{
	char *folder = program_folder();
	char *beside, *path;

	if (!folder)
		return NULL;
	beside = format_text("%s/../dlls/winewatch/.libs/" LIBRARY, folder);
	free(folder);
	path = realpath(beside, NULL);
	free(beside);
	return path;
}

void preload_find(struct preload *preload)
{
	*preload = (struct preload){ .path = in_build_tree() };
	if (!preload->path)
		preload->path = format_text("%s", PKGLIBDIR "/" LIBRARY);

	if (access(preload->path, R_OK) != 0) {
		preload->missing = errno == ENOENT || errno == ENOTDIR;
		preload->problem = preload->missing ? "not found"
						    : "cannot be read";
		preload->remedy = "install winewatch again, built with Wine's "
				  "headers (apt-get install libwine-dev)";
	} else if (strpbrk(preload->path, SEPARATORS)) {
		preload->problem = "a path with a colon or a space in it "
				   "cannot go into LD_PRELOAD";
		preload->remedy = "move winewatch to another folder";
	}
}

char *preload_value(const char *path, const char *before)
{
	char *names = format_text("%s", before ? before : "");
	char *value = format_text("%s", path);
	char *rest = NULL;

	for (char *name = strtok_r(names, SEPARATORS, &rest); name;
	     name = strtok_r(NULL, SEPARATORS, &rest)) {
		char *longer;

		if (strcmp(name, path) == 0)
			continue;
		longer = format_text("%s:%s", value, name);
		free(value);
		value = longer;
	}
	free(names);
	return value;
}
