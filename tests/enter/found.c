/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The library that only a RUNPATH leads to. */
__attribute__((visibility("default"))) int found_here = 1;
