/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Incremental checkpoints: a program's state is saved to a file once, and from
 * then on only the pages that it has written since the last checkpoint are
 * appended. Restores the state from the file at the end and compares.
 *
 *	cc checkpoint.c $(pkg-config --cflags --libs writewatch)
 *
 * Usage: checkpoint FILE [STEPS]
 */
#define _DEFAULT_SOURCE
#include <writewatch.h>

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define STATE_BYTES	((size_t)32 << 20)
#define WRITES_PER_STEP	500
#define DEFAULT_STEPS	20
#define MAX_RUNS	64

/* In the file, before the bytes of a run. */
struct record {
	uint64_t offset;
	uint64_t n_bytes;
};

static void failed(const char *what, int error)
{
	fprintf(stderr, "checkpoint: %s: %s\n", what, strerror(error));
	exit(2);
}

static char *map(void)
{
	void *memory = mmap(NULL, STATE_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		failed("mmap", errno);
	return memory;
}

static void save(FILE *file, const char *state, const char *start,
		 size_t n_bytes)
{
	const struct record record = { (uint64_t)(start - state), n_bytes };

	fwrite(&record, sizeof(record), 1, file);
	fwrite(start, 1, n_bytes, file);
}

/*
 * Appends what was written since the last time; returns its bytes. A page that
 * another thread writes meanwhile is saved as it was or as it is, and again with
 * the next checkpoint: for one that is exact by itself, stop the writers.
 */
static size_t checkpoint(FILE *file, struct ww *ww, char *state)
{
	struct ww_range runs[MAX_RUNS];
	size_t n_bytes = 0;
	ssize_t n;

	do {
		n = ww_get_runs(ww, state, STATE_BYTES, WW_GET_RESET, runs,
				MAX_RUNS);
		if (n < 0)
			failed("ww_get_runs", (int)-n);
		for (ssize_t i = 0; i < n; i++) {
			save(file, state, runs[i].start, runs[i].n_bytes);
			n_bytes += runs[i].n_bytes;
		}
	} while (n == MAX_RUNS);
	if (fflush(file))
		failed("writing", errno);
	return n_bytes;
}

/* The program that is saved: it changes some numbers, few of them far away. */
static void step(uint32_t *state, uint32_t *random)
{
	size_t n = STATE_BYTES / sizeof(*state);

	for (int i = 0; i < WRITES_PER_STEP; i++) {
		*random = *random * 1664525 + 1013904223;
		state[i % 8 ? *random % (n / 64) : *random % n] += *random;
	}
}

/* Later records overwrite earlier ones. */
static void restore(FILE *file, char *state)
{
	struct record record;

	rewind(file);
	while (fread(&record, sizeof(record), 1, file) == 1)
		if (record.offset > STATE_BYTES ||
		    record.n_bytes > STATE_BYTES - record.offset ||
		    fread(state + record.offset, 1, record.n_bytes, file) !=
			    record.n_bytes)
			failed("reading", EIO);
}

int main(int argc, char **argv)
{
	int error, same, steps = argc == 3 ? atoi(argv[2]) : DEFAULT_STEPS;
	size_t n_bytes = 0;
	uint32_t random = 1;
	char *state, *restored;
	struct ww *ww;
	FILE *file;

	if (argc < 2 || argc > 3 || steps <= 0) {
		fprintf(stderr, "Usage: checkpoint FILE [STEPS]\n");
		return 2;
	}
	file = fopen(argv[1], "w+b");
	if (!file)
		failed(argv[1], errno);
	state = map();
	error = ww_open(&ww, NULL);
	if (error)
		failed("ww_open", -error);
	error = ww_watch(ww, state, STATE_BYTES);
	if (error)
		failed("ww_watch", -error);
	/* watched first, so that no write is missed between the two */
	save(file, state, state, STATE_BYTES);
	for (int i = 0; i < steps; i++) {
		step((uint32_t *)state, &random);
		n_bytes += checkpoint(file, ww, state);
	}
	ww_close(ww);
	restored = map();
	restore(file, restored);
	fclose(file);
	same = !memcmp(restored, state, STATE_BYTES);
	printf("full_bytes: %zu\n", STATE_BYTES);
	printf("checkpoint_bytes_mean: %zu\n", n_bytes / (size_t)steps);
	printf("restored: %s\n", same ? "identical" : "DIFFERENT");
	munmap(restored, STATE_BYTES);
	munmap(state, STATE_BYTES);
	return !same;
}
