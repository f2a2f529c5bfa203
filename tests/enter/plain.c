/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * plain CALLER NAME: a program without a Wine. Loads a library, which loads
 * another by its bare name, and prints how that went, the number of its
 * threads and its descriptors.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>

static int n_entries(const char *folder_name)
{
	DIR *folder = opendir(folder_name);
	int n = 0;

	while (folder && readdir(folder))
		n++;
	if (folder)
		closedir(folder);
	return n - 2;
}

int main(int argc, char **argv)
{
	const char *(*load_by_name)(const char *);
	void *caller, *libm;

	if (argc < 3)
		return 2;
	caller = dlopen(argv[1], RTLD_NOW);
	libm = dlopen("libm.so.6", RTLD_NOW);
	printf("caller %s, libm %s\n", caller ? "found" : "missing",
	       libm && dlsym(libm, "cos") ? "found" : "missing");
	if (!caller)
		return 1;
	load_by_name = (const char *(*)(const char *))dlsym(caller, "load_by_name");
	printf("%s\n", load_by_name(argv[2]));
	printf("%d threads, %d descriptors\n", n_entries("/proc/self/task"),
	       n_entries("/proc/self/fd"));
	return 0;
}
