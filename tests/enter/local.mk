# SPDX-License-Identifier: LGPL-2.1-or-later
# The way into Wine without a Wine: stand-ins for its ntdll.so.
dist_check_SCRIPTS += tests/enter/enter.sh tests/enter/enter-32.sh \
	tests/enter/inert.sh

if WITH_DLLS
TESTS += tests/enter/enter.sh tests/enter/inert.sh

check_PROGRAMS += tests/enter/load tests/enter/plain
check_LTLIBRARIES += \
	tests/enter/libcaller.la \
	tests/enter/libearly.la \
	tests/enter/hidden/libfound.la \
	tests/enter/sysv/ntdll.la \
	tests/enter/ms/ntdll.la \
	tests/enter/now/ntdll.la \
	tests/enter/norelro/ntdll.la \
	tests/enter/own/ntdll.la \
	tests/enter/own-ms/ntdll.la \
	tests/enter/twice/ntdll.la \
	tests/enter/alone/ntdll.la \
	tests/enter/lacking/ntdll.la \
	tests/enter/strange/ntdll.la \
	tests/enter/no-watch/ntdll.la
endif

tests_enter_load_SOURCES = tests/enter/load.c tests/enter/standin.h
tests_enter_load_LDFLAGS = -export-dynamic
tests_enter_plain_SOURCES = tests/enter/plain.c

# libtool makes shared objects of libraries that nobody installs only if they
# have a place to be installed to.
test_module = -module -avoid-version -rpath /nowhere
tests_enter_libcaller_la_SOURCES = tests/enter/caller.c
tests_enter_libcaller_la_LDFLAGS = $(test_module) -Wl,--enable-new-dtags \
	-Wl,-rpath,$(abs_builddir)/tests/enter/hidden/.libs
tests_enter_libearly_la_SOURCES = tests/enter/early.c
tests_enter_libearly_la_LDFLAGS = $(test_module)
tests_enter_hidden_libfound_la_SOURCES = tests/enter/found.c
tests_enter_hidden_libfound_la_LDFLAGS = $(test_module)

standin_sources = tests/enter/standin.c tests/enter/standin.h
tests_enter_sysv_ntdll_la_SOURCES = $(standin_sources)
tests_enter_sysv_ntdll_la_LDFLAGS = $(test_module)
tests_enter_ms_ntdll_la_SOURCES = $(standin_sources)
tests_enter_ms_ntdll_la_CPPFLAGS = $(AM_CPPFLAGS) -DSTANDIN_MS
tests_enter_ms_ntdll_la_LDFLAGS = $(test_module)
tests_enter_now_ntdll_la_SOURCES = $(standin_sources)
tests_enter_now_ntdll_la_LDFLAGS = $(test_module) -Wl,-z,now
tests_enter_norelro_ntdll_la_SOURCES = $(standin_sources)
tests_enter_norelro_ntdll_la_LDFLAGS = $(test_module) -Wl,-z,norelro
tests_enter_own_ntdll_la_SOURCES = $(standin_sources)
tests_enter_own_ntdll_la_CPPFLAGS = $(AM_CPPFLAGS) -DSTANDIN_OWN_WATCHES
tests_enter_own_ntdll_la_LDFLAGS = $(test_module)
tests_enter_own_ms_ntdll_la_SOURCES = $(standin_sources)
tests_enter_own_ms_ntdll_la_CPPFLAGS = $(AM_CPPFLAGS) -DSTANDIN_OWN_WATCHES -DSTANDIN_MS
tests_enter_own_ms_ntdll_la_LDFLAGS = $(test_module)
tests_enter_twice_ntdll_la_SOURCES = $(standin_sources)
tests_enter_twice_ntdll_la_CPPFLAGS = $(AM_CPPFLAGS) -DSTANDIN_TWICE
tests_enter_twice_ntdll_la_LDFLAGS = $(test_module)
tests_enter_alone_ntdll_la_SOURCES = $(standin_sources)
tests_enter_alone_ntdll_la_CPPFLAGS = $(AM_CPPFLAGS) -DSTANDIN_ALONE
tests_enter_alone_ntdll_la_LDFLAGS = $(test_module)
tests_enter_lacking_ntdll_la_SOURCES = $(standin_sources)
tests_enter_lacking_ntdll_la_CPPFLAGS = $(AM_CPPFLAGS) -DSTANDIN_LACKING
tests_enter_lacking_ntdll_la_LDFLAGS = $(test_module)
tests_enter_strange_ntdll_la_SOURCES = $(standin_sources)
tests_enter_strange_ntdll_la_CPPFLAGS = $(AM_CPPFLAGS) -DSTANDIN_STRANGE
tests_enter_strange_ntdll_la_LDFLAGS = $(test_module)
tests_enter_no_watch_ntdll_la_SOURCES = $(standin_sources)
tests_enter_no_watch_ntdll_la_CPPFLAGS = $(AM_CPPFLAGS) -DSTANDIN_NO_WATCH
tests_enter_no_watch_ntdll_la_LDFLAGS = $(test_module)

# The same as 32-bit programs.
if WITH_DLLS32
TESTS += tests/enter/enter-32.sh
standin32_variants = sysv ms now norelro own own-ms twice alone lacking strange \
	no-watch
enter32 = tests/enter/i386/load \
	$(standin32_variants:%=tests/enter/i386/%/ntdll.so)
check_DATA += $(enter32)
endif

standin_ms_flags = -DSTANDIN_MS
standin_now_flags = -Wl,-z,now
standin_norelro_flags = -Wl,-z,norelro
standin_own_flags = -DSTANDIN_OWN_WATCHES
standin_own_ms_flags = -DSTANDIN_OWN_WATCHES -DSTANDIN_MS
standin_twice_flags = -DSTANDIN_TWICE
standin_alone_flags = -DSTANDIN_ALONE
standin_lacking_flags = -DSTANDIN_LACKING
standin_strange_flags = -DSTANDIN_STRANGE
standin_no_watch_flags = -DSTANDIN_NO_WATCH

compile32 = $(CC) -m32 $(AM_CPPFLAGS) $(CPPFLAGS) $(AM_CFLAGS) $(CFLAGS) $(LDFLAGS)
tests/enter/i386/load: tests/enter/load.c tests/enter/standin.h
	$(AM_V_CCLD)$(MKDIR_P) $(@D) && $(compile32) -rdynamic -o $@ $<
tests/enter/i386/%/ntdll.so: tests/enter/standin.c tests/enter/standin.h
	$(AM_V_CCLD)$(MKDIR_P) $(@D) && \
	$(compile32) -fPIC -shared $(standin_$(subst -,_,$*)_flags) -o $@ $<

clean-local: clean-enter32
clean-enter32:
	rm -rf tests/enter/i386
.PHONY: clean-enter32
