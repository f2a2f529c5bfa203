/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a fuzz target is: libFuzzer calls it, and so does replay.c. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Where its corpus is, below tests/fuzz/corpus. */
extern const char fuzz_target[];

/* 0, or it does not return. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

#endif
