/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a 32-bit build cannot say in C: the interposed dlopen, as a jump for the
 * reason that dlopen-x86_64.S gives, and a call that measures its function. */
#ifdef __i386__
	.text
	.globl	dlopen
	.type	dlopen, @function
dlopen:
	.cfi_startproc
	pushl	%ebx
	.cfi_adjust_cfa_offset 4
	.cfi_offset %ebx, -8
	subl	$4, %esp
	.cfi_adjust_cfa_offset 4
	pushl	12(%esp)
	.cfi_adjust_cfa_offset 4
	call	.Lhere
	.cfi_adjust_cfa_offset 4
.Lhere:
	popl	%ebx
	.cfi_adjust_cfa_offset -4
	addl	$_GLOBAL_OFFSET_TABLE_ + (. - .Lhere), %ebx
	call	ww_is_ntdll
	movl	ww_next_dlopen@GOTOFF(%ebx), %ecx
	addl	$8, %esp
	.cfi_adjust_cfa_offset -8
	popl	%ebx
	.cfi_adjust_cfa_offset -4
	.cfi_restore %ebx
	testl	%eax, %eax
	jnz	ww_dlopen_ntdll
	jmp	*%ecx
	.cfi_endproc
	.size	dlopen, .-dlopen

/* int ww_call_and_measure(void *function, const void *arguments,
 *			   unsigned *popped): calls it with seven words and
 * stores how many bytes of them it took off the stack. */
	.globl	ww_call_and_measure
	.type	ww_call_and_measure, @function
ww_call_and_measure:
	.cfi_startproc
	pushl	%ebp
	.cfi_adjust_cfa_offset 4
	.cfi_offset %ebp, -8
	movl	%esp, %ebp
	.cfi_def_cfa_register %ebp
	pushl	%esi
	.cfi_offset %esi, -12
	pushl	%edi
	.cfi_offset %edi, -16
	subl	$28, %esp
	andl	$-16, %esp
	movl	12(%ebp), %esi
	movl	%esp, %edi
	movl	$7, %ecx
	cld
	rep movsl
	movl	%esp, %esi
	call	*8(%ebp)
	subl	%esi, %esp
	movl	16(%ebp), %ecx
	movl	%esp, (%ecx)
	leal	-8(%ebp), %esp
	popl	%edi
	.cfi_restore %edi
	popl	%esi
	.cfi_restore %esi
	popl	%ebp
	.cfi_restore %ebp
	.cfi_def_cfa %esp, 4
	ret
	.cfi_endproc
	.size	ww_call_and_measure, .-ww_call_and_measure
#endif
	.section .note.GNU-stack, "", @progbits
