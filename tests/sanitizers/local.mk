# SPDX-License-Identifier: LGPL-2.1-or-later
# The tests under sanitizers and memcheck, and as 32-bit programs, and what
# analyzers say: "make check-sanitizers", and all of them in "make check-long".
sanitizer_tests = \
	tests/sanitizers/address.sh \
	tests/sanitizers/analyzers.sh \
	tests/sanitizers/m32.sh \
	tests/sanitizers/memcheck.sh \
	tests/sanitizers/thread.sh
dist_check_SCRIPTS += $(sanitizer_tests)
EXTRA_DIST += tests/sanitizers/findings tests/sanitizers/lib.sh \
	tests/sanitizers/thread.supp tests/unit/m32/cmocka.h .clang-tidy

check-sanitizers:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(sanitizer_tests)'

clean-sanitizers:
	rm -rf tests/sanitizers/address tests/sanitizers/analyzers \
		tests/sanitizers/m32 tests/sanitizers/memcheck tests/sanitizers/thread
clean-local: clean-sanitizers
.PHONY: check-sanitizers clean-sanitizers
