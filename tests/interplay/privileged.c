/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * For privileged.sh: whether this process has gained privileges, whether
 * libwinewatch was preloaded into it, and which backend it gets where the
 * environment asks for one that there is not.
 */
#include <writewatch.h>

#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>

static int is_preloaded(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	int found = 0;

	while (maps && fgets(line, sizeof(line), maps))
		found |= strstr(line, "libwinewatch.so") != NULL;
	if (maps)
		fclose(maps);
	return found;
}

int main(void)
{
	struct ww *ww;
	int ret = ww_open(&ww, NULL);

	printf("privileged: %s\n", getauxval(AT_SECURE) ? "yes" : "no");
	printf("preloaded: %s\n", is_preloaded() ? "yes" : "no");
	printf("environment: %s\n", ret ? "obeyed" : "ignored");
	if (!ret)
		ww_close(ww);
	return 0;
}
