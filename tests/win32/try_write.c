/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The store that may fault, for either system. */
#include "harness.h"

/*
 * The store of try_write is its first instruction, so that a fault there is
 * known by its address and needs no unwinding.
 */
__asm__(".text\n"
	".globl try_write, try_write_refused\n"
	"try_write:\n"
	"\tincb (%rcx)\n"
	"\tmovl $1, %eax\n"
	"\tret\n"
	"try_write_refused:\n"
	"\txorl %eax, %eax\n"
	"\tret\n");
