# SPDX-License-Identifier: LGPL-2.1-or-later
if WITH_DLLS
noinst_LTLIBRARIES += libwwntdll.la
libwwntdll_la_SOURCES = \
	dlls/ntdll/writewatch.c \
	include/private/ntwritewatch.h \
	include/private/nttypes.h
libwwntdll_la_CPPFLAGS = $(AM_CPPFLAGS) $(WINE_CPPFLAGS)
libwwntdll_la_LIBADD = libwwkernel.la

# What Wine has itself and native programs do not.
noinst_LTLIBRARIES += libwwvirtual.la
libwwvirtual_la_SOURCES = \
	dlls/ntdll/allocate.c \
	dlls/ntdll/allocate.h \
	dlls/ntdll/areas.c \
	dlls/ntdll/areas.h \
	dlls/ntdll/exports.c \
	dlls/ntdll/free.c \
	dlls/ntdll/handles.c \
	dlls/ntdll/handles.h \
	dlls/ntdll/mapping.c \
	dlls/ntdll/mapping.h \
	dlls/ntdll/memory.c \
	dlls/ntdll/memory.h \
	dlls/ntdll/placeholders.c \
	dlls/ntdll/placeholders.h \
	dlls/ntdll/pool.c \
	dlls/ntdll/pool.h \
	dlls/ntdll/process.c \
	dlls/ntdll/process.h \
	dlls/ntdll/protect.c \
	dlls/ntdll/query.c \
	dlls/ntdll/request.c \
	dlls/ntdll/request.h \
	include/private/ntvirtual.h
libwwvirtual_la_CPPFLAGS = $(AM_CPPFLAGS) $(WINE_CPPFLAGS)
libwwvirtual_la_CFLAGS = $(AM_CFLAGS) -pthread
libwwvirtual_la_LIBADD = libwwntdll.la
endif
