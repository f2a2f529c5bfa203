# SPDX-License-Identifier: LGPL-2.1-or-later
EXTRA_DIST += packaging/install-dependencies.sh

if WITH_TOOL
bin_PROGRAMS += tools/winewatch
endif
tools_winewatch_SOURCES = \
	include/private/environment.h \
	tools/commands.h \
	tools/doctor.c \
	tools/preload.c \
	tools/preload.h \
	tools/report.c \
	tools/report.h \
	tools/run.c \
	tools/tool.c \
	tools/tool.h \
	tools/try_wine.c \
	tools/try_wine.h \
	tools/winewatch.c
tools_winewatch_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) \
	-DPKGLIBDIR='"$(pkglibdir)"'
# The convenience library, not the shared one: the command knows a build tree by
# its own place in it, so it must be the program itself and not a wrapper that
# libtool makes for finding libraries that are not installed.
tools_winewatch_LDADD = libwwkernel.la $(JANSSON_LIBS)
