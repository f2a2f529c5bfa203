/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each state that a page can be in: what mainline says of it, before and after
 * it is protected, and what accesses make of it then. */
#include "scan.h"

#define ALL .returned = 511
#define NEW(...) SCAN(guard_2026, __VA_ARGS__)

/* Watched pages, on a kernel without soft-dirty. */
static void begin(size_t n_pages)
{
	fresh(n_pages, WATCHED);
	model.pages.soft_dirty = false;
}

static void protect_all(void)
{
	NEW(.flags = MATCHING, .no_vec = true);
}

static void untouched(void **state)
{
	(void)state;
	begin(512);
	is(NEW(ALL), "1: 0-511=3");
	protect_all();
	is(NEW(ALL), "1: 0-511=11");
	read_pages(0, 1);
	write_pages(1, 1);
	is(NEW(ALL), "3: 0=29 1=b 2-511=11");
}

static void present(void **state)
{
	(void)state;
	begin(4);
	write_pages(0, 3);
	ww_model_protect(&model, 1, 1, false);
	read_pages(3, 1);
	is(NEW(ALL), "2: 0-2=b 3=2b");
	protect_all();
	is(NEW(ALL), "2: 0-2=9 3=29");
	assert_false(ww_model_write(&model, 1));
	write_pages(2, 2);
	is(NEW(ALL), "2: 0-1=9 2-3=b");
}

static void swapped(void **state)
{
	(void)state;
	begin(2);
	write_pages(0, 2);
	ww_model_swap_out(&model, 0, 2);
	is(NEW(ALL), "1: 0-1=13");
	protect_all();
	is(NEW(ALL), "1: 0-1=11");
	read_pages(0, 1);
	write_pages(1, 1);
	is(NEW(ALL), "2: 0=9 1=b");
}

static void migrating(void **state)
{
	(void)state;
	begin(2);
	write_pages(0, 2);
	ww_model_migrate(&model, 0, false);
	is(NEW(ALL), "2: 0=13 1=b");
	protect_all();
	ww_model_migrate(&model, 0, true);
	is(NEW(ALL), "1: 0-1=9");
}

static void guard_and_poison(void **state)
{
	(void)state;
	begin(3);
	ww_model_guard(&model, 0, 1);
	ww_model_poison(&model, 1);
	is(NEW(ALL), "3: 0=113 1=13 2=3");
	assert_false(ww_model_read(&model, 0));
	assert_false(ww_model_write(&model, 1));
	ww_model_discard(&model, 0, 3, false);
	is(NEW(ALL), "2: 0=113 1-2=3");
	ww_model_unguard(&model, 0, 3);
	is(NEW(ALL), "1: 0-2=3");
}

static void huge(void **state)
{
	(void)state;
	begin(1024);
	ww_model_collapse(&model, 0, false);
	ww_model_collapse(&model, 512, true);
	is(NEW(ALL), "2: 0-511=4b 512-1023=6b");
	protect_all();
	is(NEW(ALL), "2: 0-511=49 512-1023=69");
	/* one byte: only its page is written */
	write_pages(5, 1);
	is(NEW(ALL), "4: 0-4=9 5=b 6-511=9 512-1023=69");
	ww_model_discard(&model, 512, 512, true);
	is(NEW(.first = 512, ALL), "1: 512-1023=3");
}

static void unregistered(void **state)
{
	(void)state;
	begin(4);
	write_pages(0, 1);
	protect_all();
	ww_model_unregister(&model, 0, 4);
	is(NEW(ALL), "2: 0=a 1-3=2");
}

static void forked(void **state)
{
	struct ww_model child, parent;

	(void)state;
	begin(4);
	write_pages(0, 2);
	protect_all();
	assert_int_equal(ww_model_fork(&child, &model), 0);
	parent = model;
	model = child;
	is(NEW(ALL), "2: 0-1=a 2-3=2");
	ww_model_close(&model);
	model = parent;
	is(NEW(ALL), "2: 0-1=9 2-3=11");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(untouched),
		cmocka_unit_test(present),
		cmocka_unit_test(swapped),
		cmocka_unit_test(migrating),
		cmocka_unit_test(guard_and_poison),
		cmocka_unit_test(huge),
		cmocka_unit_test(unregistered),
		cmocka_unit_test(forked),
	};

	return RUN(tests);
}
