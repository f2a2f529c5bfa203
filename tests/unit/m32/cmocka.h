/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the tests use of cmocka, for 32-bit programs: systems have it for 64-bit
 * ones alone. One program has one group, and one source includes this for it.
 */
#ifndef TESTS_UNIT_M32_CMOCKA_H
#define TESTS_UNIT_M32_CMOCKA_H

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

struct CMUnitTest {
	const char *name;
	void (*test)(void **state);
	int (*setup)(void **state);
	int (*teardown)(void **state);
};

#define cmocka_unit_test_setup_teardown(test, setup, teardown) \
	{ #test, test, setup, teardown }
#define cmocka_unit_test_setup(test, setup) { #test, test, setup, NULL }
#define cmocka_unit_test(test) { #test, test, NULL, NULL }

enum { M32_FAILED = 1, M32_SKIPPED };

/* Several objects of a program may fail a test that one of them runs. */
jmp_buf m32_end __attribute__((weak));

static inline void __attribute__((noreturn))
m32_fail(const char *file, int line, const char *text)
{
	printf("# %s:%d: %s\n", file, line, text);
	longjmp(m32_end, M32_FAILED);
}

#define m32_assert(right, text) \
	((right) ? (void)0 : m32_fail(__FILE__, __LINE__, text))
#define assert_true(c) m32_assert(c, #c)
#define assert_false(c) m32_assert(!(c), "not " #c)
#define assert_null(p) assert_ptr_equal(p, NULL)
#define assert_non_null(p) assert_ptr_not_equal(p, NULL)
#define assert_ptr_equal(a, b) \
	m32_assert((const void *)(a) == (const void *)(b), #a " == " #b)
#define assert_ptr_not_equal(a, b) \
	m32_assert((const void *)(a) != (const void *)(b), #a " != " #b)
#define assert_int_equal(a, b) \
	m32_assert((unsigned long long)(a) == (unsigned long long)(b), \
		   #a " == " #b)
#define assert_in_range(n, low, high) \
	m32_assert((unsigned long long)(n) - (low) <= \
		   (unsigned long long)(high) - (low), #n " is in range")
#define assert_string_equal(a, b) m32_assert(!strcmp(a, b), #a " == " #b)
#define assert_string_not_equal(a, b) m32_assert(strcmp(a, b), #a " != " #b)
#define assert_memory_equal(a, b, n) m32_assert(!memcmp(a, b, n), #a " == " #b)
#define fail_msg(...) \
	(printf("# " __VA_ARGS__), putchar('\n'), \
	 m32_fail(__FILE__, __LINE__, "fails"))
#define skip() longjmp(m32_end, M32_SKIPPED)

static inline int m32_run(const struct CMUnitTest *test, int number)
{
	void *state = NULL;
	int ended = setjmp(m32_end);

	if (!ended) {
		if (test->setup && test->setup(&state))
			m32_fail(__FILE__, __LINE__, "its setup fails");
		test->test(&state);
	}
	if (ended != M32_FAILED && test->teardown && test->teardown(&state))
		ended = M32_FAILED;
	printf("%s %d - %s%s\n", ended == M32_FAILED ? "not ok" : "ok", number,
	       test->name, ended == M32_SKIPPED ? " # SKIP" : "");
	fflush(stdout);
	return ended == M32_FAILED;
}

static inline int m32_run_all(const struct CMUnitTest *tests, int n)
{
	int n_failed = 0;

	printf("1..%d\n", n);
	for (int i = 0; i < n; i++)
		n_failed += m32_run(&tests[i], i + 1);
	return n_failed;
}

#define cmocka_run_group_tests(tests, setup, teardown) \
	m32_run_all(tests, (int)(sizeof(tests) / sizeof((tests)[0])))
#define cmocka_set_message_output(output) ((void)0)

#endif
