/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Prints what a program that was compiled with our headers has built in. */
#include <writewatch.h>
#include <writewatch/pagemap.h>

#include <stddef.h>
#include <stdio.h>

#define TYPE(type) \
	printf("sizeof(%s) %zu\n", #type, sizeof(type))
#define MEMBER(type, member) \
	printf("%s.%s %zu+%zu\n", #type, #member, offsetof(type, member), \
	       sizeof(((type *)NULL)->member))
#define VALUE(name) \
	printf("%s %d\n", #name, (int)(name))

int main(void)
{
	TYPE(struct ww_open_options);
	MEMBER(struct ww_open_options, struct_size);
	MEMBER(struct ww_open_options, backend);
	MEMBER(struct ww_open_options, reason);
	TYPE(struct ww_range);
	MEMBER(struct ww_range, start);
	MEMBER(struct ww_range, n_bytes);
	TYPE(struct ww_feature);
	MEMBER(struct ww_feature, name);
	MEMBER(struct ww_feature, state);
	MEMBER(struct ww_feature, error);
	MEMBER(struct ww_feature, reason);
	MEMBER(struct ww_feature, remedy);
	TYPE(enum ww_state);
	VALUE(WW_SUPPORTED);
	VALUE(WW_MISSING);
	VALUE(WW_UNKNOWN);
	VALUE(WW_GET_RESET);
	TYPE(enum ww_pagemap_abi);
	VALUE(WW_PAGEMAP_V6);
	VALUE(WW_PAGEMAP_V10);
	VALUE(WW_PAGEMAP_V16);
	VALUE(WW_PAGEMAP_V18);
	VALUE(WW_PAGEMAP_MAINLINE);
	VALUE(WW_PAGEMAP_GUARD);
	VALUE(WW_PAGEMAP_ENGINE);
	return 0;
}
