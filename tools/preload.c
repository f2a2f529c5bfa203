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

/* Where both a 64-bit and a 32-bit library lie, each in the folder that the
 * dynamic loader of its programs puts for $LIB. */
#define FOLDER_OF_BOTH "preload"
#define LIBRARY32 FOLDER_OF_BOTH "/lib/i386-linux-gnu/" LIBRARY
#define EITHER FOLDER_OF_BOTH "/$LIB/" LIBRARY

/* The library's folder in the build tree that holds this program, or NULL. */
static char *in_build_tree(void)
{
	char *folder = program_folder();
	char *beside, *path = NULL;
	bool found;

	if (!folder)
		return NULL;
	beside = format_text("%s/../dlls/winewatch/.libs/" LIBRARY, folder);
	found = access(beside, F_OK) == 0;
	free(beside);
	beside = format_text("%s/../dlls/winewatch", folder);
	free(folder);
	if (found)
		path = realpath(beside, NULL);
	free(beside);
	return path;
}

static void set_problem(struct preload *preload, const char *library)
{
	if (access(library, R_OK) != 0) {
		preload->missing = errno == ENOENT || errno == ENOTDIR;
		preload->problem = preload->missing ? "not found"
						    : "cannot be read";
		preload->remedy = "install winewatch again, built with Wine's "
				  "headers (apt-get install libwine-dev)";
	} else if (strpbrk(library, SEPARATORS)) {
		preload->problem = "a path with a colon or a space in it "
				   "cannot go into LD_PRELOAD";
		preload->remedy = "move winewatch to another folder";
	}
}

void preload_find(struct preload *preload)
{
	char *folder = in_build_tree();
	char *library = folder ? format_text("%s/.libs/" LIBRARY, folder)
			       : format_text(PKGLIBDIR "/" LIBRARY);
	char *library32 = format_text("%s/" LIBRARY32,
				      folder ? folder : PKGLIBDIR);

	*preload = (struct preload){ 0 };
	set_problem(preload, library);
	if (!preload->problem && access(library32, R_OK) == 0) {
		free(library);
		library = format_text("%s/" EITHER,
				      folder ? folder : PKGLIBDIR);
	}
	preload->path = library;
	free(library32);
	free(folder);
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
