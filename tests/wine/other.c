/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What another project preloads into Wine, at the same function as winewatch:
 * adds a line to the file OTHER_LOG when Wine's ntdll.so is opened.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void tell(const char *opened)
{
	const char *path = getenv("OTHER_LOG");
	FILE *file = path ? fopen(path, "ae") : NULL;

	if (!file)
		return;
	fprintf(file, "%s\n", opened);
	fclose(file);
}

__attribute__((visibility("default")))
void *dlopen(const char *file, int flags)
{
	void *(*next)(const char *, int) =
		(void *(*)(const char *, int))dlsym(RTLD_NEXT, "dlopen");

	if (file && strstr(file, "/ntdll.so"))
		tell(file);
	return next(file, flags);
}
