/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sorted ranges under a sequence count.
 *
 * Proof. The writer makes the count odd, changes spans, and makes it even
 * again; the release fence after the first step and the release store of the
 * last order its stores between the two. A reader takes the count (acquire),
 * reads what it wants, and takes the count again behind an acquire fence: if
 * both are the same even number, no store of any writer lies between, and what
 * it read belongs together. If not, it tries again. So a reader waits only
 * while a writer is between its two steps, and the writer runs with the
 * signals blocked by which a thread here can be suspended or killed.
 *
 * A reader may follow an array pointer that the writer has just replaced. An
 * outgrown array therefore stays mapped until ww_spans_free; capacities double,
 * so all of them together are smaller than the one in use. Every word that both
 * sides touch is read and written atomically (relaxed), so a torn search yields
 * garbage that is thrown away, never a fault: an index is bounded by the
 * capacity that belongs to the array, which stands in its first element.
 */
#include "spans.h"

#include <errno.h>
#include <sched.h>

#define LOAD(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define STORE(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELAXED)

/* The first element of a mapped array describes the array: `start` is its
 * capacity, `value` the array it replaced. */
static struct ww_span *elements(const struct ww_spans *spans, size_t *capacity)
{
	struct ww_span *array = __atomic_load_n(&spans->array, __ATOMIC_ACQUIRE);

	if (!array) {
		*capacity = WW_SPANS_INLINE;
		return (struct ww_span *)spans->few;
	}
	*capacity = LOAD(array->start);
	return array + 1;
}

static unsigned read_begin(const struct ww_spans *spans)
{
	unsigned sequence;

	while ((sequence = __atomic_load_n(&spans->sequence, __ATOMIC_ACQUIRE)) & 1)
		sched_yield();
	return sequence;
}

static bool read_valid(const struct ww_spans *spans, unsigned sequence)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return LOAD(spans->sequence) == sequence;
}

static void write_begin(struct ww_spans *spans)
{
	STORE(spans->sequence, spans->sequence + 1);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

static void write_end(struct ww_spans *spans)
{
	__atomic_store_n(&spans->sequence, spans->sequence + 1, __ATOMIC_RELEASE);
}

/* The index of the first span that ends above `address`. */
static size_t lower_bound(const struct ww_span *array, size_t n, uintptr_t address)
{
	size_t low = 0;

	while (low < n) {
		size_t middle = low + (n - low) / 2;

		if (LOAD(array[middle].end) > address)
			n = middle;
		else
			low = middle + 1;
	}
	return low;
}

bool ww_spans_find(const struct ww_spans *spans, uintptr_t address,
		   struct ww_span *found)
{
	unsigned sequence;
	bool any;

	do {
		size_t capacity, n, i;
		const struct ww_span *array;

		sequence = read_begin(spans);
		array = elements(spans, &capacity);
		n = LOAD(spans->n);
		if (n > capacity)
			n = capacity;
		i = lower_bound(array, n, address);
		any = i < n;
		if (any) {
			found->start = LOAD(array[i].start);
			found->end = LOAD(array[i].end);
			found->value = LOAD(array[i].value);
			found->stamp = LOAD(array[i].stamp);
		}
	} while (!read_valid(spans, sequence));
	return any;
}

bool ww_spans_next(const struct ww_spans *spans, uintptr_t address,
		   uintptr_t end, struct ww_span *piece)
{
	if (address >= end || !ww_spans_find(spans, address, piece) ||
	    piece->start >= end)
		return false;
	if (piece->start < address)
		piece->start = address;
	if (piece->end > end)
		piece->end = end;
	return true;
}

bool ww_spans_next_gap(const struct ww_spans *spans, uintptr_t address,
		       uintptr_t end, struct ww_span *gap)
{
	struct ww_span span;

	while (address < end) {
		bool any = ww_spans_find(spans, address, &span);

		if (!any || span.start > address) {
			gap->start = address;
			gap->end = any && span.start < end ? span.start : end;
			return true;
		}
		address = span.end;
	}
	return false;
}

static void put(struct ww_span *array, size_t i, const struct ww_span *span)
{
	STORE(array[i].start, span->start);
	STORE(array[i].end, span->end);
	STORE(array[i].value, span->value);
	STORE(array[i].stamp, span->stamp);
}

static void move(struct ww_span *array, size_t to, size_t from, size_t n)
{
	if (to < from)
		for (size_t i = 0; i < n; i++)
			put(array, to + i, &array[from + i]);
	else
		for (size_t i = n; i-- > 0;)
			put(array, to + i, &array[from + i]);
}

/* Room for one more span than there are. Readers are not disturbed: the new
 * array holds the same spans when it is shown to them. */
static int make_room(struct ww_spans *spans, const struct ww_kernel_ops *ops)
{
	size_t capacity, bigger;
	struct ww_span *old = elements(spans, &capacity), *array;

	if (spans->n < capacity)
		return 0;
	/* 4 KiB, then twice as much each time, with one element of heading */
	bigger = capacity <= WW_SPANS_INLINE ? 4096 / sizeof(*array)
					     : 2 * (capacity + 1);
	array = ops->map(bigger * sizeof(*array));
	if (!array)
		return -ENOMEM;
	array->start = bigger - 1;
	array->value = spans->array;
	for (size_t i = 0; i < spans->n; i++)
		array[1 + i] = old[i];
	write_begin(spans);
	/* release: its elements were stored before it is shown */
	__atomic_store_n(&spans->array, array, __ATOMIC_RELEASE);
	write_end(spans);
	return 0;
}

/* Replaces n_old spans from index i on by n_new others. There is room. */
static void replace(struct ww_spans *spans, size_t i, size_t n_old,
		    const struct ww_span *new, size_t n_new)
{
	size_t capacity;
	struct ww_span *array = elements(spans, &capacity);

	write_begin(spans);
	if (n_new != n_old)
		move(array, i + n_new, i + n_old, spans->n - i - n_old);
	for (size_t k = 0; k < n_new; k++)
		put(array, i + k, &new[k]);
	STORE(spans->n, spans->n - n_old + n_new);
	write_end(spans);
}

const struct ww_span *ww_spans_all(const struct ww_spans *spans, size_t *n)
{
	size_t capacity;

	*n = spans->n;
	return elements(spans, &capacity);
}

size_t ww_spans_index(const struct ww_spans *spans, uintptr_t address)
{
	size_t n;

	return lower_bound(ww_spans_all(spans, &n), spans->n, address);
}

int ww_spans_insert(struct ww_spans *spans, const struct ww_kernel_ops *ops,
		    const struct ww_span *span)
{
	if (make_room(spans, ops))
		return -ENOMEM;
	replace(spans, ww_spans_index(spans, span->start), 0, span, 1);
	return 0;
}

int ww_spans_add(struct ww_spans *spans, const struct ww_kernel_ops *ops,
		 uintptr_t start, uintptr_t end)
{
	struct ww_span merged = { .start = start, .end = end };
	struct ww_span *array;
	size_t capacity, first, last;

	array = elements(spans, &capacity);
	/* a span that ends at our start touches us */
	first = lower_bound(array, spans->n, start ? start - 1 : 0);
	for (last = first; last < spans->n && array[last].start <= end; last++) {
		if (array[last].start < merged.start)
			merged.start = array[last].start;
		if (array[last].end > merged.end)
			merged.end = array[last].end;
	}
	if (first == last && make_room(spans, ops))
		return -ENOMEM;
	replace(spans, first, last - first, &merged, 1);
	return 0;
}

int ww_spans_remove(struct ww_spans *spans, const struct ww_kernel_ops *ops,
		    uintptr_t start, uintptr_t end)
{
	struct ww_span *array, left[2];
	size_t capacity, first, last, n_left = 0;

	array = elements(spans, &capacity);
	first = lower_bound(array, spans->n, start);
	for (last = first; last < spans->n && array[last].start < end; last++) {
		struct ww_span span = array[last];

		if (span.start < start) {
			left[n_left] = span;
			left[n_left++].end = start;
		}
		if (span.end > end) {
			left[n_left] = span;
			left[n_left++].start = end;
		}
	}
	if (n_left > last - first && make_room(spans, ops))
		return -ENOMEM;
	if (last > first)
		replace(spans, first, last - first, left, n_left);
	return 0;
}

void ww_spans_free(struct ww_spans *spans, const struct ww_kernel_ops *ops)
{
	struct ww_span *array = spans->array, *older;

	for (; array; array = older) {
		older = array->value;
		ops->unmap(array, (array->start + 1) * sizeof(*array));
	}
	spans->array = NULL;
	spans->n = 0;
}
