/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The way into a stock Wine. Its loader opens the unix side of ntdll with
 * dlopen and then calls into it; between the two, no Wine code has run, and the
 * system service table can be changed. In a process that never opens ntdll.so
 * nothing happens at all.
 */
#include "enter.h"

#include "calls.h"
#include "log.h"
#include "services.h"
#include "table.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define STATUS_ACCESS_VIOLATION ((int)0xc0000005)
#define STATUS_INVALID_PARAMETER ((int)0xc000000d)

enum abi { ABI_UNKNOWN, ABI_MS, ABI_SYSV };

void *(*ww_next_dlopen)(const char *file, int flags);

/* The first call looks for the next dlopen: a constructor of ours may run after
 * those of other preloads, which call it. */
int ww_is_ntdll(const char *file)
{
	const char *name = file ? strrchr(file, '/') : NULL;

	if (!ww_next_dlopen)
		ww_next_dlopen = (void *(*)(const char *, int))
				 dlsym(RTLD_NEXT, "dlopen");
	return name && !strcmp(name, "/ntdll.so");
}

/* Asks the service itself, before anything of Wine is set up, with registers
 * that both conventions refuse, each at another check: System V finds a count of
 * zero (INVALID_PARAMETER), the Windows convention finds no count at all
 * (ACCESS_VIOLATION). The seventh to tenth argument are where the Windows
 * convention has its scratch space. */
static enum abi ask_abi(void *get_write_watch)
{
	typedef int ask_fn(void *, unsigned long, void *, size_t, void **,
			   size_t *, unsigned int *, void *, void *, void *,
			   void *, void *, void *);
	size_t zero = 0;
	unsigned int granularity = 0;
	void *address;

	switch (((ask_fn *)get_write_watch)((void *)-1L, 0, &zero, 1, &address,
					    &zero, &granularity, NULL, NULL, NULL,
					    NULL, NULL, NULL)) {
	case STATUS_INVALID_PARAMETER:
		return ABI_SYSV;
	case STATUS_ACCESS_VIOLATION:
		return ABI_MS;
	default:
		return ABI_UNKNOWN;
	}
}

static const char *abi_name(enum abi abi)
{
	return abi == ABI_MS ? "ms" : abi == ABI_SYSV ? "sysv" : "unknown";
}

/* Wine 10.7 and later, and Proton, name their function in its error message. */
static bool has_own_watches(const struct ww_image *image)
{
	return ww_image_contains(image, "kernel_writewatch");
}

static bool forced(void)
{
	const char *value = secure_getenv("WINEWATCH");

	return value && !strcmp(value, "force");
}

static bool switched_off(void)
{
	const char *ours = secure_getenv("WINEWATCH");
	const char *wines = secure_getenv("WINE_DISABLE_KERNEL_WRITEWATCH");

	return (ours && !strcmp(ours, "0")) ||
	       (wines && *wines && strcmp(wines, "0"));
}

/* Looks everything up and changes nothing. Returns why not, or NULL. */
static const char *find_services(void *ntdll, const struct ww_image *image,
				 const struct ww_service *services,
				 void **slots[], void *originals[])
{
	for (size_t i = 0; i < WW_N_SERVICES; i++) {
		originals[i] = dlsym(ntdll, services[i].name);
		if (!originals[i])
			return "a service is not exported";
		if (i >= WW_N_REPLACED)
			continue;
		slots[i] = ww_find_slot(image, originals[i]);
		if (!slots[i])
			return "its service table was not recognised";
	}
	return NULL;
}

static const char *replace_services(void *ntdll, const struct ww_image *image,
				    const struct ww_service *services)
{
	void **slots[WW_N_REPLACED];
	void *originals[WW_N_SERVICES], *replacements[WW_N_REPLACED];
	const char *why = find_services(ntdll, image, services, slots, originals);

	if (why)
		return why;
	if (ww_calls_are_needed() && !ww_calls_replace(ntdll, image))
		return "its system calls were not recognised";
	for (size_t i = 0; i < WW_N_SERVICES; i++)
		*services[i].original = originals[i];
	for (size_t i = 0; i < WW_N_REPLACED; i++)
		replacements[i] = services[i].replacement;
	if (ww_replace_slots(image, slots, replacements, WW_N_REPLACED))
		return "its service table cannot be written";
	return NULL;
}

static void enter(void *ntdll, const char *file)
{
	void *get_write_watch = dlsym(ntdll, "NtGetWriteWatch");
	enum abi abi = ABI_UNKNOWN;
	bool own_watches = false;
	const char *why = NULL;
	struct ww_image image;

	if (!get_write_watch || !ww_image_of(get_write_watch, &image)) {
		why = "it has no NtGetWriteWatch";
	} else {
		own_watches = has_own_watches(&image);
		abi = ask_abi(get_write_watch);
		if (own_watches && !forced())
			why = "it has kernel write watches of its own "
			      "(WINEWATCH=force replaces them)";
		else if (abi == ABI_UNKNOWN)
			why = "its calling convention was not recognised";
	}
	if (!why)
		why = replace_services(ntdll, &image, abi == ABI_MS ?
				       ww_services_ms : ww_services_sysv);
	if (why)
		ww_log(WW_LOG_DEBUG, "stayed out of %s: %s: abi %s, own watches %s",
		       file, why, abi_name(abi), own_watches ? "yes" : "no");
	else
		ww_log(WW_LOG_DEBUG, "entered %s: abi %s, own watches %s", file,
		       abi_name(abi), own_watches ? "yes" : "no");
}

void *ww_dlopen_ntdll(const char *file, int flags)
{
	void *ntdll = ww_next_dlopen(file, flags);

	if (ntdll && !switched_off())
		enter(ntdll, file);
	return ntdll;
}
