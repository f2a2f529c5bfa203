/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the project wants of its speed, as ratios within one run, and whether
 * the run has it. A target that is missed is shown, never an error: times
 * depend on the machine and on what else it does.
 */
#include "config.h"

#include "bench_report.h"

#define MOST_TABLES_KIB 1024

enum kind {
	FASTER,			/* at least so many times as fast */
	FASTER_BUT_KERNEL,	/* the same, where the system calls alone allow
				   that; elsewhere as fast */
	AT_MOST,		/* at most so many times as long */
	BOTH_FASTER,		/* mix: the write and the query, each */
};

struct target {
	const char *what;
	const char *name;	/* of the case; of a mix without its last part;
				   "": not measured by this program */
	const char *against;	/* method */
	enum kind kind;
	double ratio;
};

#define GET_RESET(pages, order) \
	{ "Get+RESET " pages " " order, "get-reset/" pages "/" order, \
	  "wine-10.7", FASTER_BUT_KERNEL, 1.3 }
#define GET_RESETS(pages) \
	GET_RESET(pages, "sequential"), GET_RESET(pages, "1%"), \
	GET_RESET(pages, "alternating"), GET_RESET(pages, "random")
#define GET_AGAIN(pages) \
	{ "second Get " pages " all written", "get-again/" pages "/sequential", \
	  "wine-stock", FASTER, 1 }
#define BARE(pages, order, ratio) \
	{ "Get+RESET " pages " " order, "get-reset/" pages "/" order, "ioctl", \
	  AT_MOST, ratio }
#define BARES(pages) \
	BARE(pages, "sequential", 1.1), BARE(pages, "1%", 1.1), \
	BARE(pages, "alternating", 1.1), BARE(pages, "random", 1.1)
#define WRITE(pages, order) \
	{ "write after reset " pages " " order, \
	  "write-after-reset/" pages "/" order, "wine-stock", FASTER, 5 }
#define TWO_THREADS(name) \
	{ "two threads " name, "threads/2/" name, "ioctl", FASTER, 0.95 }
#define MIX(name) \
	{ "mix " name, "mix/" name, "wine-stock", BOTH_FASTER, 1 }

/* The first is the one that page tables are counted of. */
static const struct target targets[] = {
	{ "reserve 256 GiB", "reserve/256GiB", "wine-10.7", FASTER, 1000 },
	{ "reserve 256 GiB under Wine", "", "unwatched", AT_MOST, 1.1 },
	{ "commit 1 GiB", "commit/1GiB", "ioctl", FASTER, 5 },
	{ "clean scan of 1 GiB", "clean/1GiB", "wine-10.7", FASTER, 15 },
	GET_RESETS("1024"),
	GET_RESETS("8192"),
	GET_RESETS("262144"),
	GET_AGAIN("1"),
	GET_AGAIN("16"),
	GET_AGAIN("1024"),
	GET_AGAIN("8192"),
	GET_AGAIN("262144"),
	BARE("1", "sequential", 1.5),
	BARES("8192"),
	BARES("262144"),
	WRITE("8192", "sequential"),
	WRITE("8192", "random"),
	WRITE("262144", "sequential"),
	{ "first touch dense 8192", "first-touch/8192/sequential", "unwatched",
	  AT_MOST, 1.3 },
	{ "first touch dense 262144", "first-touch/262144/sequential",
	  "unwatched", AT_MOST, 1.3 },
	{ "first touch, one page of 2 MiB", "first-touch/512/blocks",
	  "unwatched", AT_MOST, 3 },
	TWO_THREADS("get/8192/sequential"),
	TWO_THREADS("get-reset/8192/clean"),
	MIX("1-1080-3-0-1"),
	MIX("1-1080-3-1-1"),
	MIX("1-1080-10-0-1"),
	MIX("1-1080-10-1-1"),
	MIX("6-1080-3-0-1"),
	MIX("6-1080-3-1-1"),
	MIX("6-1080-10-0-1"),
	MIX("6-1080-10-1-1"),
	MIX("1-8192-3-0-1"),
	MIX("1-8192-3-1-1"),
	MIX("1-8192-10-0-1"),
	MIX("1-8192-10-1-1"),
	MIX("8-8192-3-0-1"),
	MIX("8-8192-3-1-1"),
	MIX("8-8192-10-0-1"),
	MIX("8-8192-10-1-1"),
	{ "the Boehm GC under Wine", "", "wine-stock", FASTER, 1.8 },
};

/* How many times as long `method` takes as winewatch; 0: not measured. */
static double times(const struct bench *bench, const char *name,
		    const char *method)
{
	const struct bench_row *ours = bench_find(bench, name, "winewatch");
	const struct bench_row *other = bench_find(bench, name, method);

	return ours && other ? bench_median(other) / bench_median(ours) : 0;
}

/* The one of a write and a query that is worse. */
static double worse(const struct bench *bench, const struct target *target)
{
	char name[BENCH_NAME_BYTES];
	double write, query;

	snprintf(name, sizeof(name), "%s/write", target->name);
	write = times(bench, name, target->against);
	snprintf(name, sizeof(name), "%s/query", target->name);
	query = times(bench, name, target->against);
	return write < query ? write : query;
}

static double measured(const struct bench *bench, const struct target *target)
{
	double ratio;

	if (target->kind == BOTH_FASTER)
		return worse(bench, target);
	ratio = times(bench, target->name, target->against);
	return target->kind == AT_MOST && ratio > 0 ? 1 / ratio : ratio;
}

/* What is to be reached here. */
static double wanted(const struct bench *bench, const struct target *target)
{
	const struct bench_row *bare, *other;

	if (target->kind != FASTER_BUT_KERNEL)
		return target->ratio;
	bare = bench_find(bench, target->name, "ioctl");
	other = bench_find(bench, target->name, target->against);
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
	return (target->kind == AT_MOST ? ratio <= limit : ratio >= limit)
		       ? "met" : "NOT MET";
}

static void print_target(const struct bench *bench, const struct target *target,
			 FILE *file)
{
	double ratio = measured(bench, target), limit = wanted(bench, target);
	char text[24] = "-";

	if (ratio > 0)
		snprintf(text, sizeof(text), "%.2f", ratio);
	fprintf(file, "%-34s %-11s %-11s %8g %10s  %s\n", target->what,
		target->against,
		target->kind == AT_MOST ? "times cost" : "times speed", limit,
		text, verdict(target, ratio, limit));
}

static void print_tables(const struct bench *bench, FILE *file)
{
	char text[24] = "-";

	if (bench->tables_kib >= 0)
		snprintf(text, sizeof(text), "%ld", bench->tables_kib);
	fprintf(file, "%-34s %-11s %-11s %8d %10s  %s\n",
		"its page tables", "", "KiB", MOST_TABLES_KIB, text,
		bench->tables_kib < 0 ? "not measured" :
		bench->tables_kib < MOST_TABLES_KIB ? "met" : "NOT MET");
}

void bench_targets(const struct bench *bench, const struct bench_machine *machine,
		   FILE *file)
{
	bench_print_machine(machine, file);
	fprintf(file, "\n\n%-34s %-11s %-11s %8s %10s\n", "", "against", "",
		"target", "measured");
	print_target(bench, &targets[0], file);
	print_tables(bench, file);
	for (size_t i = 1; i < sizeof(targets) / sizeof(*targets); i++)
		print_target(bench, &targets[i], file);
	bench_print_remarks(bench, file);
}
