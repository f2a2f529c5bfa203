# SPDX-License-Identifier: LGPL-2.1-or-later
if WITH_DLLS
noinst_LTLIBRARIES += libwwntdll.la
libwwntdll_la_SOURCES = \
	dlls/ntdll/writewatch.c \
	include/private/ntwritewatch.h \
	include/private/nttypes.h
libwwntdll_la_CPPFLAGS = $(AM_CPPFLAGS) $(WINE_CPPFLAGS)
libwwntdll_la_LIBADD = libwwkernel.la
endif
