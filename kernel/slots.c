/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A list of slots that only grows; slots are claimed and given back. */
#include "slots.h"

#include <pthread.h>

static struct ww_slot *all_slots;
static __thread struct ww_slot *mine;
static pthread_key_t thread_end;
static ww_slot_orphan *orphaned;

/* Runs at the end of a thread, also of one that was killed in the middle of a
 * query: by pthread_exit, which is how Wine ends a terminated thread. */
static void give_back(void *argument)
{
	struct ww_slot *slot = argument;

	if (ww_slot_phase(ww_slot_state(slot)) != WW_SLOT_IDLE)
		orphaned(slot);
	mine = NULL;
	__atomic_store_n(&slot->region, NULL, __ATOMIC_SEQ_CST);
	__atomic_store_n(&slot->claimed, false, __ATOMIC_RELEASE);
}

int ww_slots_init(ww_slot_orphan *orphan)
{
	orphaned = orphan;
	return -pthread_key_create(&thread_end, give_back);
}

struct ww_slot *ww_slots_first(void)
{
	return __atomic_load_n(&all_slots, __ATOMIC_SEQ_CST);
}

static struct ww_slot *claim_used(void)
{
	struct ww_slot *slot;

	for (slot = ww_slots_first(); slot; slot = slot->next)
		if (!__atomic_load_n(&slot->claimed, __ATOMIC_RELAXED) &&
		    !__atomic_exchange_n(&slot->claimed, true, __ATOMIC_ACQUIRE))
			return slot;
	return NULL;
}

static struct ww_slot *claim_new(const struct ww_kernel_ops *ops)
{
	struct ww_slot *slot = ops->map(sizeof(*slot));

	if (!slot)
		return NULL;
	slot->claimed = true;
	slot->next = ww_slots_first();
	while (!__atomic_compare_exchange_n(&all_slots, &slot->next, slot, false,
					    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
	return slot;
}

struct ww_slot *ww_slot_mine(const struct ww_kernel_ops *ops)
{
	struct ww_slot *slot = mine;

	if (slot)
		return slot;
	slot = claim_used();
	if (!slot)
		slot = claim_new(ops);
	if (!slot)
		return NULL;
	/* A slot whose owner's end would go unnoticed could keep a record
	 * forever: better none. */
	if (pthread_setspecific(thread_end, slot)) {
		__atomic_store_n(&slot->claimed, false, __ATOMIC_RELEASE);
		return NULL;
	}
	return mine = slot;
}

bool ww_slot_enter(struct ww_slot *slot, enum ww_slot_phase phase)
{
	uint64_t next = (ww_slot_state(slot) | 3) + 1 + phase;
	uint64_t old = __atomic_exchange_n(&slot->state, next, __ATOMIC_SEQ_CST);

	/* what the owner does to its record comes after this */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	return ww_slot_phase(old) != WW_SLOT_PUT_BACK;
}

void ww_slots_after_fork(void)
{
	for (struct ww_slot *slot = ww_slots_first(); slot; slot = slot->next) {
		slot->state &= ~UINT64_C(3);
		slot->region = NULL;
		slot->claimed = slot == mine;
	}
}
