# SPDX-License-Identifier: LGPL-2.1-or-later
EXTRA_DIST += packaging/install-dependencies.sh

if WITH_TOOL
bin_PROGRAMS += tools/winewatch
endif
tools_winewatch_SOURCES = \
	bench/bench.c \
	bench/bench.h \
	bench/ioctl.c \
	bench/machine.c \
	bench/memory.c \
	bench/method.h \
	bench/mix.c \
	bench/pages.c \
	bench/pattern.c \
	bench/pattern.h \
	bench/reservations.c \
	bench/threads.c \
	bench/touch.c \
	bench/unwatched.c \
	bench/wine-10.7.c \
	bench/wine-stock.c \
	bench/winewatch.c \
	include/private/environment.h \
	tools/bench.c \
	tools/bench_plots.c \
	tools/bench_report.c \
	tools/bench_report.h \
	tools/bench_targets.c \
	tools/bench_wine.c \
	tools/bench_wine.h \
	tools/child.c \
	tools/child.h \
	tools/commands.h \
	tools/conform.c \
	tools/conform_report.c \
	tools/conform_report.h \
	tools/doctor.c \
	tools/faults.c \
	tools/faults.h \
	tools/foreign_text.c \
	tools/foreign_text.h \
	tools/matrix.c \
	tools/matrix.h \
	tools/prefix.c \
	tools/prefix.h \
	tools/preload.c \
	tools/preload.h \
	tools/report.c \
	tools/report.h \
	tools/run.c \
	tools/suite.c \
	tools/suite.h \
	tools/tool.c \
	tools/tool.h \
	tools/top.c \
	tools/top.h \
	tools/top_look.c \
	tools/top_screen.c \
	tools/top_text.c \
	tools/top_tree.c \
	tools/try_wine.c \
	tools/try_wine.h \
	tools/winewatch.c
tools_winewatch_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) \
	$(NCURSES_CFLAGS) -DPKGLIBDIR='"$(pkglibdir)"'
tools_winewatch_CFLAGS = $(AM_CFLAGS) -pthread
# The convenience library, not the shared one: the command knows a build tree by
# its own place in it, so it must be the program itself and not a wrapper that
# libtool makes for finding libraries that are not installed.
tools_winewatch_LDADD = libwwkernel.la $(JANSSON_LIBS) $(NCURSES_LIBS) \
	-lm

# The conformance suite, where winewatch conform finds it: its programs are in
# tests/win32, the lists of known faults beside the command.
conformdir = $(pkglibdir)/conform
conform32dir = $(conformdir)/i386-windows
fault_lists = \
	tools/conform/known-faults-8.0 \
	tools/conform/known-faults-10.0 \
	tools/conform/known-faults-i386 \
	tools/conform/known-faults-winewatch \
	tools/conform/known-faults-wow64
if WITH_TOOL
conform_DATA = $(fault_lists)
if WITH_MINGW
conform_DATA += tests/win32/x86_64-windows/writewatch.exe
endif
if WITH_MINGW32
conform32_DATA = tests/win32/i386-windows/writewatch.exe
endif
endif
$(fault_lists): tools/conform/%: tests/wine/%
	$(AM_V_GEN)$(MKDIR_P) $(@D) && cp $< $@
CLEANFILES += $(fault_lists)
