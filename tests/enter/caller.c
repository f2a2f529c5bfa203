/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A library with a RUNPATH of its own that loads what is only found there. */
#include <dlfcn.h>

#define EXPORT __attribute__((visibility("default")))

/* The result is looked at before it is returned, so that the call does not
 * become a jump: the dynamic loader must find this library as the caller. */
EXPORT const char *load_by_name(const char *name)
{
	void *volatile library = dlopen(name, RTLD_NOW);

	return library ? "found" : dlerror();
}
