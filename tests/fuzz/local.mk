# SPDX-License-Identifier: LGPL-2.1-or-later
# Fuzz targets. "make check" runs each on its corpus, with any compiler; "make
# check-fuzz" looks for new inputs with libFuzzer, FUZZ_SECONDS a target, or as
# long as each script says.
FUZZ_SECONDS =
fuzz_tests = tests/fuzz/engine.sh tests/fuzz/table.sh
fuzz_common_sources = \
	tests/fuzz/fuzz.h \
	tests/fuzz/input.h \
	tests/fuzz/replay.c \
	tests/kernel/tap.c \
	tests/kernel/tap.h

check_PROGRAMS += tests/fuzz/pagemap_engine tests/fuzz/table_finder
TESTS += tests/fuzz/pagemap_engine tests/fuzz/table_finder
tests_fuzz_pagemap_engine_SOURCES = tests/fuzz/pagemap_engine.c \
	$(fuzz_common_sources)
tests_fuzz_pagemap_engine_LDADD = libwwmodel.la

# With a dynamic loader of its own.
tests_fuzz_table_finder_SOURCES = tests/fuzz/table_finder.c \
	dlls/winewatch/table.c $(fuzz_common_sources)
tests_fuzz_table_finder_CPPFLAGS = $(AM_CPPFLAGS) \
	-Ddl_iterate_phdr=fuzz_iterate_libraries
tests_fuzz_table_finder_LDADD = libwwkernel.la

if WITH_CMOCKA
fuzz_tests += tests/fuzz/regions.sh
check_PROGRAMS += tests/fuzz/registry
TESTS += tests/fuzz/registry
tests_fuzz_registry_SOURCES = tests/fuzz/registry.c $(fuzz_common_sources)
tests_fuzz_registry_LDADD = libwwfake.la

if WITH_DLLS
fuzz_tests += tests/fuzz/arguments.sh
check_PROGRAMS += tests/fuzz/nt_arguments
TESTS += tests/fuzz/nt_arguments
tests_fuzz_nt_arguments_SOURCES = tests/fuzz/nt_arguments.c \
	$(fuzz_common_sources)
tests_fuzz_nt_arguments_CPPFLAGS = $(AM_CPPFLAGS) $(WINE_CPPFLAGS)
tests_fuzz_nt_arguments_LDADD = libwwntdll.la libwwfake.la
endif
endif

# The command itself but for its main(), stopped where a command would begin.
fuzz_tool_objects = $(filter-out tools/winewatch-winewatch.o, \
	$(tools_winewatch_OBJECTS))
if WITH_TOOL
fuzz_tests += tests/fuzz/command.sh tests/fuzz/foreign.sh
check_PROGRAMS += tests/fuzz/options tests/fuzz/shared
TESTS += tests/fuzz/options tests/fuzz/shared
endif
tests_fuzz_options_SOURCES = tests/fuzz/options.c $(fuzz_common_sources)
tests_fuzz_options_CPPFLAGS = $(tools_winewatch_CPPFLAGS)
tests_fuzz_options_LDFLAGS = \
	-Wl,--wrap=argp_parse,--wrap=argp_error \
	-Wl,--wrap=resize_array,--wrap=format_text
tests_fuzz_options_LDADD = $(fuzz_tool_objects) $(tools_winewatch_LDADD)
tests_fuzz_options_DEPENDENCIES = $(fuzz_tool_objects) libwwkernel.la
tests_fuzz_shared_SOURCES = tests/fuzz/shared.c $(fuzz_common_sources)
tests_fuzz_shared_LDADD = $(fuzz_tool_objects) $(tools_winewatch_LDADD)
tests_fuzz_shared_DEPENDENCIES = $(fuzz_tool_objects) libwwkernel.la

dist_check_SCRIPTS += tests/fuzz/engine.sh tests/fuzz/arguments.sh \
	tests/fuzz/command.sh tests/fuzz/regions.sh tests/fuzz/foreign.sh \
	tests/fuzz/table.sh
EXTRA_DIST += tests/fuzz/run.sh tests/fuzz/corpus
AM_TESTS_ENVIRONMENT += \
	FUZZ_SECONDS='$(FUZZ_SECONDS)'; export FUZZ_SECONDS; \
	TOOL_OBJECTS='$(fuzz_tool_objects)'; export TOOL_OBJECTS; \
	TOOL_LIBS='$(JANSSON_LIBS) $(NCURSES_LIBS) -lm'; export TOOL_LIBS; \
	WINE_CPPFLAGS='$(WINE_CPPFLAGS)'; export WINE_CPPFLAGS;

check-fuzz:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(fuzz_tests)'

clean-fuzz:
	rm -rf tests/fuzz/*.fuzz
clean-local: clean-fuzz
.PHONY: check-fuzz clean-fuzz
