/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the project wants of its speed, as ratios within one run, and whether
 * the run has it. A target that is missed is shown, never an error: times
 * depend on the machine and on what else it does.
 */
#include "config.h"

#include "bench_report.h"
#include "bench_wine.h"

#include <string.h>

#define MOST_TABLES_KIB 1024

enum kind {
	FASTER,			/* at least so many times as fast */
	FASTER_BUT_KERNEL,	/* the same, where the system calls alone allow
				   that; elsewhere as fast */
	AT_MOST,		/* at most so many times as long */
	REPORTED,		/* as it is */
};

struct target {
	/* of the case; of a mix without its last part: its write and its query
	 * count each, and the one that is worse is shown */
	const char *name;
	const char *against;	/* method; of a Wine, one of those below */
	enum kind kind;
	double ratio;
};

/* Within one Wine: the methods that winewatch is compared with. */
#define STOCK "stock"
#define UNWATCHED "unwatched"

#define GET_RESET(pages, order) \
	{ "get-reset/" pages "/" order, "wine-10.7", FASTER_BUT_KERNEL, 1.3 }
#define GET_RESETS(pages) \
	GET_RESET(pages, "sequential"), GET_RESET(pages, "1%"), \
	GET_RESET(pages, "alternating"), GET_RESET(pages, "random")
#define GET_AGAIN(pages, against) \
	{ "get-again/" pages "/sequential", against, FASTER, 1 }
#define GET_AGAIN_OTHER(pages, order, against) \
	{ "get-again/" pages "/" order, against, REPORTED, 0 }
/* What was seen to be written is known; between that, the kernel is asked. */
#define GET_AGAINS(against) \
	GET_AGAIN("1", against), GET_AGAIN("16", against), \
	GET_AGAIN("1024", against), GET_AGAIN("8192", against), \
	GET_AGAIN("262144", against), \
	GET_AGAIN_OTHER("8192", "random", against), \
	GET_AGAIN_OTHER("8192", "alternating", against), \
	GET_AGAIN_OTHER("8192", "1%", against), \
	GET_AGAIN_OTHER("8192", "clean", against)
#define BARE(pages, order, ratio) \
	{ "get-reset/" pages "/" order, "ioctl", AT_MOST, ratio }
#define BARES(pages) \
	BARE(pages, "sequential", 1.1), BARE(pages, "1%", 1.1), \
	BARE(pages, "alternating", 1.1), BARE(pages, "random", 1.1)
#define WRITE(pages, order, against) \
	{ "write-after-reset/" pages "/" order, against, FASTER, 5 }
#define WRITES(against) \
	WRITE("8192", "sequential", against), WRITE("8192", "random", against), \
	WRITE("262144", "sequential", against)
/* Only with reset in the call is anything wanted. */
#define MIX(name, against) \
	{ "mix/" name "-1", against, FASTER, 1 }, \
	{ "mix/" name "-0", against, REPORTED, 0 }
#define MIXES_OF(size, against) \
	MIX(size "-3-0", against), MIX(size "-3-1", against), \
	MIX(size "-10-0", against), MIX(size "-10-1", against)
#define MIXES(against) \
	MIXES_OF("1-1080", against), MIXES_OF("6-1080", against), \
	MIXES_OF("1-8192", against), MIXES_OF("8-8192", against)

/* The first is the one that page tables are counted of. */
static const struct target targets[] = {
	{ "reserve/256GiB", "wine-10.7", FASTER, 1000 },
	{ "commit/1GiB", "ioctl", FASTER, 5 },
	{ "clean/1GiB", "wine-10.7", FASTER, 15 },
	GET_RESETS("1024"),
	GET_RESETS("8192"),
	GET_RESETS("262144"),
	GET_AGAINS("wine-stock"),
	BARE("1", "sequential", 1.5),
	BARES("8192"),
	BARES("262144"),
	WRITES("wine-stock"),
	{ "first-touch/8192/sequential", "unwatched", AT_MOST, 1.3 },
	{ "first-touch/262144/sequential", "unwatched", AT_MOST, 1.3 },
	{ "first-touch/512/blocks", "unwatched", AT_MOST, 3 },
	{ "threads/2/get/8192/sequential", "ioctl", FASTER, 0.95 },
	{ "threads/2/get-reset/8192/clean", "ioctl", FASTER, 0.95 },
	MIXES("wine-stock"),
};

/* The same for each Wine that was measured. */
static const struct target wine_targets[] = {
	{ "reserve/256GiB", UNWATCHED, AT_MOST, 1.1 },
	GET_AGAINS(STOCK),
	WRITES(STOCK),
	{ "commit/1GiB", STOCK, REPORTED, 0 },
	{ "decommit/1GiB", STOCK, REPORTED, 0 },
	{ "alloc-free/64KiB", STOCK, REPORTED, 0 },
	{ "clean/1GiB", STOCK, REPORTED, 0 },
	{ "first-touch/8192/sequential", STOCK, REPORTED, 0 },
	{ "get-reset/8192/sequential", STOCK, REPORTED, 0 },
	{ "get-reset/8192/random", STOCK, REPORTED, 0 },
	{ "get-reset/8192/1%", STOCK, REPORTED, 0 },
	MIXES(STOCK),
};

#define N_WINE_TARGETS (sizeof(wine_targets) / sizeof(*wine_targets))

/* The methods that a target compares. */
struct pair {
	char ours[BENCH_NAME_BYTES];
	char other[BENCH_NAME_BYTES];
};

/* How many times as long the other takes as ours; 0: not measured. */
static double times(const struct bench *bench, const char *name,
		    const struct pair *pair)
{
	const struct bench_row *ours = bench_find(bench, name, pair->ours);
	const struct bench_row *other = bench_find(bench, name, pair->other);

	return ours && other ? bench_median(other) / bench_median(ours) : 0;
}

/* The one of a write and a query that is worse. */
static double worse(const struct bench *bench, const struct target *target,
		    const struct pair *pair)
{
	char name[BENCH_NAME_BYTES];
	double write, query;

	snprintf(name, sizeof(name), "%s/write", target->name);
	write = times(bench, name, pair);
	snprintf(name, sizeof(name), "%s/query", target->name);
	query = times(bench, name, pair);
	return write < query ? write : query;
}

static double measured(const struct bench *bench, const struct target *target,
		       const struct pair *pair)
{
	double ratio;

	if (strncmp(target->name, "mix/", 4) == 0)
		return worse(bench, target, pair);
	ratio = times(bench, target->name, pair);
	return target->kind == AT_MOST && ratio > 0 ? 1 / ratio : ratio;
}

/* What is to be reached here. */
static double wanted(const struct bench *bench, const struct target *target,
		     const struct pair *pair)
{
	const struct bench_row *bare, *other;

	if (target->kind != FASTER_BUT_KERNEL)
		return target->ratio;
	bare = bench_find(bench, target->name, "ioctl");
	other = bench_find(bench, target->name, pair->other);
	if (bare && other &&
	    bench_median(other) < target->ratio * bench_median(bare))
		return 1;
	return target->ratio;
}

static const char *verdict(const struct target *target, double ratio,
			   double limit)
{
	if (ratio <= 0)
		return "not measured";
	if (target->kind == REPORTED)
		return "reported";
	return (target->kind == AT_MOST ? ratio <= limit : ratio >= limit)
		       ? "met" : "NOT MET";
}

/* One line; the columns are read by docs/performance.awk, too. */
static void print_line(const char *name, const char *against, const char *unit,
		       const char *limit, const char *value,
		       const char *verdict_words, FILE *file)
{
	fprintf(file, "%-36s %-11s %-11s %8s %10s  %s\n", name, against, unit,
		limit, value, verdict_words);
}

static void print_target(const struct bench *bench, const struct target *target,
			 const struct pair *pair, FILE *file)
{
	double ratio = measured(bench, target, pair);
	double limit = wanted(bench, target, pair);
	char text[24] = "-", limit_text[24] = "-";

	if (ratio > 0)
		snprintf(text, sizeof(text), "%.2f", ratio);
	if (target->kind != REPORTED)
		snprintf(limit_text, sizeof(limit_text), "%g", limit);
	print_line(target->name, target->against,
		   target->kind == AT_MOST ? "times cost" : "times speed",
		   limit_text, text, verdict(target, ratio, limit), file);
}

static void print_native(const struct bench *bench, const struct target *target,
			 FILE *file)
{
	struct pair pair = { .ours = "winewatch" };

	snprintf(pair.other, sizeof(pair.other), "%s", target->against);
	print_target(bench, target, &pair, file);
}

static void print_tables(const struct bench *bench, FILE *file)
{
	char text[24] = "-", limit[24];

	snprintf(limit, sizeof(limit), "%d", MOST_TABLES_KIB);
	if (bench->tables_kib >= 0)
		snprintf(text, sizeof(text), "%ld", bench->tables_kib);
	print_line("  its page tables", "", "KiB", limit, text,
		   bench->tables_kib < 0 ? "not measured" :
		   bench->tables_kib < MOST_TABLES_KIB ? "met" : "NOT MET",
		   file);
}

/* ---- Wines ---- */

/* `ours` is the method of the Wine with winewatch. */
static void name_other(const struct target *target, struct pair *pair)
{
	size_t n = strlen(pair->ours);

	if (strcmp(target->against, UNWATCHED) == 0)
		snprintf(pair->other, sizeof(pair->other),
			 "%.*s" BENCH_UNWATCHED, (int)n, pair->ours);
	else
		snprintf(pair->other, sizeof(pair->other), "%.*s",
			 (int)(n - strlen(BENCH_WITH_WINEWATCH)), pair->ours);
}

static void print_wine(const struct bench *bench, const char *method, FILE *file)
{
	struct pair pair;

	fprintf(file, "\n%s\n", method);
	snprintf(pair.ours, sizeof(pair.ours), "%s", method);
	for (size_t i = 0; i < N_WINE_TARGETS; i++) {
		name_other(&wine_targets[i], &pair);
		print_target(bench, &wine_targets[i], &pair, file);
	}
}

/* Whether the row is the first of a Wine with winewatch. */
static bool begins_wine(const struct bench *bench, size_t row)
{
	const char *method = bench->rows[row].method;
	const char *end = strstr(method, BENCH_WITH_WINEWATCH);

	if (!end || end[strlen(BENCH_WITH_WINEWATCH)])
		return false;
	while (row--)
		if (strcmp(bench->rows[row].method, method) == 0)
			return false;
	return true;
}

void bench_targets(const struct bench *bench, const struct bench_machine *machine,
		   FILE *file)
{
	bench_print_machine(machine, file);
	fputs("\n\n", file);
	print_line("", "against", "", "target", "measured", "", file);
	print_native(bench, &targets[0], file);
	print_tables(bench, file);
	for (size_t i = 1; i < sizeof(targets) / sizeof(*targets); i++)
		print_native(bench, &targets[i], file);
	for (size_t i = 0; i < bench->n_rows; i++)
		if (begins_wine(bench, i))
			print_wine(bench, bench->rows[i].method, file);
	bench_print_remarks(bench, file);
}
