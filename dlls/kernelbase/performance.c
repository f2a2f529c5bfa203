/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The clock that Windows programs measure with, on Linux's monotonic one. */
#include "ntvirtual.h"

#include <time.h>

/* As Windows has it on the machines of today. */
#define TICKS_PER_SECOND 10000000
#define NS_PER_TICK (1000000000 / TICKS_PER_SECOND)

BOOL QueryPerformanceCounter(LARGE_INTEGER *ticks)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ticks->QuadPart = (LONGLONG)now.tv_sec * TICKS_PER_SECOND +
			  now.tv_nsec / NS_PER_TICK;
	return TRUE;
}

BOOL QueryPerformanceFrequency(LARGE_INTEGER *ticks_per_second)
{
	ticks_per_second->QuadPart = TICKS_PER_SECOND;
	return TRUE;
}
