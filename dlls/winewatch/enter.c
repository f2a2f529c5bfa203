/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The way into a stock Wine. Its loader opens the unix side of ntdll with
 * dlopen and then calls into it; between the two, no Wine code has run, and the
 * system service table can be changed. In a process that never opens ntdll.so
 * nothing happens at all.
 */
#include "enter.h"

#include "calls.h"
#include "convention.h"
#include "log.h"
#include "services.h"
#include "table.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

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

static void log_outcome(const char *file, const char *why,
			enum ww_convention convention, bool own_watches)
{
	ww_log(WW_LOG_DEBUG, "%s %s: %s%sabi %s, own watches %s",
	       why ? "stayed out of" : "entered", file, why ? why : "",
	       why ? ": " : "", ww_convention_name(convention),
	       own_watches ? "yes" : "no");
}

static void enter(void *ntdll, const char *file)
{
	void *get_write_watch = dlsym(ntdll, "NtGetWriteWatch");
	enum ww_convention convention = WW_CONVENTION_UNKNOWN;
	bool own_watches = false;
	const char *why = NULL;
	struct ww_image image;

	if (!get_write_watch || !ww_image_of(get_write_watch, &image)) {
		why = "it has no NtGetWriteWatch";
	} else {
		own_watches = has_own_watches(&image);
		convention = ww_ask_convention(get_write_watch);
		if (own_watches && !forced())
			why = "it has kernel write watches of its own "
			      "(WINEWATCH=force replaces them)";
		else if (convention == WW_CONVENTION_UNKNOWN)
			why = "its calling convention was not recognised";
	}
	if (!why)
		why = replace_services(ntdll, &image,
				       convention == WW_CONVENTION_WINDOWS ?
				       ww_services_windows : ww_services_unix);
	log_outcome(file, why, convention, own_watches);
}

void *ww_dlopen_ntdll(const char *file, int flags)
{
	void *ntdll = ww_next_dlopen(file, flags);

	if (ntdll && !switched_off())
		enter(ntdll, file);
	return ntdll;
}
