# SPDX-License-Identifier: LGPL-2.1-or-later
if WITH_DLLS
# services.c once per calling convention; see services.h.
noinst_LTLIBRARIES += libwwservices-windows.la libwwservices-unix.la
libwwservices_windows_la_SOURCES = dlls/winewatch/services.c
libwwservices_windows_la_CPPFLAGS = $(AM_CPPFLAGS) $(WINE_CPPFLAGS) -DWW_SERVICES_WINDOWS
libwwservices_unix_la_SOURCES = dlls/winewatch/services.c
libwwservices_unix_la_CPPFLAGS = $(AM_CPPFLAGS) $(WINE_CPPFLAGS)

# All of it but the interposed dlopen, for the unit tests, too.
noinst_LTLIBRARIES += libwwenter.la
libwwenter_la_SOURCES = \
	dlls/winewatch/calls.c \
	dlls/winewatch/calls.h \
	dlls/winewatch/check.c \
	dlls/winewatch/convention.c \
	dlls/winewatch/convention.h \
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
libwwenter_la_LIBADD = libwwservices-windows.la libwwservices-unix.la libwwntdll.la

# A preload, found by its path: no version, no development files.
pkglib_LTLIBRARIES += dlls/winewatch/libwinewatch.la
dlls_winewatch_libwinewatch_la_SOURCES = \
	dlls/winewatch/dlopen-x86_64.S \
	dlls/winewatch/i386.S
dlls_winewatch_libwinewatch_la_LIBADD = libwwenter.la
dlls_winewatch_libwinewatch_la_LDFLAGS = -module -avoid-version -no-undefined \
	-pthread -Wl,-z,nodelete \
	-Wl,--version-script=$(srcdir)/dlls/winewatch/libwinewatch.map
dlls_winewatch_libwinewatch_la_DEPENDENCIES = libwwenter.la \
	dlls/winewatch/libwinewatch.map

if WITH_DLLS32
# All of it once more for Wines with a 32-bit unix side. The dynamic loader picks
# the library by $LIB in LD_PRELOAD: every $LIB there is has a folder of its own.
preload32 = dlls/winewatch/preload/lib/i386-linux-gnu/libwinewatch.so
noinst_DATA = $(preload32) dlls/winewatch/preload/linked

library32_sources = $(libwwkernel_la_SOURCES) $(libwwntdll_la_SOURCES) \
	$(libwwenter_la_SOURCES)
library32_objects = dlls/winewatch/i386/services-windows.o \
	dlls/winewatch/i386/services-unix.o dlls/winewatch/i386/i386.o \
	$(patsubst %.c,dlls/winewatch/i386/%.o,$(filter %.c,$(library32_sources)))
library32_compile = $(CC) -m32 -fPIC $(DEFS) $(DEFAULT_INCLUDES) \
	$(AM_CPPFLAGS) $(WINE_CPPFLAGS) $(CPPFLAGS) $(AM_CFLAGS) \
	$(CFLAGS) -pthread

$(library32_objects): $(filter %.h,$(library32_sources))
dlls/winewatch/i386/%.o: %.c
	$(AM_V_CC)$(MKDIR_P) $(@D) && $(library32_compile) -c -o $@ $<
dlls/winewatch/i386/services-windows.o: dlls/winewatch/services.c
	$(AM_V_CC)$(MKDIR_P) $(@D) && \
	$(library32_compile) -DWW_SERVICES_WINDOWS -c -o $@ $<
dlls/winewatch/i386/services-unix.o: dlls/winewatch/services.c
	$(AM_V_CC)$(MKDIR_P) $(@D) && $(library32_compile) -c -o $@ $<
dlls/winewatch/i386/i386.o: dlls/winewatch/i386.S
	$(AM_V_CC)$(MKDIR_P) $(@D) && $(library32_compile) -c -o $@ $<

$(preload32): $(library32_objects) dlls/winewatch/libwinewatch.map
	$(AM_V_CCLD)$(MKDIR_P) $(@D) && \
	$(library32_compile) $(LDFLAGS) -shared -o $@ $(library32_objects) \
		-Wl,-z,defs -Wl,-z,nodelete \
		-Wl,--version-script=$(srcdir)/dlls/winewatch/libwinewatch.map

link_preloads = $(SHELL) $(srcdir)/dlls/winewatch/link-preloads
dlls/winewatch/preload/linked: $(preload32) dlls/winewatch/link-preloads
	$(AM_V_GEN)$(link_preloads) $(@D) \
		dlls/winewatch/.libs/libwinewatch.so $(LIB_BITS) && touch $@

install-exec-local: install-preloads
install-preloads: $(preload32)
	$(MKDIR_P) $(DESTDIR)$(pkglibdir)/preload/lib/i386-linux-gnu
	$(INSTALL_PROGRAM) $(preload32) \
		$(DESTDIR)$(pkglibdir)/preload/lib/i386-linux-gnu
	$(link_preloads) $(DESTDIR)$(pkglibdir)/preload \
		$(DESTDIR)$(pkglibdir)/libwinewatch.so $(LIB_BITS)
uninstall-local: uninstall-preloads
uninstall-preloads:
	rm -rf $(DESTDIR)$(pkglibdir)/preload
endif
endif
EXTRA_DIST += dlls/winewatch/libwinewatch.map dlls/winewatch/link-preloads

clean-local: clean-library32
clean-library32:
	rm -rf dlls/winewatch/i386 dlls/winewatch/preload
.PHONY: clean-library32 install-preloads uninstall-preloads
