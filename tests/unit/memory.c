/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the replaced services do, over a Wine that is made of fake memory. */
#include "fake.h"

#include "../../dlls/winewatch/memory.h"

#include <errno.h>
#include <string.h>

#define PAGE ww_page_size()
#define OTHER_PROCESS ((HANDLE)0x44)
#define UNDO 0x01000000

static struct ww_regions *regions;
static bool can_watch;

struct ww_regions *ww_watching(void)
{
	return regions;
}

struct ww_regions *ww_start_watching(const struct ww_wine *wine)
{
	(void)wine;
	if (!regions && can_watch)
		regions = fake_regions();
	return regions;
}

/* ---- Wine ---- */

#define REFUSED ((NTSTATUS)0xc0000999)

/* What the next calls of Wine do, and what the last ones were. */
static struct {
	bool refuses;
	bool was_armed;		/* all pages, when a commit came */
	unsigned n_allocations, n_frees, n_protects;
	ULONG type;
	PVOID base;
	SIZE_T size;
} wine;

static size_t pages_of(SIZE_T size)
{
	return (size + PAGE - 1) / PAGE;
}

static NTSTATUS wine_allocate(struct ww_allocation *allocation)
{
	size_t page, n_pages = pages_of(allocation->size);

	wine.n_allocations++;
	wine.type = allocation->type;
	wine.base = allocation->base;
	wine.size = allocation->size;
	if (wine.refuses)
		return REFUSED;
	if (allocation->type & MEM_RESERVE) {
		if (!allocation->base)
			allocation->base = (PVOID)fake_at(64);
		allocation->size = n_pages * PAGE;
		fake_mmap(fake_page((uintptr_t)allocation->base), n_pages,
			  allocation->type & MEM_COMMIT);
		return 0;
	}
	page = fake_page((uintptr_t)allocation->base);
	wine.was_armed = true;
	for (size_t i = page; i < page + n_pages; i++)
		wine.was_armed &= fake_protected(i) && !fake_accessible(i);
	fake_protect(page, n_pages, true);
	return 0;
}

static NTSTATUS wine_free(HANDLE process, PVOID *base, SIZE_T *size, ULONG type)
{
	size_t page = fake_page((uintptr_t)*base);

	assert_ptr_equal(process, NtCurrentProcess());
	wine.n_frees++;
	wine.type = type;
	wine.base = *base;
	wine.size = *size;
	if (wine.refuses)
		return REFUSED;
	if (type == MEM_DECOMMIT)
		fake_mmap(page, *size ? pages_of(*size) : 16, false);
	else
		fake_munmap(page, *size ? pages_of(*size) : 16);
	return 0;
}

static NTSTATUS wine_protect(HANDLE process, PVOID *base, SIZE_T *size,
			     ULONG protect, ULONG *old)
{
	assert_ptr_equal(process, NtCurrentProcess());
	wine.n_protects++;
	*old = PAGE_READWRITE;
	fake_protect(fake_page((uintptr_t)*base), pages_of(*size),
		     protect == PAGE_READWRITE);
	return 0;
}

/* Wine's own tables, whatever the memory is: up to 71 read-write, 72 to 75 not
 * committed, 76 to 79 without access, from there on read-write again. */
static NTSTATUS wine_query(HANDLE process, LPCVOID address,
			   MEMORY_BASIC_INFORMATION *info)
{
	static const struct {
		size_t end;
		ULONG state;
		ULONG protect;
	} table[] = {
		{ 72, MEM_COMMIT, PAGE_READWRITE },
		{ 76, MEM_RESERVE, 0 },
		{ 80, MEM_COMMIT, PAGE_NOACCESS },
		{ FAKE_PAGES, MEM_COMMIT, PAGE_READWRITE },
	};
	size_t page = fake_page((uintptr_t)address), i = 0;

	assert_ptr_equal(process, NtCurrentProcess());
	while (page >= table[i].end)
		i++;
	*info = (MEMORY_BASIC_INFORMATION){
		.BaseAddress = (PVOID)fake_at(page),
		.RegionSize = (table[i].end - page) * PAGE,
		.State = table[i].state,
		.Protect = table[i].protect,
	};
	return 0;
}

/* Pages that Wine commits without the caller's parameters. */
static NTSTATUS wine_commit(HANDLE process, PVOID *base, SIZE_T *size,
			    ULONG protect)
{
	struct ww_allocation allocation = {
		.process = process, .base = *base, .size = *size,
		.type = MEM_COMMIT, .protect = protect,
	};

	return wine_allocate(&allocation);
}

static const struct ww_wine services = {
	.commit = wine_commit,
	.free = wine_free,
	.protect = wine_protect,
	.query = wine_query,
};

static struct ww_allocation call(uintptr_t base, SIZE_T size, ULONG type)
{
	return (struct ww_allocation){
		.wine = &services, .allocate = wine_allocate,
		.process = NtCurrentProcess(), .base = (PVOID)base,
		.size = size, .type = type, .protect = PAGE_READWRITE,
	};
}

static NTSTATUS allocate(uintptr_t base, SIZE_T size, ULONG type)
{
	struct ww_allocation allocation = call(base, size, type);

	return ww_allocate(&allocation);
}

static NTSTATUS release(size_t page, SIZE_T size, ULONG type)
{
	PVOID base = (PVOID)fake_at(page);

	return ww_free(&services, NtCurrentProcess(), &base, &size, type);
}

static int begin(void **state)
{
	(void)state;
	fake_reset();
	memset(&wine, 0, sizeof(wine));
	regions = NULL;
	can_watch = true;
	return 0;
}

/* Pages 64 to 79, reserved and watched. */
static int begin_reserved(void **state)
{
	begin(state);
	return allocate(0, 16 * PAGE, MEM_RESERVE | MEM_WRITE_WATCH);
}

static int end(void **state)
{
	(void)state;
	fake_heal();
	if (regions)
		ww_regions_close(regions);
	assert_int_equal(fake.open_fds, 0);
	assert_int_equal(fake.bad_calls, 0);
	return 0;
}

/* ---- A base of the caller's choice ---- */

/* Threads may be trying the address already. */
static void a_chosen_base_is_armed_before_it_is_accessible(void **state)
{
	(void)state;
	assert_int_equal(allocate(fake_at(64), 16 * PAGE, MEM_RESERVE | MEM_COMMIT |
				  MEM_WRITE_WATCH), 0);
	assert_int_equal(wine.n_allocations, 2);
	assert_true(wine.was_armed);
	fake_expect(regions, 64, 16, 0);
	fake_write(65);
	fake_expect(regions, 64, 16, 1, 65);
}

static void what_was_released_unseen_is_forgotten(void **state)
{
	(void)state;
	assert_int_equal(allocate(0, 16 * PAGE, MEM_RESERVE | MEM_WRITE_WATCH), 0);
	fake_munmap(64, 16);
	assert_int_equal(allocate(fake_at(64), 64 * PAGE, MEM_RESERVE | MEM_COMMIT |
				  MEM_WRITE_WATCH), 0);
	fake_write(100);
	fake_expect(regions, 64, 64, 1, 100);
	fake_write(101);
	fake_expect(regions, 100, 4, 1, 101);
}

/* ---- Which calls are ours ---- */

static void only_our_own_watched_memory_is_ours(void **state)
{
	PVOID in = (PVOID)(fake_at(70) + 5), out = (PVOID)fake_at(100), null = NULL;
	HANDLE self = NtCurrentProcess();

	(void)state;
	assert_true(ww_allocation_is_ours(self, &null, MEM_RESERVE |
					  MEM_WRITE_WATCH));
	assert_false(ww_allocation_is_ours(OTHER_PROCESS, &null, MEM_RESERVE |
					   MEM_WRITE_WATCH));
	assert_false(ww_allocation_is_ours(self, &null, MEM_RESERVE));
	assert_true(ww_allocation_is_ours(self, &in, MEM_COMMIT));
	assert_true(ww_allocation_is_ours(self, &in, MEM_RESET));
	assert_false(ww_allocation_is_ours(OTHER_PROCESS, &in, MEM_COMMIT));
	assert_false(ww_allocation_is_ours(self, &out, MEM_COMMIT));
	assert_false(ww_allocation_is_ours(self, NULL, MEM_COMMIT));
	assert_false(ww_allocation_is_ours(self, &null, MEM_COMMIT));
	assert_true(ww_is_watched(self, &in));
	assert_false(ww_is_watched(self, &out));
	assert_false(ww_is_watched(OTHER_PROCESS, &in));
	assert_false(ww_is_watched(self, NULL));
}

static void what_replaces_a_placeholder_is_ours(void **state)
{
	PVOID base = NULL;

	(void)state;
	assert_true(ww_allocation_is_ours(NtCurrentProcess(), &base, MEM_RESERVE |
		    MEM_COMMIT | MEM_REPLACE_PLACEHOLDER | MEM_WRITE_WATCH));
	assert_false(ww_allocation_is_ours(NtCurrentProcess(), &base, MEM_RESERVE |
		     MEM_COMMIT | MEM_REPLACE_PLACEHOLDER));
}

static void nothing_is_ours_before_the_first_watch(void **state)
{
	PVOID base = (PVOID)fake_at(64);

	(void)state;
	assert_false(ww_allocation_is_ours(NtCurrentProcess(), &base, MEM_COMMIT));
	assert_false(ww_is_watched(NtCurrentProcess(), &base));
	assert_int_equal(fake.calls[FAKE_USERFAULTFD], 0);
}

/* ---- Reserve ---- */

static void wine_does_not_see_the_watch_flag(void **state)
{
	struct ww_allocation allocation = call(0, 16 * PAGE - 5,
					       MEM_RESERVE | MEM_WRITE_WATCH);

	(void)state;
	assert_int_equal(ww_allocate(&allocation), 0);
	assert_int_equal(wine.type, MEM_RESERVE);
	assert_int_equal((uintptr_t)allocation.base, fake_at(64));
	assert_int_equal(allocation.size, 16 * PAGE);
	assert_true(fake_registered(64) && fake_registered(79));
	assert_int_equal(fake_tables(), 0);
}

static void reserve_and_commit_is_clean(void **state)
{
	(void)state;
	assert_int_equal(allocate(0, 16 * PAGE, MEM_RESERVE | MEM_COMMIT |
				  MEM_WRITE_WATCH), 0);
	fake_expect(regions, 64, 16, 0);
	fake_write(66);
	fake_expect(regions, 64, 16, 1, 66);
}

static void a_watch_without_reserve_is_refused(void **state)
{
	(void)state;
	assert_int_equal(allocate(0, PAGE, MEM_COMMIT | MEM_WRITE_WATCH),
			 STATUS_INVALID_PARAMETER_5);
	assert_int_equal(allocate(0, PAGE, MEM_WRITE_WATCH),
			 STATUS_INVALID_PARAMETER_5);
	assert_int_equal(wine.n_allocations, 0);
}

static void a_reserve_that_wine_refuses_is_not_watched(void **state)
{
	(void)state;
	wine.refuses = true;
	assert_int_equal(allocate(fake_at(64), 16 * PAGE, MEM_RESERVE |
				  MEM_WRITE_WATCH), REFUSED);
	assert_false(ww_regions_watched(regions, fake_at(64)));
	assert_int_equal(fake.calls[FAKE_REGISTER], 1);	/* the self-test's */
}

static void what_cannot_be_watched_is_left_to_wine(void **state)
{
	struct ww_allocation allocation;

	(void)state;
	ww_start_watching(&services);
	fake_fail_always(FAKE_REGISTER, ENOMEM);
	allocation = call(0, 16 * PAGE - 5, MEM_RESERVE | MEM_WRITE_WATCH);
	assert_int_equal(ww_allocate(&allocation), 0);
	assert_int_equal(wine.n_allocations, 2);
	assert_int_equal(wine.n_frees, 1);
	assert_int_equal(wine.type, MEM_RESERVE | MEM_WRITE_WATCH);
	assert_null(wine.base);
	assert_int_equal(wine.size, 16 * PAGE - 5);
	assert_false(ww_regions_watched(regions, fake_at(64)));
}

static void without_a_registry_wine_does_it_all(void **state)
{
	(void)state;
	can_watch = false;
	assert_int_equal(allocate(0, PAGE, MEM_RESERVE | MEM_WRITE_WATCH), 0);
	assert_int_equal(wine.type, MEM_RESERVE | MEM_WRITE_WATCH);
	assert_int_equal(wine.n_allocations, 1);
	assert_false(fake_registered(64));
}

/* ---- Commit ---- */

static void memory_is_armed_before_wine_commits(void **state)
{
	(void)state;
	assert_int_equal(allocate(fake_at(66), 4 * PAGE, MEM_COMMIT), 0);
	assert_true(wine.was_armed);
	assert_false(fake_protected(65) || fake_protected(70));
	/* unaligned: all pages that it touches */
	wine.was_armed = false;
	assert_int_equal(allocate(fake_at(71) + 8, PAGE, MEM_COMMIT), 0);
	assert_true(wine.was_armed);
	assert_true(fake_protected(72));
	fake_write(67);
	fake_expect(regions, 64, 16, 1, 67);
}

static void a_refused_commit_does_no_harm(void **state)
{
	(void)state;
	wine.refuses = true;
	assert_int_equal(allocate(fake_at(66), 4 * PAGE, MEM_COMMIT), REFUSED);
	wine.refuses = false;
	fake_expect(regions, 64, 16, 0);
	assert_int_equal(allocate(fake_at(66), 4 * PAGE, MEM_COMMIT), 0);
	fake_write(67);
	fake_expect(regions, 64, 16, 1, 67);
}

static void a_commit_beyond_the_view_is_wines_to_refuse(void **state)
{
	(void)state;
	wine.refuses = true;
	fake.calls[FAKE_WRITEPROTECT] = 0;
	assert_int_equal(allocate(fake_at(78), 4 * PAGE, MEM_COMMIT), REFUSED);
	assert_int_equal(wine.n_allocations, 2);
	assert_int_equal((unsigned)allocate(fake_at(78), ~(SIZE_T)0, MEM_COMMIT),
			 0xc00000f2);
	assert_int_equal(wine.n_allocations, 2);
	assert_int_equal(fake.calls[FAKE_WRITEPROTECT], 0);
}

/* ---- MEM_RESET ---- */

static void a_reset_is_checked_and_does_nothing(void **state)
{
	struct ww_allocation allocation;

	(void)state;
	allocate(fake_at(64), 16 * PAGE, MEM_COMMIT);
	fake_write(67);
	wine.n_allocations = 0;
	allocation = call(fake_at(67) + 1, PAGE, MEM_RESET);
	assert_int_equal(ww_allocate(&allocation), 0);
	assert_int_equal((uintptr_t)allocation.base, fake_at(67));
	assert_int_equal(allocation.size, 2 * PAGE);
	assert_int_equal(allocate(fake_at(64), 16 * PAGE, UNDO), 0);
	assert_int_equal(wine.n_allocations, 0);
	fake_expect(regions, 64, 16, 1, 67);
}

static void wrong_resets_are_refused(void **state)
{
	struct ww_allocation allocation;

	(void)state;
	wine.n_allocations = 0;
	assert_int_equal(allocate(fake_at(64), PAGE, MEM_RESET | MEM_COMMIT),
			 STATUS_INVALID_PARAMETER_5);
	assert_int_equal(allocate(fake_at(64), PAGE, MEM_RESET | UNDO),
			 STATUS_INVALID_PARAMETER_5);
	assert_int_equal(allocate(fake_at(78), 4 * PAGE, MEM_RESET),
			 STATUS_CONFLICTING_ADDRESSES);
	assert_int_equal(allocate(fake_at(64), 0, MEM_RESET),
			 STATUS_INVALID_PARAMETER_4);
	allocation = call(fake_at(64), PAGE, MEM_RESET);
	allocation.protect = PAGE_WRITECOPY;
	assert_int_equal(ww_allocate(&allocation), STATUS_INVALID_PAGE_PROTECTION);
	allocation = call(fake_at(64), PAGE, MEM_RESET);
	allocation.protect = 0;
	assert_int_equal(ww_allocate(&allocation), STATUS_INVALID_PAGE_PROTECTION);
	allocation.protect = PAGE_READWRITE | PAGE_READONLY;
	assert_int_equal(ww_allocate(&allocation), STATUS_INVALID_PAGE_PROTECTION);
	assert_int_equal(wine.n_allocations, 0);
}

/* ---- Free ---- */

static void decommit_keeps_written_pages(void **state)
{
	(void)state;
	allocate(fake_at(64), 8 * PAGE, MEM_COMMIT);
	fake_write(66);
	fake_write(70);
	assert_int_equal(release(65, 2 * PAGE, MEM_DECOMMIT), 0);
	assert_true(fake_registered(66));
	fake_expect(regions, 64, 16, 2, 66, 70);
}

static void decommit_of_size_0_is_the_whole_view(void **state)
{
	(void)state;
	allocate(fake_at(64), 8 * PAGE, MEM_COMMIT);
	fake_write(66);
	assert_int_equal(release(64, 0, MEM_DECOMMIT), 0);
	assert_int_equal(wine.size, 0);
	assert_true(fake_registered(64) && fake_registered(79));
	fake_expect(regions, 64, 16, 1, 66);
	assert_int_equal(allocate(fake_at(64), 8 * PAGE, MEM_COMMIT), 0);
	assert_true(wine.was_armed);
}

/* As Wine's own tables have it. */
static void a_refused_decommit_gives_access_back(void **state)
{
	(void)state;
	allocate(fake_at(64), 8 * PAGE, MEM_COMMIT);
	allocate(fake_at(76), 4 * PAGE, MEM_COMMIT);
	fake_write(66);
	fake_write(77);
	wine.refuses = true;
	assert_int_equal(release(66, 12 * PAGE, MEM_DECOMMIT), REFUSED);
	for (size_t page = 64; page < 80; page++)
		if (page < 76)
			assert_int_equal(fake_accessible(page), page < 72);
	assert_false(fake_accessible(76));
	assert_true(fake_accessible(78));
	fake_expect(regions, 64, 16, 2, 66, 77);
	fake_write(67);
	fake_expect(regions, 64, 16, 1, 67);
}

static void decommit_without_memory_never_reaches_wine(void **state)
{
	(void)state;
	assert_int_equal(allocate(fake_at(128), 300 * PAGE, MEM_RESERVE |
				  MEM_COMMIT | MEM_WRITE_WATCH), 0);
	fake_write(200);
	fake_fail_always(FAKE_PROTECT, ENOMEM);
	assert_int_equal(release(128, 300 * PAGE, MEM_DECOMMIT), STATUS_NO_MEMORY);
	fake_heal();
	assert_int_equal(wine.n_frees, 0);
	assert_true(fake_accessible(200));
	fake_expect(regions, 128, 300, 1, 200);
}

static void a_decommit_beyond_the_view_is_refused(void **state)
{
	(void)state;
	allocate(fake_at(64), 16 * PAGE, MEM_COMMIT);
	wine.refuses = true;
	assert_int_equal((unsigned)release(78, 4 * PAGE, MEM_DECOMMIT),
			 0xc000001a);
	assert_int_equal(release(66, 0, MEM_DECOMMIT), REFUSED);
	assert_int_equal(wine.n_frees, 2);
	for (size_t page = 64; page < 80; page++)
		assert_true(fake_accessible(page));
}

static void a_release_ends_the_watch(void **state)
{
	(void)state;
	wine.refuses = true;
	assert_int_equal(release(64, 0, MEM_RELEASE), REFUSED);
	assert_true(ww_regions_watched(regions, fake_at(64)));
	wine.refuses = false;
	assert_int_equal(release(64, 0, MEM_RELEASE), 0);
	assert_false(ww_regions_watched(regions, fake_at(64)));
	assert_false(ww_regions_watched(regions, fake_at(79)));
}

/* Another thread released it between the question and the lock. */
static void what_is_not_watched_any_more_is_wines(void **state)
{
	(void)state;
	assert_int_equal(release(64, 0, MEM_RELEASE), 0);
	fake_mmap(64, 16, true);
	assert_int_equal(allocate(fake_at(64), PAGE, MEM_RESET), 0);
	assert_int_equal(wine.type, MEM_RESET);
	assert_int_equal(release(64, 0, MEM_RELEASE), 0);
	assert_int_equal(wine.n_frees, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
#define RESERVED(name) cmocka_unit_test_setup_teardown(name, begin_reserved, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RESERVED(only_our_own_watched_memory_is_ours),
		TEST(what_replaces_a_placeholder_is_ours),
		TEST(nothing_is_ours_before_the_first_watch),
		TEST(wine_does_not_see_the_watch_flag),
		TEST(reserve_and_commit_is_clean),
		TEST(a_watch_without_reserve_is_refused),
		TEST(a_chosen_base_is_armed_before_it_is_accessible),
		TEST(what_was_released_unseen_is_forgotten),
		TEST(a_reserve_that_wine_refuses_is_not_watched),
		TEST(what_cannot_be_watched_is_left_to_wine),
		TEST(without_a_registry_wine_does_it_all),
		RESERVED(memory_is_armed_before_wine_commits),
		RESERVED(a_refused_commit_does_no_harm),
		RESERVED(a_commit_beyond_the_view_is_wines_to_refuse),
		RESERVED(a_reset_is_checked_and_does_nothing),
		RESERVED(wrong_resets_are_refused),
		RESERVED(decommit_keeps_written_pages),
		RESERVED(decommit_of_size_0_is_the_whole_view),
		RESERVED(a_refused_decommit_gives_access_back),
		RESERVED(decommit_without_memory_never_reaches_wine),
		RESERVED(a_decommit_beyond_the_view_is_refused),
		RESERVED(a_release_ends_the_watch),
		RESERVED(what_is_not_watched_any_more_is_wines),
	};

	return FAKE_RUN(tests);
}
