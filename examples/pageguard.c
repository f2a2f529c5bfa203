/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The page guard of a capture layer: a program writes into buffers that a device
 * reads, and a layer between them records, with each submission, the pages that
 * changed. Replays the recording at the end, and compares after every submission
 * what the device would see. Runs natively and, the same source, on Windows.
 *
 *	cc pageguard.c $(pkg-config --cflags --libs writewatch-win32)
 *
 * Usage: pageguard [SUBMISSIONS]
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
#define N_BUFFERS	4
#define BUFFER_PAGES	1024
#define BUFFER_BYTES	((SIZE_T)BUFFER_PAGES * PAGE_BYTES)
#define MAX_PAGES	32
#define DEFAULT_SUBMISSIONS 50

/* In the recording: a page, or, with buffer N_BUFFERS, a submission. */
struct entry {
	DWORD buffer;
	DWORD page;
	DWORD sum;		/* of all buffers, when submitted */
};

struct layer {
	unsigned char *buffers[N_BUFFERS];
	FILE *recording;
	unsigned long n_pages;
};

static void fail(const char *what)
{
	fprintf(stderr, "pageguard: %s: error %lu\n", what,
		(unsigned long)GetLastError());
	exit(2);
}

static unsigned char *allocate(DWORD watch)
{
	unsigned char *memory = VirtualAlloc(NULL, BUFFER_BYTES,
					     MEM_RESERVE | MEM_COMMIT | watch,
					     PAGE_READWRITE);

	if (!memory)
		fail("VirtualAlloc");
	return memory;
}

/* What the device makes of its buffers. */
static DWORD sum_of(unsigned char *const *buffers)
{
	DWORD sum = 0;

	for (int b = 0; b < N_BUFFERS; b++)
		for (SIZE_T i = 0; i < BUFFER_BYTES; i++)
			sum = sum * 31 + buffers[b][i];
	return sum;
}

/* ---- The layer ---- */

static void record_page(struct layer *layer, DWORD buffer,
			const unsigned char *page)
{
	const struct entry entry = {
		buffer, (DWORD)((page - layer->buffers[buffer]) / PAGE_BYTES), 0
	};

	fwrite(&entry, sizeof(entry), 1, layer->recording);
	fwrite(page, PAGE_BYTES, 1, layer->recording);
	layer->n_pages++;
}

static void record_buffer(struct layer *layer, DWORD buffer)
{
	PVOID pages[MAX_PAGES];
	ULONG_PTR count;
	DWORD granularity;

	do {
		count = MAX_PAGES;
		if (GetWriteWatch(WRITE_WATCH_FLAG_RESET, layer->buffers[buffer],
				  BUFFER_BYTES, pages, &count, &granularity))
			fail("GetWriteWatch");
		for (ULONG_PTR i = 0; i < count; i++)
			record_page(layer, buffer, pages[i]);
	} while (count == MAX_PAGES);
}

static void submit(struct layer *layer)
{
	const struct entry entry = { N_BUFFERS, 0, sum_of(layer->buffers) };

	for (DWORD b = 0; b < N_BUFFERS; b++)
		record_buffer(layer, b);
	fwrite(&entry, sizeof(entry), 1, layer->recording);
}

/* ---- The program ---- */

static void draw(struct layer *layer, DWORD frame)
{
	DWORD random = frame * 2654435761u;

	for (int i = 0; i < 200; i++) {
		random = random * 1664525 + 1013904223;
		layer->buffers[random >> 30][(random >> 6) % BUFFER_BYTES]++;
	}
}

/* ---- Replay ---- */

/* Each submission with the buffers as they were; how many were the same. */
static unsigned long replay(FILE *recording)
{
	unsigned char *buffers[N_BUFFERS];
	unsigned long n_same = 0;
	struct entry entry;

	for (int b = 0; b < N_BUFFERS; b++)
		buffers[b] = allocate(0);
	rewind(recording);
	while (fread(&entry, sizeof(entry), 1, recording) == 1) {
		if (entry.buffer == N_BUFFERS)
			n_same += sum_of(buffers) == entry.sum;
		else if (entry.buffer > N_BUFFERS || entry.page >= BUFFER_PAGES ||
			 fread(buffers[entry.buffer] + entry.page * PAGE_BYTES,
			       PAGE_BYTES, 1, recording) != 1)
			fail("the recording is damaged");
	}
	for (int b = 0; b < N_BUFFERS; b++)
		VirtualFree(buffers[b], 0, MEM_RELEASE);
	return n_same;
}

int main(int argc, char **argv)
{
	int n = argc == 2 ? atoi(argv[1]) : DEFAULT_SUBMISSIONS;
	struct layer layer = { .recording = tmpfile() };
	unsigned long n_same;

	if (argc > 2 || n <= 0) {
		fprintf(stderr, "Usage: pageguard [SUBMISSIONS]\n");
		return 2;
	}
	if (!layer.recording)
		fail("tmpfile");
	for (int b = 0; b < N_BUFFERS; b++)
		layer.buffers[b] = allocate(MEM_WRITE_WATCH);
	for (int i = 0; i < n; i++) {
		draw(&layer, (DWORD)i);
		submit(&layer);
	}
	n_same = replay(layer.recording);
	fclose(layer.recording);
	for (int b = 0; b < N_BUFFERS; b++)
		VirtualFree(layer.buffers[b], 0, MEM_RELEASE);
	printf("buffer_pages: %d\n", N_BUFFERS * BUFFER_PAGES);
	printf("pages_per_submission_mean: %lu\n", layer.n_pages / (DWORD)n);
	printf("replay: %s\n", n_same == (unsigned long)n ? "identical" : "DIFFERENT");
	return n_same != (unsigned long)n;
}
