# SPDX-License-Identifier: LGPL-2.1-or-later
# Fuzz targets. "make check" runs each on its corpus, with any compiler; "make
# fuzz" looks for new inputs with libFuzzer, FUZZ_SECONDS a target.
FUZZ_SECONDS = 60

check_PROGRAMS += tests/fuzz/pagemap_engine
TESTS += tests/fuzz/pagemap_engine
tests_fuzz_pagemap_engine_SOURCES = \
	tests/fuzz/fuzz.h \
	tests/fuzz/pagemap_engine.c \
	tests/fuzz/replay.c \
	tests/kernel/tap.c \
	tests/kernel/tap.h
tests_fuzz_pagemap_engine_LDADD = libwwmodel.la
EXTRA_DIST += tests/fuzz/run.sh tests/fuzz/corpus
pagemap_engine_sources = \
	kernel/pagemap/decode.c \
	kernel/pagemap/emit.c \
	kernel/pagemap/engine.c \
	kernel/pagemap/model.c \
	kernel/pagemap/revisions.c \
	kernel/pagemap/user.c

.PHONY: fuzz
fuzz: tests/fuzz/pagemap_engine
	$(AM_TESTS_ENVIRONMENT) $(SHELL) $(srcdir)/tests/fuzz/run.sh \
		pagemap_engine $(FUZZ_SECONDS) $(pagemap_engine_sources)

clean-fuzz:
	rm -rf tests/fuzz/*.fuzz
clean-local: clean-fuzz
.PHONY: clean-fuzz
