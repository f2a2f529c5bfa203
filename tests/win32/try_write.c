/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The store that may fault, for either system. */
#include "harness.h"

/*
 * The store of try_write is its first instruction, so that a fault there is
 * known by its address and needs no unwinding.
 */
#ifdef __x86_64__
__asm__(".text\n"
	".globl try_write, try_write_refused\n"
	"try_write:\n"
	"\tincb (%rcx)\n"
	"\tmovl $1, %eax\n"
	"\tret\n"
	"try_write_refused:\n"
	"\txorl %eax, %eax\n"
	"\tret\n");
#else
__asm__(".text\n"
	".globl @try_write@4, _try_write_refused\n"
	"@try_write@4:\n"
	"\tincb (%ecx)\n"
	"\tmovl $1, %eax\n"
	"\tret\n"
	"_try_write_refused:\n"
	"\txorl %eax, %eax\n"
	"\tret\n");
#endif
