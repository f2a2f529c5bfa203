/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The memory pattern of rollback netplay: a game keeps 128 MiB of state and a
 * copy of it, and after each frame brings the copy up to date from the pages
 * that GetWriteWatch reports. Measures what this costs and verifies the copy.
 *
 * Usage: rollback [FRAMES]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef _WIN32
#include <windows.h>
#else
#include <writewatch/win32.h>
#endif

#define PAGE_BYTES	4096
#define N_PAGES		32768			/* 128 MiB */
#define STATE_BYTES	((SIZE_T)N_PAGES * PAGE_BYTES)
#define WORDS_PER_PAGE	(PAGE_BYTES / sizeof(DWORD))
#define WRITES_PER_FRAME	1500
#define DEFAULT_FRAMES	600

struct times {
	double *query_us, *frame_us;
	double write_us;			/* all write loops together */
};

static int failed(const char *call)
{
	fprintf(stderr, "rollback: %s: error %lu\n", call,
		(unsigned long)GetLastError());
	return 2;
}

static double now_us(void)
{
	static LARGE_INTEGER per_second;
	LARGE_INTEGER now;

	if (!per_second.QuadPart)
		QueryPerformanceFrequency(&per_second);
	QueryPerformanceCounter(&now);
	return (double)now.QuadPart * 1e6 / (double)per_second.QuadPart;
}

/* The order in which the pages are written, the same in every run. */
static DWORD order[N_PAGES];

static void make_order(void)
{
	DWORD random = 1;

	for (DWORD i = 0; i < N_PAGES; i++) {
		DWORD other;

		random = random * 1664525 + 1013904223;
		other = (random >> 8) % (i + 1);
		order[i] = order[other];
		order[other] = i;
	}
}

static void play_frame(DWORD *state, DWORD frame)
{
	DWORD first = frame * WRITES_PER_FRAME;

	for (DWORD i = first; i < first + WRITES_PER_FRAME; i++) {
		size_t page = order[i % N_PAGES];
		size_t word = i % WORDS_PER_PAGE;

		((volatile DWORD *)state)[page * WORDS_PER_PAGE + word] = i;
	}
}

static UINT query(DWORD *state, PVOID *pages, ULONG_PTR *count)
{
	DWORD granularity;

	*count = N_PAGES;
	return GetWriteWatch(WRITE_WATCH_FLAG_RESET, state, STATE_BYTES, pages,
			     count, &granularity);
}

static void copy_pages(char *copy, char *state, PVOID *pages, ULONG_PTR count)
{
	for (ULONG_PTR i = 0; i < count; i++)
		memcpy(copy + ((char *)pages[i] - state), pages[i], PAGE_BYTES);
}

static int play(DWORD *state, char *copy, PVOID *pages, DWORD n_frames,
		struct times *times)
{
	for (DWORD frame = 0; frame < n_frames; frame++) {
		double start = now_us(), written, queried;
		ULONG_PTR count;

		play_frame(state, frame);
		written = now_us();
		if (query(state, pages, &count))
			return failed("GetWriteWatch");
		queried = now_us();
		copy_pages(copy, (char *)state, pages, count);

		times->write_us += written - start;
		times->query_us[frame] = queried - written;
		times->frame_us[frame] = now_us() - start;
	}
	return 0;
}

static int by_value(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static void print_times(const char *name, double *us, DWORD n)
{
	qsort(us, n, sizeof(*us), by_value);
	printf("%s_us_median: %.1f\n", name, us[n / 2]);
	printf("%s_us_p99: %.1f\n", name, us[n - 1 - n / 100]);
}

static void print_results(struct times *times, DWORD n_frames)
{
	printf("frames: %lu\n", (unsigned long)n_frames);
	printf("pages_per_frame: %d\n", WRITES_PER_FRAME);
	printf("write_ns_per_page_mean: %.1f\n",
	       times->write_us * 1000 / WRITES_PER_FRAME / n_frames);
	print_times("query", times->query_us, n_frames);
	print_times("frame", times->frame_us, n_frames);
}

/* All pages are touched before the first frame, as a loaded game has. */
static void touch_all(DWORD *state)
{
	for (size_t page = 0; page < N_PAGES; page++)
		state[page * WORDS_PER_PAGE] = (DWORD)page;
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : DEFAULT_FRAMES;
	DWORD n_frames = n > 0 ? n : 0;
	struct times times = { 0 };
	ULONG_PTR count;
	DWORD *state;
	PVOID *pages;
	char *copy;
	int status, same;

	if (!n_frames || argc > 2) {
		fprintf(stderr, "Usage: rollback [FRAMES]\n");
		return 2;
	}
	times.query_us = malloc(n_frames * sizeof(double));
	times.frame_us = malloc(n_frames * sizeof(double));
	pages = malloc(N_PAGES * sizeof(*pages));
	if (!times.query_us || !times.frame_us || !pages) {
		fprintf(stderr, "rollback: malloc: out of memory\n");
		return 2;
	}
	state = VirtualAlloc(NULL, STATE_BYTES,
			     MEM_RESERVE | MEM_COMMIT | MEM_WRITE_WATCH,
			     PAGE_READWRITE);
	copy = VirtualAlloc(NULL, STATE_BYTES, MEM_RESERVE | MEM_COMMIT,
			    PAGE_READWRITE);
	if (!state || !copy)
		return failed("VirtualAlloc");

	make_order();
	touch_all(state);
	if (query(state, pages, &count))
		return failed("GetWriteWatch");
	copy_pages(copy, (char *)state, pages, count);

	status = play(state, copy, pages, n_frames, &times);
	if (status)
		return status;
	print_results(&times, n_frames);
	same = !memcmp(copy, state, STATE_BYTES);
	printf("copy: %s\n", same ? "identical" : "DIFFERENT");
	if (!VirtualFree(state, 0, MEM_RELEASE) ||
	    !VirtualFree(copy, 0, MEM_RELEASE))
		return failed("VirtualFree");
	free(pages);
	free(times.query_us);
	free(times.frame_us);
	return !same;
}
