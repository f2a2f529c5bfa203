/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Random calls against a plain model of what they should do: after each, every
 * page is what the model says, and so is what was written.
 *
 * Usage: model [SEED [STEPS]]
 */
#include "memory.h"

#include <stdlib.h>
#include <string.h>

#define N_PAGES 256u
#define GRANULE 16u
#define STEPS 30000

/* A place where nothing is mapped unless somebody asks for it. */
static char *const arena = (char *)0x520000000000;

enum kind { PLAIN, PLACEHOLDER, REPLACED };

static struct page {
	unsigned start;		/* 1 + the first page of its reservation, or 0 */
	enum kind kind;
	DWORD reserved_with;
	DWORD protect;		/* 0: not committed */
	bool watched;
	bool written;
	char value;
} model[N_PAGES];

static uint64_t random_state;
static unsigned long n_differences;

static unsigned below(unsigned limit)
{
	return random_below(&random_state, limit);
}

static char *at(unsigned page)
{
	return arena + page * PAGE_BYTES;
}

static void expect(bool right, const char *what, unsigned first, unsigned n)
{
	if (!right && ++n_differences <= 10)
		diag("%s, pages %u to %u, last error %u", what, first,
		     first + n - 1, GetLastError());
}

/* The call ends with this last error, or succeeds when that is 0. */
static void expect_error(bool succeeded, DWORD error, const char *what,
			 unsigned first, unsigned n)
{
	expect(error ? !succeeded && GetLastError() == error : succeeded, what,
	       first, n);
}

/* ---- What the model knows ---- */

static bool all_free(unsigned first, unsigned n)
{
	for (unsigned i = first; i < first + n; i++)
		if (model[i].start)
			return false;
	return true;
}

static bool in_one(unsigned first, unsigned n)
{
	for (unsigned i = first; i < first + n; i++)
		if (!model[i].start || model[i].start != model[first].start)
			return false;
	return true;
}

static bool all_committed(unsigned first, unsigned n)
{
	for (unsigned i = first; i < first + n; i++)
		if (!model[i].protect)
			return false;
	return in_one(first, n);
}

static unsigned end_of(unsigned first)
{
	unsigned end = first;

	while (end < N_PAGES && model[end].start == model[first].start)
		end++;
	return end;
}

static bool can_write(unsigned page)
{
	return model[page].protect == PAGE_READWRITE ||
	       model[page].protect == PAGE_EXECUTE_READWRITE;
}

static DWORD any_protection(void)
{
	static const DWORD some[] = {
		PAGE_READWRITE, PAGE_READWRITE, PAGE_READWRITE, PAGE_READONLY,
		PAGE_NOACCESS, PAGE_EXECUTE_READWRITE, PAGE_EXECUTE_READ,
		PAGE_EXECUTE, PAGE_READONLY | PAGE_NOCACHE,
	};

	return some[below(sizeof(some) / sizeof(some[0]))];
}

/* ---- The calls ---- */

static void model_commit(unsigned first, unsigned n, DWORD protect)
{
	for (unsigned i = first; i < first + n; i++) {
		if (!model[i].protect)
			model[i].value = 0;
		model[i].protect = protect;
	}
}

static void reserve(unsigned first, unsigned n)
{
	bool watch = below(3), commit = below(2), good;
	DWORD type = MEM_RESERVE | (watch ? MEM_WRITE_WATCH : 0) |
		     (commit ? MEM_COMMIT : 0);
	DWORD protect = any_protection();

	first -= first % GRANULE;
	if (n > N_PAGES - first)
		n = N_PAGES - first;
	good = all_free(first, n);
	/* the base is rounded down, the end up */
	expect_error(VirtualAlloc(at(first) + PAGE_BYTES - 1,
				  n * PAGE_BYTES - PAGE_BYTES + 1, type, protect)
		     == at(first),
		     good ? 0 : ERROR_INVALID_ADDRESS, "reserve", first, n);
	if (!good)
		return;
	for (unsigned i = first; i < first + n; i++)
		model[i] = (struct page){
			.start = 1 + first, .reserved_with = protect, .watched = watch,
		};
	if (commit)
		model_commit(first, n, protect);
}

static void commit(unsigned first, unsigned n)
{
	DWORD protect = any_protection();
	bool good = in_one(first, n) && model[first].kind != PLACEHOLDER;

	expect_error(VirtualAlloc(at(first), n * PAGE_BYTES, MEM_COMMIT, protect),
		     good ? 0 : ERROR_INVALID_ADDRESS, "commit", first, n);
	if (good)
		model_commit(first, n, protect);
}

static DWORD free_error(unsigned first, unsigned n)
{
	if (!model[first].start)
		return ERROR_INVALID_ADDRESS;
	return in_one(first, n) ? 0 : ERROR_INVALID_PARAMETER;
}

static void decommit(unsigned first, unsigned n)
{
	DWORD error = free_error(first, n);

	expect_error(VirtualFree(at(first), n * PAGE_BYTES, MEM_DECOMMIT), error,
		     "decommit", first, n);
	for (unsigned i = first; !error && i < first + n; i++)
		model[i].protect = 0;
}

/* What is left behind is a reservation of its own. */
static void model_release(unsigned first, unsigned n)
{
	unsigned end = end_of(first);

	memset(&model[first], 0, n * sizeof(model[0]));
	for (unsigned i = first + n; i < end; i++)
		model[i].start = 1 + first + n;
}

static void release_part(unsigned first, unsigned n)
{
	DWORD error = free_error(first, n);
	PVOID base = at(first);
	SIZE_T size = n * PAGE_BYTES;
	NTSTATUS status = NtFreeVirtualMemory(GetCurrentProcess(), &base, &size,
					      MEM_RELEASE);

	expect(NT_SUCCESS(status) == !error, "release of a part", first, n);
	if (!error)
		model_release(first, n);
}

static void release_all(unsigned first)
{
	bool good = model[first].start == 1 + first;

	expect_error(VirtualFree(at(first), 0, MEM_RELEASE),
		     good ? 0 : ERROR_INVALID_ADDRESS, "release", first, 1);
	if (good)
		model_release(first, end_of(first) - first);
}

static bool is_all_of_one(unsigned first, unsigned n)
{
	return model[first].start == 1 + first && end_of(first) == first + n;
}

static void model_placeholder(unsigned first, unsigned n)
{
	for (unsigned i = first; i < first + n; i++)
		model[i] = (struct page){
			.start = 1 + first, .kind = PLACEHOLDER,
			.reserved_with = PAGE_NOACCESS,
		};
}

static void reserve_placeholder(unsigned first, unsigned n)
{
	bool good;

	first -= first % GRANULE;
	if (n > N_PAGES - first)
		n = N_PAGES - first;
	good = all_free(first, n);
	expect_error(VirtualAlloc2(NULL, at(first), n * PAGE_BYTES,
				   MEM_RESERVE | MEM_RESERVE_PLACEHOLDER,
				   PAGE_NOACCESS, NULL, 0) == at(first),
		     good ? 0 : ERROR_INVALID_ADDRESS, "placeholder", first, n);
	if (good)
		model_placeholder(first, n);
}

static void replace(unsigned first, unsigned n)
{
	bool watch = below(3), commit = below(2);
	bool good = model[first].kind == PLACEHOLDER && is_all_of_one(first, n);
	DWORD type = MEM_RESERVE | MEM_REPLACE_PLACEHOLDER |
		     (watch ? MEM_WRITE_WATCH : 0) | (commit ? MEM_COMMIT : 0);
	DWORD protect = any_protection();

	expect_error(VirtualAlloc2(NULL, at(first), n * PAGE_BYTES, type, protect,
				   NULL, 0) == at(first),
		     good ? 0 : ERROR_INVALID_ADDRESS, "replace", first, n);
	for (unsigned i = first; good && i < first + n; i++) {
		model[i].kind = REPLACED;
		model[i].reserved_with = protect;
		model[i].watched = watch;
		model[i].protect = commit ? protect : 0;
	}
}

/* What comes after the part, and the part, are placeholders of their own. */
static void model_divide(unsigned first, unsigned n)
{
	unsigned end = end_of(first);

	for (unsigned i = first; i < end; i++)
		model[i].start = 1 + (i < first + n ? first : first + n);
}

static void preserve(unsigned first, unsigned n)
{
	bool part = model[first].kind == PLACEHOLDER && in_one(first, n) &&
		    !is_all_of_one(first, n);
	bool all = model[first].kind == REPLACED && is_all_of_one(first, n);
	DWORD error = free_error(first, n);

	if (!error && !part && !all)
		error = ERROR_INVALID_ADDRESS;
	expect_error(VirtualFree(at(first), n * PAGE_BYTES,
				 MEM_RELEASE | MEM_PRESERVE_PLACEHOLDER),
		     error, "preserve", first, n);
	if (!error && part)
		model_divide(first, n);
	else if (!error)
		model_placeholder(first, n);
}

static bool can_join(unsigned first, unsigned n)
{
	if (model[first].start != 1 + first || in_one(first, n))
		return false;
	if (first + n < N_PAGES && model[first + n].start &&
	    model[first + n].start == model[first + n - 1].start)
		return false;
	for (unsigned i = first; i < first + n; i++)
		if (model[i].kind != PLACEHOLDER)
			return false;
	return true;
}

static void coalesce(unsigned first, unsigned n)
{
	bool good = can_join(first, n);

	expect_error(VirtualFree(at(first), n * PAGE_BYTES,
				 MEM_RELEASE | MEM_COALESCE_PLACEHOLDERS),
		     good ? 0 : ERROR_INVALID_ADDRESS, "coalesce", first, n);
	if (good)
		model_placeholder(first, n);
}

static void protect(unsigned first, unsigned n)
{
	DWORD protection = any_protection(), old = 0;
	bool good = all_committed(first, n);

	expect_error(VirtualProtect(at(first), n * PAGE_BYTES, protection, &old),
		     good ? 0 : ERROR_INVALID_ADDRESS, "protect", first, n);
	if (!good)
		return;
	expect(old == model[first].protect, "the old protection", first, n);
	for (unsigned i = first; i < first + n; i++)
		model[i].protect = protection;
}

static void discard(unsigned first, unsigned n)
{
	bool good = all_committed(first, n);

	expect_error(VirtualAlloc(at(first), n * PAGE_BYTES,
				  below(2) ? MEM_RESET : MEM_RESET_UNDO,
				  PAGE_READWRITE),
		     good ? 0 : ERROR_INVALID_ADDRESS, "MEM_RESET", first, n);
}

static void write_page(unsigned page)
{
	if (!can_write(page))
		return;
	*(volatile char *)at(page) = ++model[page].value;
	model[page].written = model[page].watched;
}

static bool all_watched(unsigned first, unsigned n)
{
	return in_one(first, n) && model[first].watched;
}

static void reset(unsigned first, unsigned n)
{
	bool good = all_watched(first, n);

	expect_error(!ResetWriteWatch(at(first), n * PAGE_BYTES),
		     good ? 0 : ERROR_INVALID_PARAMETER, "reset", first, n);
	for (unsigned i = first; good && i < first + n; i++)
		model[i].written = false;
}

static void check_written(unsigned first, unsigned n, PVOID *addresses,
			  ULONG_PTR count, ULONG_PTR capacity, DWORD flags)
{
	ULONG_PTR found = 0;

	for (unsigned i = first; i < first + n && found < capacity; i++) {
		if (!model[i].written)
			continue;
		expect(found < count && addresses[found] == at(i),
		       "a written page is not reported", i, 1);
		found++;
		if (flags & RESET)
			model[i].written = false;
	}
	expect(found == count, "too many pages are reported", first, n);
}

static void get(unsigned first, unsigned n, DWORD flags)
{
	static PVOID addresses[N_PAGES];
	bool good = all_watched(first, n);
	ULONG_PTR capacity = 1 + below(below(2) ? n : N_PAGES), count = capacity;
	DWORD granularity;

	expect_error(!GetWriteWatch(flags, at(first), n * PAGE_BYTES, addresses,
				    &count, &granularity),
		     good ? 0 : ERROR_INVALID_PARAMETER, "get", first, n);
	if (good)
		check_written(first, n, addresses, count, capacity, flags);
}

/* ---- Everything ---- */

static bool alike(unsigned a, unsigned b)
{
	return model[a].start == model[b].start &&
	       model[a].protect == model[b].protect;
}

static void check_block(unsigned first, unsigned end,
			const MEMORY_BASIC_INFORMATION *info)
{
	const struct page *page = &model[first];
	DWORD state = page->protect ? MEM_COMMIT :
		      page->start ? MEM_RESERVE : MEM_FREE;

	expect(info->BaseAddress == at(first) && info->State == state, "the state",
	       first, end - first);
	expect(info->RegionSize == (end - first) * PAGE_BYTES ||
	       (state == MEM_FREE && end == N_PAGES), "the size of a block", first,
	       end - first);
	if (state == MEM_FREE)
		return;
	expect(info->AllocationBase == at(page->start - 1) &&
	       info->Type == MEM_PRIVATE, "the base of a block", first, end - first);
	expect(info->AllocationProtect == page->reserved_with,
	       "the first protection", first, end - first);
	expect(info->Protect == page->protect, "the protection", first, end - first);
}

static void check_blocks(void)
{
	MEMORY_BASIC_INFORMATION info;

	for (unsigned first = 0, end; first < N_PAGES; first = end) {
		for (end = first + 1; end < N_PAGES && alike(first, end); end++)
			;
		expect(VirtualQuery(at(first), &info, sizeof(info)) == sizeof(info),
		       "VirtualQuery", first, 1);
		check_block(first, end, &info);
	}
}

static void check_values(void)
{
	for (unsigned i = 0; i < N_PAGES; i++)
		if (can_write(i))
			expect(*(volatile char *)at(i) == model[i].value,
			       "the contents", i, 1);
}

/* Ranges at random hardly ever are exactly what is there. */
static void fit(unsigned *first, unsigned *n)
{
	if (!model[*first].start)
		return;
	*first = model[*first].start - 1;
	*n = end_of(*first) - *first;
	if (*first + *n < N_PAGES && model[*first + *n].start && below(2))
		*n = end_of(*first + *n) - *first;
}

static void placeholder_step(unsigned first, unsigned n)
{
	if (below(4))
		fit(&first, &n);
	switch (below(4)) {
	case 0:
		return reserve_placeholder(first, n);
	case 1:
		return replace(first, n);
	case 2:
		if (n > 1 && below(2))
			n /= 2;
		return preserve(first, n);
	default:
		return coalesce(first, n);
	}
}

static void step(void)
{
	unsigned first = below(N_PAGES), n = 1 + below(below(2) ? 8 : 64);

	if (n > N_PAGES - first)
		n = N_PAGES - first;
	switch (below(20)) {
	case 16:
	case 17:
	case 18:
	case 19:
		return placeholder_step(first, n);
	case 0:
	case 1:
		return reserve(first, n);
	case 2:
	case 3:
		return commit(first, n);
	case 4:
		return decommit(first, n);
	case 5:
		return below(4) ? release_part(first, n) : release_all(first);
	case 6:
	case 7:
		return protect(first, n);
	case 8:
		return discard(first, n);
	case 9:
		return reset(first, n);
	case 10:
		return get(first, n, RESET);
	case 11:
		return get(first, n, 0);
	default:
		return write_page(first);
	}
}

int main(int argc, char **argv)
{
	unsigned long n_steps = argc > 2 ? strtoul(argv[2], NULL, 10) : STEPS;

	watch_or_skip();
	random_state = seed_of(argc, argv);
	for (unsigned long i = 0; i < n_steps; i++) {
		step();
		check_blocks();
		if (i % 16 == 0)
			check_values();
		if (n_differences) {
			diag("at step %lu", i);
			break;
		}
	}
	ok(!n_differences, "%lu random steps", n_steps);
	return done_testing();
}
