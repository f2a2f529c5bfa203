/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A fuzz target without libFuzzer: each file of its corpus is one row. The files
 * are text: hexadecimal bytes, and comments from # to the end of a line.
 *
 * TARGET runs the corpus; TARGET FILE... runs these, which may be libFuzzer's
 * own; TARGET --binary FOLDER writes the corpus as libFuzzer wants it.
 */
#include "fuzz.h"

#include "../kernel/tap.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint8_t input[1 << 16];
static char folder[4096];

static size_t read_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	size_t n;

	if (!file)
		bail_out(path);
	n = fread(input, 1, sizeof(input), file);
	fclose(file);
	return n;
}

static bool is_comment(char c, bool before)
{
	return c == '#' || (before && c != '\n');
}

/* Hexadecimal text becomes the bytes it stands for, in place. */
static size_t from_hex(size_t n)
{
	static const char digits[] = "0123456789abcdef";
	bool comment = false;
	size_t n_digits = 0;

	for (size_t i = 0; i < n; i++) {
		char c = (char)input[i];
		const char *digit = c ? strchr(digits, c) : NULL;

		comment = is_comment(c, comment);
		if (comment || !digit)
			continue;
		if (n_digits % 2 == 0)
			input[n_digits / 2] = 0;
		input[n_digits / 2] = (uint8_t)(input[n_digits / 2] << 4 |
						(digit - digits));
		n_digits++;
	}
	return n_digits / 2;
}

static size_t read_seed(const char *name)
{
	char path[sizeof(folder) + 300];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return from_hex(read_file(path));
}

static void run_seed(const char *name)
{
	size_t n = read_seed(name);

	fflush(stdout);
	ok(LLVMFuzzerTestOneInput(input, n) == 0, "%s", name);
}

static const char *written_to;

static void write_seed(const char *name)
{
	char path[4400];
	size_t n = read_seed(name);
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", written_to, name);
	file = fopen(path, "wb");
	if (!file || fwrite(input, 1, n, file) != n || fclose(file))
		bail_out(path);
}

static int is_seed(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return n > 4 && !strcmp(entry->d_name + n - 4, ".hex");
}

static void each_seed(void (*use)(const char *name))
{
	const char *source = getenv("top_srcdir");
	struct dirent **entry;
	int n;

	snprintf(folder, sizeof(folder), "%s/tests/fuzz/corpus/%s",
		 source ? source : ".", fuzz_target);
	n = scandir(folder, &entry, is_seed, alphasort);
	if (n <= 0)
		bail_out(folder);
	for (int i = 0; i < n; i++) {
		use(entry[i]->d_name);
		free(entry[i]);
	}
	free(entry);
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "--binary")) {
		written_to = argv[2];
		each_seed(write_seed);
		return 0;
	}
	if (argc == 1)
		each_seed(run_seed);
	for (int i = 1; i < argc; i++) {
		size_t n = read_file(argv[i]);

		ok(LLVMFuzzerTestOneInput(input, n) == 0, "%s", argv[i]);
	}
	return done_testing();
}
