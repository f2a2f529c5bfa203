# SPDX-License-Identifier: LGPL-2.1-or-later
# The Win32 names for native programs.
if WITH_DLLS
writewatchdir = $(includedir)/writewatch
writewatch_HEADERS = include/writewatch/win32.h

# Apart from the library, for the tests that look inside.
noinst_LTLIBRARIES += libwwkernelbase.la
libwwkernelbase_la_SOURCES = \
	dlls/kernelbase/errors.c \
	dlls/kernelbase/errors.h \
	dlls/kernelbase/memory.c \
	dlls/kernelbase/performance.c \
	dlls/kernelbase/process.c
libwwkernelbase_la_CPPFLAGS = $(AM_CPPFLAGS) $(WINE_CPPFLAGS)
libwwkernelbase_la_LIBADD = libwwvirtual.la

lib_LTLIBRARIES += libwritewatch-win32.la
libwritewatch_win32_la_SOURCES =
libwritewatch_win32_la_LIBADD = libwwkernelbase.la
libwritewatch_win32_la_LDFLAGS = -version-info 0:0:0 -no-undefined -pthread \
	-Wl,--version-script=$(srcdir)/dlls/kernelbase/libwritewatch-win32.map
libwritewatch_win32_la_DEPENDENCIES = libwwkernelbase.la \
	dlls/kernelbase/libwritewatch-win32.map
endif
EXTRA_DIST += dlls/kernelbase/libwritewatch-win32.map
