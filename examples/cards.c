/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The cards of a generational collector: objects are made in a small nursery,
 * and when that is full, those still in use move to the old space. They are found
 * from the old objects that point into the nursery, which can only be in pages
 * written since the last collection; so neither is there a write barrier in the
 * program nor is all of the old space searched.
 *
 *	cc cards.c $(pkg-config --cflags --libs writewatch)
 *
 * Usage: cards [OBJECTS]
 */
#define _DEFAULT_SOURCE
#include <writewatch.h>

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define DEFAULT_OBJECTS	200000
#define N_LISTS		16384
#define NURSERY_CELLS	8192
#define MAX_PAGES	64

/* A page holds whole cells. */
struct cell {
	struct cell *next;
	struct cell *moved;	/* in the nursery: where it is now */
	uint64_t key;
	uint64_t unused;
};

struct heap {
	struct ww *ww;
	struct cell *old;	/* watched; the lists' heads come first */
	size_t n_old;
	size_t max_old;
	struct cell *nursery;
	size_t n_nursery;
	size_t n_collections;
	size_t n_pages;		/* looked through by all of them */
	size_t page_size;
};

static void check(const char *what, ssize_t ret)
{
	if (ret >= 0)
		return;
	fprintf(stderr, "cards: %s: %s\n", what, strerror((int)-ret));
	exit(2);
}

static void *map(size_t n_bytes)
{
	void *memory = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check("mmap", memory == MAP_FAILED ? -errno : 0);
	return memory;
}

static size_t old_bytes(const struct heap *heap)
{
	size_t n_bytes = heap->max_old * sizeof(struct cell);

	return (n_bytes + heap->page_size - 1) & ~(heap->page_size - 1);
}

static int is_young(const struct heap *heap, const struct cell *cell)
{
	return cell >= heap->nursery && cell < heap->nursery + NURSERY_CELLS;
}

/* Its place in the old space. What it points to follows when its page, which
 * this writes, is looked through. */
static struct cell *promote(struct heap *heap, struct cell *cell)
{
	if (!cell->moved) {
		if (heap->n_old == heap->max_old)
			check("the old space is full", -ENOMEM);
		cell->moved = &heap->old[heap->n_old++];
		cell->moved->next = cell->next;
		cell->moved->key = cell->key;
	}
	return cell->moved;
}

static void look_through(struct heap *heap, struct cell *cell)
{
	struct cell *end = cell + heap->page_size / sizeof(*cell);

	for (; cell < end && cell < heap->old + heap->n_old; cell++)
		if (is_young(heap, cell->next))
			cell->next = promote(heap, cell->next);
	heap->n_pages++;
}

/* Until no page was written, by the program or by this: then nothing old points
 * into the nursery. */
static void collect(struct heap *heap)
{
	void *pages[MAX_PAGES];
	ssize_t n;

	while ((n = ww_get(heap->ww, heap->old, old_bytes(heap), WW_GET_RESET,
			   pages, MAX_PAGES))) {
		check("ww_get", n);
		for (ssize_t i = 0; i < n; i++)
			look_through(heap, pages[i]);
	}
	memset(heap->nursery, 0, NURSERY_CELLS * sizeof(struct cell));
	heap->n_nursery = 0;
	heap->n_collections++;
}

static struct cell *new_cell(struct heap *heap)
{
	if (heap->n_nursery == NURSERY_CELLS)
		collect(heap);
	return &heap->nursery[heap->n_nursery++];
}

/* ---- The program ---- */

/* A new cell at the head of its list, and one that nobody keeps. */
static void insert(struct heap *heap, uint64_t key)
{
	struct cell *cell = new_cell(heap);
	struct cell *head = &heap->old[key * 2654435761u % N_LISTS];

	cell->key = key;
	cell->next = head->next;
	head->next = cell;
	new_cell(heap)->key = ~key;
}

static size_t count_found(const struct heap *heap, uint64_t n_keys)
{
	size_t n = 0;

	for (uint64_t key = 1; key <= n_keys; key++) {
		const struct cell *cell =
			heap->old[key * 2654435761u % N_LISTS].next;

		while (cell && cell->key != key)
			cell = cell->next;
		n += cell != NULL;
	}
	return n;
}

static void open_heap(struct heap *heap, size_t n_keys)
{
	heap->page_size = (size_t)sysconf(_SC_PAGESIZE);
	heap->max_old = N_LISTS + n_keys;
	heap->n_old = N_LISTS;
	heap->old = map(old_bytes(heap));
	heap->nursery = map(NURSERY_CELLS * sizeof(struct cell));
	check("ww_open", ww_open(&heap->ww, NULL));
	check("ww_watch", ww_watch(heap->ww, heap->old, old_bytes(heap)));
}

int main(int argc, char **argv)
{
	int n_keys = argc == 2 ? atoi(argv[1]) : DEFAULT_OBJECTS;
	struct heap heap = { 0 };
	int right;

	if (argc > 2 || n_keys <= 0) {
		fprintf(stderr, "Usage: cards [OBJECTS]\n");
		return 2;
	}
	open_heap(&heap, (size_t)n_keys);
	for (int key = 1; key <= n_keys; key++)
		insert(&heap, (uint64_t)key);
	collect(&heap);
	right = count_found(&heap, (uint64_t)n_keys) == (size_t)n_keys &&
		heap.n_old == N_LISTS + (size_t)n_keys;
	ww_close(heap.ww);
	printf("collections: %zu\n", heap.n_collections);
	printf("pages_looked_through_mean: %zu\n",
	       heap.n_pages / heap.n_collections);
	printf("old_pages: %zu\n", old_bytes(&heap) / heap.page_size);
	printf("objects: %s\n", right ? "all found, no more kept" : "WRONG");
	return !right;
}
