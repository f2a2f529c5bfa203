/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* winewatch top: a look as text and as JSON. */
#include "config.h"

#include "tool.h"
#include "top.h"

#include <inttypes.h>
#include <jansson.h>
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Text ---- */

static const char *const call_names[WW_STATS_KINDS] = {
	[WW_STATS_GET] = "GetWriteWatch",
	[WW_STATS_RESET] = "ResetWriteWatch",
};

static void print_time(FILE *text, uint64_t ns)
{
	if (ns < 10000)
		fprintf(text, " %7" PRIu64 " ns", ns);
	else if (ns < 10000000)
		fprintf(text, " %7" PRIu64 " us", ns / 1000);
	else
		fprintf(text, " %7" PRIu64 " ms", ns / 1000000);
}

static void print_calls(FILE *text, const char *name,
			const struct top_calls *calls)
{
	fprintf(text, "%-15s %10.1f %11.1f", name, calls->calls_per_second,
		calls->pages_per_second);
	if (calls->n_new) {
		print_time(text, calls->p50_ns);
		print_time(text, calls->p90_ns);
		print_time(text, calls->p99_ns);
		print_time(text, calls->max_ns);
	} else {
		for (int i = 0; i < 4; i++)
			fprintf(text, " %10s", "-");
	}
	fputc('\n', text);
}

/* 8 if all of n pages are written, one less for each time that it is only half
 * as many, but 1 for a single one, and 0 for none. */
static unsigned step_of(uint64_t n_written, uint64_t n)
{
	unsigned step = 8;

	for (; step > 1 && n_written < n; n = (n + 1) / 2)
		step--;
	return n_written ? step : 0;
}

static void print_part(FILE *text, const struct top_region *region, size_t part)
{
	static const char *const unicode[] = { " ", "▁", "▂", "▃", "▄",
					       "▅", "▆", "▇", "█" };
	static const char *const ascii[] = { " ", ".", ":", "-", "=",
					     "+", "*", "#", "@" };
	bool is_utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	uint64_t n_pages = top_pages(region);
	unsigned step = step_of(region->written[part],
				(part + 1) * n_pages / region->n_parts -
				part * n_pages / region->n_parts);

	fputs((is_utf8 ? unicode : ascii)[step], text);
}

static void print_bytes(FILE *text, uint64_t n_bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double n = (double)n_bytes / 1024;
	size_t unit = 0;

	while (n >= 1024 && unit < sizeof(units) / sizeof(*units) - 1) {
		n /= 1024;
		unit++;
	}
	fprintf(text, "%.1f %s", n, units[unit]);
}

static void print_region(FILE *text, const struct top_region *region)
{
	uint64_t n_pages = top_pages(region);
	char *size = NULL;
	size_t n_bytes;
	FILE *stream = open_memstream(&size, &n_bytes);

	if (!stream)
		return;
	print_bytes(stream, region->end - region->start);
	fclose(stream);
	fprintf(text, "%14" PRIx64 " %11s %10" PRIu64 " %5.1f%% |", region->start,
		size, region->n_written,
		(double)region->n_written * 100 / (double)n_pages);
	for (size_t i = 0; i < region->n_parts; i++)
		print_part(text, region, i);
	fputs("|\n", text);
	free(size);
}

static void print_heading(FILE *text, const struct top_look *look)
{
	uint64_t n_bytes = 0, n_written = 0;

	for (size_t i = 0; i < look->n_regions; i++) {
		n_bytes += look->regions[i].end - look->regions[i].start;
		n_written += look->regions[i].n_written;
	}
	fprintf(text, "process %d (%s): %zu region%s, ", (int)look->process.pid,
		look->name, look->n_regions, look->n_regions == 1 ? "" : "s");
	print_bytes(text, n_bytes);
	fprintf(text, ", %" PRIu64 " pages written now\n", n_written);
}

static void print_look(FILE *text, const struct top_look *look, size_t first,
		       size_t max_regions)
{
	size_t end = look->n_regions;

	print_heading(text, look);
	fprintf(text, "%-15s %10s %11s %10s %10s %10s %10s\n", "", "calls/s",
		"pages/s", "p50", "p90", "p99", "max");
	for (size_t i = 0; i < WW_STATS_KINDS; i++)
		print_calls(text, call_names[i], &look->calls[i]);
	fprintf(text, "%14s %11s %10s %6s  %s\n", "address", "size", "written",
		"", "where");
	if (first < end && end - first > max_regions)
		end = first + max_regions;
	for (size_t i = first; i < end; i++)
		print_region(text, &look->regions[i]);
}

char *top_text(const struct top_look *look, size_t first, size_t max_regions)
{
	char *text = NULL;
	size_t n_bytes;
	FILE *stream = open_memstream(&text, &n_bytes);

	if (stream) {
		print_look(stream, look, first, max_regions);
		fclose(stream);
	}
	return text ? text : format_text("%s", "");
}

/* ---- JSON ---- */

/* What another process has counted, which has all bits if it likes. */
static json_t *number(uint64_t n)
{
	return json_integer((json_int_t)(n & INT64_MAX));
}

static json_t *time_or_null(const struct top_calls *calls, uint64_t ns)
{
	return calls->n_new ? number(ns) : json_null();
}

static json_t *calls_object(const struct top_calls *calls)
{
	json_t *object = json_object();

	json_object_set_new(object, "calls", number(calls->n_calls));
	json_object_set_new(object, "pages", number(calls->n_pages));
	json_object_set_new(object, "calls_per_second",
			    json_real(calls->calls_per_second));
	json_object_set_new(object, "pages_per_second",
			    json_real(calls->pages_per_second));
	json_object_set_new(object, "p50_ns", time_or_null(calls, calls->p50_ns));
	json_object_set_new(object, "p90_ns", time_or_null(calls, calls->p90_ns));
	json_object_set_new(object, "p99_ns", time_or_null(calls, calls->p99_ns));
	json_object_set_new(object, "max_ns", time_or_null(calls, calls->max_ns));
	return object;
}

static json_t *region_object(const struct top_region *region)
{
	json_t *object = json_object(), *parts = json_array();

	for (size_t i = 0; i < region->n_parts; i++)
		json_array_append_new(parts, number(region->written[i]));
	json_object_set_new(object, "start",
			    json_sprintf("0x%" PRIx64, region->start));
	json_object_set_new(object, "bytes", number(region->end - region->start));
	json_object_set_new(object, "written", number(region->n_written));
	json_object_set_new(object, "where", parts);
	return object;
}

char *top_json(const struct top_look *look)
{
	json_t *object = json_object(), *regions = json_array();
	char *line;

	for (size_t i = 0; i < look->n_regions; i++)
		json_array_append_new(regions, region_object(&look->regions[i]));
	json_object_set_new(object, "pid", json_integer(look->process.pid));
	json_object_set_new(object, "name", json_string(look->name));
	json_object_set_new(object, "seconds", json_real(look->seconds));
	json_object_set_new(object, "page_bytes",
			    json_integer((json_int_t)ww_page_size()));
	json_object_set_new(object, "get",
			    calls_object(&look->calls[WW_STATS_GET]));
	json_object_set_new(object, "reset",
			    calls_object(&look->calls[WW_STATS_RESET]));
	json_object_set_new(object, "regions", regions);
	line = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(6));
	json_decref(object);
	return line ? line : format_text("%s", "");
}
