/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Images of any shape: the service table is found where it is, and nothing else
 * is ever taken for it or changed.
 *
 * The input is a library as the dynamic loader would describe it: the number of
 * its program headers, a byte; the headers (struct header_bytes); then words of
 * its memory: where, two bytes, and what, a byte.
 */
#include "input.h"

#include "../../dlls/winewatch/table.h"
#include "../../include/private/tracker.h"

#include <link.h>
#include <sys/mman.h>

const char fuzz_target[] = "table_finder";

enum { N_PAGES = 6, MAX_HEADERS = 12, N_FUNCTIONS = 4 };

struct __attribute__((packed)) header_bytes {
	uint8_t type;		/* 0: loaded, 1: read-only once relocated */
	uint8_t flags;
	uint16_t start;
	uint16_t n_file_bytes;
	uint16_t n_more_bytes;	/* in memory */
};

static char *memory;
static size_t n_bytes;
static ElfW(Phdr) headers[MAX_HEADERS];
static size_t n_headers;

/* Stands in for the dynamic loader's. */
int fuzz_iterate_libraries(int (*look)(struct dl_phdr_info *info, size_t n_bytes,
				       void *data), void *data)
{
	struct dl_phdr_info info = {
		.dlpi_addr = (uintptr_t)memory, .dlpi_phdr = headers,
		.dlpi_phnum = (ElfW(Half))n_headers,
	};

	return look(&info, sizeof(info), data);
}

/* ---- The input ---- */

static size_t at_most(size_t value, size_t most)
{
	return value < most ? value : most;
}

/* The loader has mapped what they say, so none leaves the memory. */
static void take_headers(struct input *input)
{
	struct header_bytes bytes;
	uint8_t n = 0;

	take(input, &n, 1);
	for (n_headers = 0; n_headers < n % (MAX_HEADERS + 1) &&
			    take(input, &bytes, sizeof(bytes)); n_headers++) {
		ElfW(Phdr) *header = &headers[n_headers];
		size_t start = bytes.start % n_bytes;
		size_t in_file = at_most(bytes.n_file_bytes, n_bytes - start);

		*header = (ElfW(Phdr)){
			.p_type = bytes.type % 3 == 0 ? PT_LOAD :
				  bytes.type % 3 == 1 ? PT_GNU_RELRO : PT_NOTE,
			.p_flags = bytes.flags % 8,
			.p_vaddr = start,
			.p_filesz = in_file,
			.p_memsz = in_file + at_most(bytes.n_more_bytes,
						     n_bytes - start - in_file),
		};
	}
}

/* Functions lie in the first page, and so do other words. */
static void *function(size_t i)
{
	return memory + 64 + 32 * i;
}

static void take_words(struct input *input)
{
	struct __attribute__((packed)) {
		uint16_t where;
		uint8_t what;
	} bytes;

	while (take(input, &bytes, sizeof(bytes))) {
		size_t offset = bytes.where % (n_bytes - sizeof(void *));
		void *word = bytes.what < 200 ? function(bytes.what % N_FUNCTIONS) :
						memory + 16 * bytes.what;

		if (bytes.what % 7)
			offset -= offset % sizeof(word);
		memcpy(memory + offset, &word, sizeof(word));
	}
}

/* ---- The reference ---- */

static void *word_at(size_t offset)
{
	void *word;

	memcpy(&word, memory + offset, sizeof(word));
	return word;
}

static bool in_header(const ElfW(Phdr) *header, size_t offset, size_t n)
{
	return header->p_type == PT_LOAD && offset >= header->p_vaddr &&
	       offset + n <= header->p_vaddr + header->p_filesz;
}

static bool is_code(const void *pointer)
{
	size_t offset = (size_t)((const char *)pointer - memory);

	for (size_t i = 0; i < n_headers; i++)
		if ((headers[i].p_flags & PF_X) &&
		    in_header(&headers[i], offset, 1))
			return true;
	return false;
}

/* The hits of one segment, of which `slot` is one with code around it. */
static size_t hits_in(const ElfW(Phdr) *header, const void *wanted, void ***slot)
{
	size_t n = 0;

	for (size_t at = 0; at + 8 <= n_bytes; at += 8) {
		if (!in_header(header, at, 8) || word_at(at) != wanted)
			continue;
		n++;
		if (at && in_header(header, at - 8, 8) &&
		    in_header(header, at + 8, 8) && is_code(word_at(at - 8)) &&
		    is_code(word_at(at + 8)))
			*slot = (void **)(memory + at);
	}
	return n;
}

static void **expected_slot(const void *wanted)
{
	void **slot = NULL;
	size_t n = 0;

	for (size_t i = 0; i < n_headers; i++)
		if (headers[i].p_type == PT_LOAD && (headers[i].p_flags & PF_W))
			n += hits_in(&headers[i], wanted, &slot);
	return n == 1 ? slot : NULL;
}

static bool expect_image(size_t offset)
{
	size_t n_loaded = 0;
	bool inside = false;

	for (size_t i = 0; i < n_headers; i++) {
		const ElfW(Phdr) *header = &headers[i];

		if (header->p_type != PT_LOAD)
			continue;
		n_loaded++;
		inside |= offset >= header->p_vaddr &&
			  offset < header->p_vaddr + header->p_memsz;
	}
	return inside && n_loaded <= WW_IMAGE_SEGMENTS;
}

/* ---- Replacing ---- */

static bool same_but_for(const char *before, void **const slots[], size_t n)
{
	for (size_t at = 0; at < n_bytes; at++) {
		bool changed = memory[at] != before[at], may = false;

		for (size_t i = 0; i < n; i++)
			may |= memory + at >= (char *)slots[i] &&
			       memory + at < (char *)(slots[i] + 1);
		if (changed && !may)
			return false;
	}
	return true;
}

static void replace(const struct ww_image *image, void **const slots[], size_t n)
{
	void *values[N_FUNCTIONS];
	char *before = malloc(n_bytes);

	expect(before != NULL);
	memcpy(before, memory, n_bytes);
	for (size_t i = 0; i < n; i++)
		values[i] = memory + 1 + i;
	expect(!ww_replace_slots(image, slots, values, n));
	for (size_t i = 0; i < n; i++)
		expect(*slots[i] == values[i]);
	expect(same_but_for(before, slots, n));
	free(before);
}

static void search(const struct ww_image *image)
{
	void **slots[N_FUNCTIONS];
	size_t n = 0;

	for (size_t i = 0; i < N_FUNCTIONS; i++) {
		void **slot = ww_find_slot(image, function(i));

		expect(slot == expected_slot(function(i)));
		if (slot)
			slots[n++] = slot;
	}
	ww_image_contains(image, "wine");
	replace(image, slots, n);
}

static void make_memory(void)
{
	n_bytes = N_PAGES * ww_page_size();
	if (!memory)
		memory = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	expect(memory != MAP_FAILED &&
	       !mprotect(memory, n_bytes, PROT_READ | PROT_WRITE));
	memset(memory, 0, n_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_input)
{
	struct input input = { data, n_input };
	struct ww_image image;

	make_memory();
	take_headers(&input);
	take_words(&input);
	if (!ww_image_of(memory + 64, &image)) {
		expect(!expect_image(64));
		return 0;
	}
	expect(expect_image(64));
	search(&image);
	return 0;
}
