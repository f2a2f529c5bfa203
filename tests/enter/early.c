/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A preloaded library that calls dlopen before anybody's constructor but its
 * own has run. */
#include <dlfcn.h>
#include <unistd.h>

static __attribute__((constructor)) void load_early(void)
{
	static const char text[] = "early: found\n";

	if (dlopen("libm.so.6", RTLD_NOW))
		(void)!write(STDOUT_FILENO, text, sizeof(text) - 1);
}
