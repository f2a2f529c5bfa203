# SPDX-License-Identifier: LGPL-2.1-or-later
if WITH_DLLS
# services.c once per calling convention; see services.h.
noinst_LTLIBRARIES += libwwservices-ms.la libwwservices-sysv.la
libwwservices_ms_la_SOURCES = dlls/winewatch/services.c
libwwservices_ms_la_CPPFLAGS = $(AM_CPPFLAGS) $(WINE_CPPFLAGS) -DWW_SERVICES_MS
libwwservices_sysv_la_SOURCES = dlls/winewatch/services.c
libwwservices_sysv_la_CPPFLAGS = $(AM_CPPFLAGS) $(WINE_CPPFLAGS)

# All of it but the interposed dlopen, for the unit tests, too.
noinst_LTLIBRARIES += libwwenter.la
libwwenter_la_SOURCES = \
	dlls/winewatch/calls.c \
	dlls/winewatch/calls.h \
	dlls/winewatch/check.c \
	dlls/winewatch/enter.c \
	dlls/winewatch/enter.h \
	dlls/winewatch/handles.c \
	dlls/winewatch/handles.h \
	dlls/winewatch/lock.c \
	dlls/winewatch/log.c \
	dlls/winewatch/log.h \
	dlls/winewatch/memory.c \
	dlls/winewatch/memory.h \
	dlls/winewatch/queries.c \
	dlls/winewatch/read.c \
	dlls/winewatch/services.h \
	dlls/winewatch/table.c \
	dlls/winewatch/table.h \
	dlls/winewatch/watching.c
libwwenter_la_CPPFLAGS = $(AM_CPPFLAGS) $(WINE_CPPFLAGS)
libwwenter_la_CFLAGS = $(AM_CFLAGS) -pthread
libwwenter_la_LIBADD = libwwservices-ms.la libwwservices-sysv.la libwwntdll.la

# A preload, found by its path: no version, no development files.
pkglib_LTLIBRARIES += dlls/winewatch/libwinewatch.la
dlls_winewatch_libwinewatch_la_SOURCES = dlls/winewatch/dlopen-x86_64.S
dlls_winewatch_libwinewatch_la_LIBADD = libwwenter.la
dlls_winewatch_libwinewatch_la_LDFLAGS = -module -avoid-version -no-undefined \
	-pthread -Wl,-z,nodelete \
	-Wl,--version-script=$(srcdir)/dlls/winewatch/libwinewatch.map
dlls_winewatch_libwinewatch_la_DEPENDENCIES = libwwenter.la \
	dlls/winewatch/libwinewatch.map
endif
EXTRA_DIST += dlls/winewatch/libwinewatch.map
