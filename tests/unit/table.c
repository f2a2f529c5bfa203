/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finding and replacing entries of a service table, in made-up images. */
#include "fake.h"

#include "../../dlls/winewatch/table.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* Code, constants, read-only-after-loading data and data, a page each; then one
 * that does not belong to the image. */
enum { CODE, CONSTANTS, RELRO, DATA, OUTSIDE, N_PARTS };

static char *memory;
static struct ww_image image;

static void **word(int part, size_t i)
{
	return (void **)(memory + part * ww_page_size()) + i;
}

static void *function(size_t i)
{
	return word(CODE, i);
}

static int begin(void **state)
{
	size_t page_size = ww_page_size();
	uintptr_t base;

	(void)state;
	memory = mmap(NULL, N_PARTS * page_size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	base = (uintptr_t)memory;
	image = (struct ww_image){
		.segments = {
			{ base, base + page_size, false, true },
			{ base + page_size, base + RELRO * page_size, false, false },
			{ base + RELRO * page_size, base + OUTSIDE * page_size,
			  true, false },
		},
		.n_segments = 3,
		.relro_start = base + RELRO * page_size,
		.relro_end = base + DATA * page_size,
	};
	/* the table: ten services, around the middle of the part */
	for (size_t i = 0; i < 10; i++)
		*word(RELRO, 100 + i) = function(i);
	return 0;
}

static int end(void **state)
{
	(void)state;
	return munmap(memory, N_PARTS * ww_page_size());
}

static void protect(int part, int protection)
{
	mprotect(memory + part * ww_page_size(), ww_page_size(), protection);
}

static bool is_writable(int part)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512], rights[5];
	uintptr_t start, stop, at = (uintptr_t)word(part, 0);
	bool writable = false;

	while (fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx %4s", &start, &stop, rights) == 3 &&
		    at >= start && at < stop)
			writable = rights[1] == 'w';
	fclose(maps);
	return writable;
}

static void the_slot_is_where_the_address_is(void **state)
{
	(void)state;
	for (size_t i = 1; i < 9; i++)
		assert_ptr_equal(ww_find_slot(&image, function(i)),
				 word(RELRO, 100 + i));
	assert_null(ww_find_slot(&image, function(50)));
}

static void two_hits_are_none(void **state)
{
	(void)state;
	*word(DATA, 7) = function(4);
	assert_null(ww_find_slot(&image, function(4)));
	/* even if the other has code around it, too */
	*word(DATA, 6) = function(1);
	*word(DATA, 8) = function(2);
	assert_null(ww_find_slot(&image, function(4)));
	*word(DATA, 7) = NULL;
	assert_non_null(ww_find_slot(&image, function(4)));
}

static void a_hit_without_code_around_it_is_none(void **state)
{
	(void)state;
	/* the ends of the table */
	assert_null(ww_find_slot(&image, function(0)));
	assert_null(ww_find_slot(&image, function(9)));
	*word(RELRO, 104) = word(DATA, 0);
	assert_null(ww_find_slot(&image, function(3)));
	assert_null(ww_find_slot(&image, function(5)));
	assert_non_null(ww_find_slot(&image, function(2)));
}

static void the_ends_of_a_segment_have_no_neighbours(void **state)
{
	size_t last = 2 * ww_page_size() / sizeof(void *) - 1;

	(void)state;
	*word(RELRO, 0) = function(20);
	*word(RELRO, 1) = function(21);
	assert_null(ww_find_slot(&image, function(20)));
	*word(RELRO, last) = function(22);
	*word(RELRO, last - 1) = function(23);
	*word(OUTSIDE, 0) = function(24);
	assert_null(ww_find_slot(&image, function(22)));
}

static void only_writable_segments_are_searched(void **state)
{
	(void)state;
	for (int part = CODE; part <= OUTSIDE; part++) {
		if (part == RELRO || part == DATA)
			continue;
		*word(part, 200) = function(30);
		*word(part, 201) = function(31);
		*word(part, 202) = function(32);
		assert_null(ww_find_slot(&image, function(31)));
		/* nor do they make a second hit */
		*word(part, 203) = function(4);
		assert_non_null(ww_find_slot(&image, function(4)));
	}
}

static void text_is_looked_for_in_constants(void **state)
{
	(void)state;
	strcpy((char *)word(DATA, 0), "in data");
	strcpy((char *)word(CONSTANTS, 0), "in constants");
	assert_true(ww_image_contains(&image, "in constants"));
	assert_false(ww_image_contains(&image, "in data"));
	assert_false(ww_image_contains(&image, "nowhere"));
}

/* ---- Replacing ---- */

static void replaced_slots_are_read_only_again(void **state)
{
	void **const slots[] = { word(RELRO, 101), word(DATA, 5), word(RELRO, 103) };
	void *const values[] = { function(41), function(42), function(43) };

	(void)state;
	protect(RELRO, PROT_READ);
	assert_int_equal(ww_replace_slots(&image, slots, values, 3), 0);
	for (size_t i = 0; i < 3; i++)
		assert_ptr_equal(*slots[i], values[i]);
	assert_ptr_equal(*word(RELRO, 102), function(2));
	assert_false(is_writable(RELRO));
	assert_true(is_writable(DATA));
}

/* The dynamic loader protects whole pages: of a range that ends within one,
 * that page stays writable. */
static void a_page_that_relro_only_begins_stays_writable(void **state)
{
	void **const slots[] = { word(DATA, 1) };
	void *const values[] = { function(41) };

	(void)state;
	image.relro_end += 64;
	assert_int_equal(ww_replace_slots(&image, slots, values, 1), 0);
	assert_ptr_equal(*slots[0], function(41));
	assert_true(is_writable(DATA));
}

/* A page that cannot be made writable: it is not there. */
static void all_or_nothing(void **state)
{
	size_t page_size = ww_page_size();
	void **const slots[] = { word(RELRO, 101), word(OUTSIDE, 5) };
	void *const values[] = { function(41), function(42) };

	(void)state;
	image.relro_end = (uintptr_t)memory + N_PARTS * page_size;
	munmap(memory + OUTSIDE * page_size, page_size);
	protect(RELRO, PROT_READ);
	assert_int_equal(ww_replace_slots(&image, slots, values, 2), -ENOMEM);
	assert_ptr_equal(*word(RELRO, 101), function(1));
	assert_false(is_writable(RELRO));
}

/* ---- Real images ---- */

static void our_own_image_is_found(void **state)
{
	struct ww_image own;
	bool code = false;

	(void)state;
	assert_true(ww_image_of((const void *)our_own_image_is_found, &own));
	for (size_t i = 0; i < own.n_segments; i++)
		if ((uintptr_t)our_own_image_is_found >= own.segments[i].start &&
		    (uintptr_t)our_own_image_is_found < own.segments[i].end)
			code = own.segments[i].executable;
	assert_true(code);
	assert_true(own.relro_end > own.relro_start);
	assert_false(ww_image_of(memory, &own));
	assert_false(ww_image_of(NULL, &own));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_slot_is_where_the_address_is),
		TEST(two_hits_are_none),
		TEST(a_hit_without_code_around_it_is_none),
		TEST(the_ends_of_a_segment_have_no_neighbours),
		TEST(only_writable_segments_are_searched),
		TEST(text_is_looked_for_in_constants),
		TEST(replaced_slots_are_read_only_again),
		TEST(a_page_that_relro_only_begins_stays_writable),
		TEST(all_or_nothing),
		TEST(our_own_image_is_found),
	};

	return FAKE_RUN(tests);
}
