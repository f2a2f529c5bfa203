/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Telling the conventions apart by one call that each of them refuses. */
#include "convention.h"

#include <stddef.h>
#include <stdint.h>

#define STATUS_ACCESS_VIOLATION ((int)0xc0000005)
#define STATUS_INVALID_PARAMETER ((int)0xc000000d)

#ifdef __i386__

#define WINDOWS "stdcall"
#define UNIX "cdecl"

int ww_call_and_measure(void *function, const void *arguments,
			unsigned int *popped);

/* Both find seven arguments in the same place, and a count of zero among them.
 * They differ in who takes them off the stack. */
enum ww_convention ww_ask_convention(void *get_write_watch)
{
	size_t zero = 0;
	unsigned int granularity = 0, popped;
	void *address;
	const uintptr_t arguments[7] = {
		(uintptr_t)-1, 0, (uintptr_t)&zero, 1, (uintptr_t)&address,
		(uintptr_t)&zero, (uintptr_t)&granularity,
	};

	if (ww_call_and_measure(get_write_watch, arguments, &popped) !=
	    STATUS_INVALID_PARAMETER)
		return WW_CONVENTION_UNKNOWN;
	switch (popped) {
	case 0:
		return WW_CONVENTION_UNIX;
	case sizeof(arguments):
		return WW_CONVENTION_WINDOWS;
	default:
		return WW_CONVENTION_UNKNOWN;
	}
}

#else

#define WINDOWS "ms"
#define UNIX "sysv"

/* With registers that both refuse, each at another check: System V finds a count
 * of zero (INVALID_PARAMETER), the Windows convention finds no count at all
 * (ACCESS_VIOLATION). The seventh to tenth argument are where the Windows
 * convention has its scratch space. */
enum ww_convention ww_ask_convention(void *get_write_watch)
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
		return WW_CONVENTION_UNIX;
	case STATUS_ACCESS_VIOLATION:
		return WW_CONVENTION_WINDOWS;
	default:
		return WW_CONVENTION_UNKNOWN;
	}
}

#endif

const char *ww_convention_name(enum ww_convention convention)
{
	switch (convention) {
	case WW_CONVENTION_WINDOWS:
		return WINDOWS;
	case WW_CONVENTION_UNIX:
		return UNIX;
	default:
		return "unknown";
	}
}
