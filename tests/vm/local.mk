# SPDX-License-Identifier: LGPL-2.1-or-later
# The same programs on other kernels, in virtual machines: make check-vm; with
# vm_long=yes in the environment, with every setting of the machines.
vm_tests = \
	tests/vm/bookworm.sh \
	tests/vm/trixie.sh \
	tests/vm/sid.sh

dist_check_SCRIPTS += \
	$(vm_tests) \
	tests/vm/get-kernel \
	tests/vm/run
EXTRA_DIST += \
	tests/vm/expect-6.1 \
	tests/vm/init \
	tests/vm/rows.awk

# All but what measures, what fails every call in turn: thousands of processes,
# and what makes 100,000 reservations.
vm_programs = $(filter-out \
	tests/kernel/inject tests/native/many tests/pagemap/speed \
	tests/unit/inject, \
	$(filter tests/unit/% tests/pagemap/% tests/kernel/% \
	tests/api/% tests/native/% tests/win32/%, \
	$(check_PROGRAMS) $(conform_PROGRAMS)))
AM_TESTS_ENVIRONMENT += vm_programs='$(vm_programs)'; export vm_programs;

check-vm:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(vm_tests)'
.PHONY: check-vm
