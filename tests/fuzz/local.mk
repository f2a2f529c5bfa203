# SPDX-License-Identifier: LGPL-2.1-or-later
# Fuzz targets. "make check" runs each on its corpus, with any compiler; "make
# check-fuzz" looks for new inputs with libFuzzer, FUZZ_SECONDS a target.
FUZZ_SECONDS = 60
fuzz_tests = tests/fuzz/engine.sh

check_PROGRAMS += tests/fuzz/pagemap_engine
TESTS += tests/fuzz/pagemap_engine
tests_fuzz_pagemap_engine_SOURCES = \
	tests/fuzz/fuzz.h \
	tests/fuzz/pagemap_engine.c \
	tests/fuzz/replay.c \
	tests/kernel/tap.c \
	tests/kernel/tap.h
tests_fuzz_pagemap_engine_LDADD = libwwmodel.la
dist_check_SCRIPTS += $(fuzz_tests)
EXTRA_DIST += tests/fuzz/run.sh tests/fuzz/corpus
AM_TESTS_ENVIRONMENT += FUZZ_SECONDS='$(FUZZ_SECONDS)'; export FUZZ_SECONDS;

check-fuzz:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(fuzz_tests)'

clean-fuzz:
	rm -rf tests/fuzz/*.fuzz
clean-local: clean-fuzz
.PHONY: check-fuzz clean-fuzz
