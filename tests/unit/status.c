/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* NtGetWriteWatch and NtResetWriteWatch: statuses, and the order of the checks. */
#include "fake.h"

#include "ntwritewatch.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE ww_page_size()
#define N_PAGES 16

static struct ww_regions *regions;
static PVOID addresses[N_PAGES];

static int begin(void **state)
{
	(void)state;
	fake_reset();
	regions = fake_regions();
	fake_reserve(regions, 0, N_PAGES, true);
	fake_reserve(regions, N_PAGES, N_PAGES, true);
	fake_write(3);
	fake_write(7);
	return 0;
}

static int end(void **state)
{
	(void)state;
	fake_heal();
	ww_regions_close(regions);
	return 0;
}

static void every_failure_has_its_status(void **state)
{
	static const struct {
		enum ww_nt_failure failure;
		unsigned status;
	} rows[] = {
		{ WW_NT_COUNT_MISSING, 0xc0000005 },
		{ WW_NT_GRANULARITY_MISSING, 0xc0000005 },
		{ WW_NT_COUNT_ZERO, 0xc00000f3 },
		{ WW_NT_COUNT_OVERFLOW, 0xc00000f3 },
		{ WW_NT_SIZE_ZERO, 0xc00000f2 },
		{ WW_NT_SIZE_WRAPS, 0xc00000f1 },
		{ WW_NT_FLAGS_UNKNOWN, 0xc00000f0 },
		{ WW_NT_ADDRESSES_MISSING, 0xc0000005 },
		{ WW_NT_RANGE_LEAVES_REGION, 0xc00000f1 },
		{ WW_NT_NO_MEMORY, 0xc0000017 },
		{ WW_NT_DENIED, 0xc0000022 },
		{ WW_NT_ENDED, 0xc000010a },
	};

	(void)state;
	assert_int_equal(sizeof(rows) / sizeof(rows[0]), WW_NT_ENDED + 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(rows[i].failure, i);
		assert_int_equal((unsigned)ww_nt_status(rows[i].failure),
				 rows[i].status);
	}
}

/* A call, right in all its arguments. */
struct call {
	ULONG flags;
	ULONG_PTR base;
	SIZE_T size;
	PVOID *addresses;
	ULONG_PTR *count;
	ULONG_PTR count_in;
	ULONG *granularity;
};

static ULONG_PTR count;
static ULONG granularity;

static struct call right_call(void)
{
	return (struct call){
		.base = fake_at(0), .size = N_PAGES * PAGE,
		.addresses = addresses, .count = &count, .count_in = N_PAGES,
		.granularity = &granularity,
	};
}

static NTSTATUS make(const struct call *call)
{
	struct ww_nt_get get = {
		.flags = call->flags, .base = (PVOID)call->base,
		.size = call->size, .addresses = call->addresses,
		.count = call->count, .granularity = call->granularity,
	};
	NTSTATUS status;

	count = call->count_in;
	granularity = 0xabcd;
	memset(addresses, 0xee, sizeof(addresses));
	status = ww_nt_check_get(&get);
	return status ? status : ww_nt_get(regions, &get);
}

static NTSTATUS make_reset(uintptr_t base, SIZE_T size)
{
	NTSTATUS status = ww_nt_check_reset((PVOID)base, size);

	return status ? status : ww_nt_reset(regions, (PVOID)base, size);
}

/* The wrong arguments, in the order in which they are found. Two that need the
 * same argument cannot come together. */
static void no_count(struct call *call) { call->count = NULL; }
static void no_granularity(struct call *call) { call->granularity = NULL; }
static void zero_count(struct call *call) { call->count_in = 0; }
static void huge_count(struct call *call) { call->count_in = ~(ULONG_PTR)0 / 8 + 1; }
static void zero_size(struct call *call) { call->size = 0; }
static void wrapping_size(struct call *call) { call->size = ~(SIZE_T)0; }
static void unknown_flag(struct call *call) { call->flags = 2; }
static void all_flags(struct call *call) { call->flags = ~0u; }
static void no_addresses(struct call *call) { call->addresses = NULL; }
static void null_base(struct call *call) { call->base = 0; }
static void other_base(struct call *call) { call->base = fake_at(1000); }
static void two_regions(struct call *call) { call->size = N_PAGES * PAGE + 1; }

static const struct {
	void (*spoil)(struct call *call);
	char argument;
	unsigned status;
} wrongs[] = {
	{ no_count, 'c', 0xc0000005 },
	{ no_granularity, 'g', 0xc0000005 },
	{ zero_count, 'n', 0xc00000f3 },
	{ huge_count, 'n', 0xc00000f3 },
	{ zero_size, 's', 0xc00000f2 },
	{ wrapping_size, 's', 0xc00000f1 },
	{ unknown_flag, 'f', 0xc00000f0 },
	{ all_flags, 'f', 0xc00000f0 },
	{ no_addresses, 'a', 0xc0000005 },
	{ null_base, 'b', (unsigned)WW_NT_NOT_OURS },
	{ other_base, 'b', (unsigned)WW_NT_NOT_OURS },
	{ two_regions, 's', 0xc00000f1 },
};

#define N_WRONGS (sizeof(wrongs) / sizeof(wrongs[0]))

/* A base of 0 makes the longest size end below the top. */
static bool contradict(size_t i, size_t k)
{
	return wrongs[i].argument == wrongs[k].argument ||
	       (wrongs[i].spoil == wrapping_size && wrongs[k].spoil == null_base);
}

static void expect_untouched(const struct call *call)
{
	assert_int_equal(count, call->count_in);
	assert_int_equal(granularity, 0xabcd);
	for (size_t i = 0; i < N_PAGES; i++)
		assert_int_equal((uintptr_t)addresses[i], 0xeeeeeeeeeeeeeeee);
	fake_expect(regions, 0, N_PAGES, 2, 3, 7);
	fake_write(3);
	fake_write(7);
}

static void a_wrong_argument_fails_and_changes_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_WRONGS; i++) {
		struct call call = right_call();

		call.flags = WRITE_WATCH_FLAG_RESET;
		wrongs[i].spoil(&call);
		assert_int_equal((unsigned)make(&call), wrongs[i].status);
		expect_untouched(&call);
	}
}

static void of_two_wrong_arguments_the_earlier_counts(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_WRONGS; i++)
		for (size_t k = i + 1; k < N_WRONGS; k++) {
			struct call call = right_call();

			if (contradict(i, k))
				continue;
			wrongs[i].spoil(&call);
			wrongs[k].spoil(&call);
			if ((unsigned)make(&call) != wrongs[i].status)
				fail_msg("rows %zu and %zu", i, k);
			expect_untouched(&call);
		}
}

static void success_stores_pages_count_and_granularity(void **state)
{
	struct call call = right_call();

	(void)state;
	assert_int_equal(make(&call), 0);
	assert_int_equal(count, 2);
	assert_int_equal(granularity, PAGE);
	assert_int_equal((uintptr_t)addresses[0], fake_at(3));
	assert_int_equal((uintptr_t)addresses[1], fake_at(7));
	call.flags = WRITE_WATCH_FLAG_RESET;
	call.count_in = 1;
	assert_int_equal(make(&call), 0);
	assert_int_equal(count, 1);
	assert_int_equal(make(&call), 0);
	assert_int_equal((uintptr_t)addresses[0], fake_at(7));
	assert_int_equal(make(&call), 0);
	assert_int_equal(count, 0);
}

static void an_unaligned_range_is_widened(void **state)
{
	struct call call = right_call();

	(void)state;
	call.base = fake_at(3) + 100;
	call.size = 1;
	assert_int_equal(make(&call), 0);
	assert_int_equal(count, 1);
	assert_int_equal((uintptr_t)addresses[0], fake_at(3));
	/* up to the last byte of the region, and one further */
	call.size = fake_at(N_PAGES) - call.base;
	assert_int_equal(make(&call), 0);
	call.size++;
	assert_int_equal((unsigned)make(&call), 0xc00000f1);
}

/* An array that just holds the pages of the range, right before memory that
 * cannot be touched, and a count that promises far more. */
static void a_huge_count_is_clamped_to_the_range(void **state)
{
	char *memory = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct call call = right_call();

	(void)state;
	mprotect(memory + PAGE, PAGE, PROT_NONE);
	call.addresses = (PVOID *)(memory + PAGE) - N_PAGES;
	call.count_in = ~(ULONG_PTR)0 / sizeof(PVOID);
	assert_int_equal(make(&call), 0);
	assert_int_equal(count, 2);
	munmap(memory, 2 * PAGE);
}

static void a_reset_checks_like_a_get(void **state)
{
	static const struct {
		size_t base;
		SIZE_T size;
		unsigned status;
	} rows[] = {
		{ 0, 0, 0xc00000f2 },
		{ 1000, 0, 0xc00000f2 },
		{ 0, ~(SIZE_T)0, 0xc00000f1 },
		{ 1000, ~(SIZE_T)0, 0xc00000f1 },
		{ 1000, 1, (unsigned)WW_NT_NOT_OURS },
		{ 8, 9 * 4096, 0xc00000f1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal((unsigned)make_reset(fake_at(rows[i].base),
						      rows[i].size),
				 rows[i].status);
	fake_expect(regions, 0, N_PAGES, 2, 3, 7);
	fake_write(3);
	fake_write(7);
	assert_int_equal(make_reset(fake_at(3) + 1, 1), 0);
	fake_expect(regions, 0, N_PAGES, 1, 7);
}

static void *call_in_thread(void *argument)
{
	struct call call = right_call();

	*(NTSTATUS *)argument = make(&call);
	return NULL;
}

/* The main thread has its slot; a new one has none to take over. */
static void no_memory_for_a_slot_is_told(void **state)
{
	struct ww_query query;
	NTSTATUS status = 0;
	pthread_t thread;

	(void)state;
	assert_int_equal(ww_query_begin(&query, regions, fake_at(0), 1), 0);
	ww_query_end(&query);
	fake_fail_always(FAKE_MAP, ENOMEM);
	pthread_create(&thread, NULL, call_in_thread, &status);
	pthread_join(thread, NULL);
	assert_int_equal((unsigned)status, 0xc0000017);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_failure_has_its_status),
		TEST(a_wrong_argument_fails_and_changes_nothing),
		TEST(of_two_wrong_arguments_the_earlier_counts),
		TEST(success_stores_pages_count_and_granularity),
		TEST(an_unaligned_range_is_widened),
		TEST(a_huge_count_is_clamped_to_the_range),
		TEST(a_reset_checks_like_a_get),
		TEST(no_memory_for_a_slot_is_told),
	};

	return FAKE_RUN(tests);
}
