/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The interposed dlopen. The dynamic loader searches by the caller's RUNPATH,
 * and knows the caller by the return address on the stack; so every call but
 * the one we wait for must reach the next dlopen as a jump, which no C compiler
 * promises.
 */
#ifdef __x86_64__
	.text
	.globl	dlopen
	.type	dlopen, @function
dlopen:
	.cfi_startproc
	pushq	%rdi
	.cfi_adjust_cfa_offset 8
	pushq	%rsi
	.cfi_adjust_cfa_offset 8
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	call	ww_is_ntdll
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	popq	%rsi
	.cfi_adjust_cfa_offset -8
	popq	%rdi
	.cfi_adjust_cfa_offset -8
	testl	%eax, %eax
	jnz	ww_dlopen_ntdll
	movq	ww_next_dlopen(%rip), %rax
	jmp	*%rax
	.cfi_endproc
	.size	dlopen, .-dlopen
#endif
	.section .note.GNU-stack, "", @progbits
