/* SPDX-License-Identifier: MIT */
/* Slots, a ring and two queues, all made once. */
#include "redis/slots.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

int uvchan__redis_slots_init(uvchan__redis_slots_t* slots, uint32_t size, size_t elem_size) {
  memset(slots, 0, sizeof(*slots));
  slots->size = size;
  slots->elem_size = elem_size;
  slots->free = calloc(size, sizeof(*slots->free));
  slots->slots = calloc(size, sizeof(*slots->slots));
  slots->elements = calloc(size, elem_size);
  slots->waiting = calloc(size, sizeof(*slots->waiting));
  slots->done.slots = calloc(size, sizeof(*slots->done.slots));
  slots->back.slots = calloc(size, sizeof(*slots->back.slots));
  if (slots->free == NULL || slots->slots == NULL || slots->elements == NULL ||
      slots->waiting == NULL || slots->done.slots == NULL || slots->back.slots == NULL) {
    uvchan__redis_slots_free(slots);
    return UV_ENOMEM;
  }
  while (slots->nfree < size) {
    slots->free[slots->nfree] = slots->nfree;
    slots->nfree++;
  }
  return 0;
}

void uvchan__redis_slots_free(uvchan__redis_slots_t* slots) {
  free(slots->free);
  free(slots->slots);
  free(slots->elements);
  free(slots->waiting);
  free(slots->done.slots);
  free(slots->back.slots);
}

static int is_newer(const uvchan__redis_slots_t* slots, uint64_t time, uint64_t serial) {
  return time > slots->newest_time || (time == slots->newest_time && serial > slots->newest_serial);
}

int uvchan__redis_slots_has(const uvchan__redis_slots_t* slots, uint64_t time, uint64_t serial) {
  uint32_t i;

  if (is_newer(slots, time, serial)) return 0;
  for (i = 0; i < slots->size; i++) {
    const uvchan__redis_slot_t* slot = &slots->slots[i];
    if (slot->state != UVCHAN__REDIS_FREE && slot->time == time && slot->serial == serial) return 1;
  }
  return 0;
}

void* uvchan__redis_slots_place(const uvchan__redis_slots_t* slots) {
  return slots->elements + (size_t)(slots->tail % slots->size) * slots->elem_size;
}

static uint32_t use(uvchan__redis_slots_t* slots, uint64_t time, uint64_t serial,
                    uint64_t deliveries) {
  uint32_t slot = slots->free[--slots->nfree];

  slots->used++;
  slots->slots[slot].time = time;
  slots->slots[slot].serial = serial;
  slots->slots[slot].deliveries = deliveries;
  if (is_newer(slots, time, serial)) {
    slots->newest_time = time;
    slots->newest_serial = serial;
  }
  return slot;
}

uint32_t uvchan__redis_slots_take(uvchan__redis_slots_t* slots, uint64_t time, uint64_t serial,
                                  uint64_t deliveries) {
  uint32_t slot = use(slots, time, serial, deliveries);

  slots->slots[slot].state = UVCHAN__REDIS_UNSENT;
  slots->waiting[slots->tail++ % slots->size] = slot;
  return slot;
}

void uvchan__redis_slots_take_back(uvchan__redis_slots_t* slots, uint64_t time, uint64_t serial,
                                   uint64_t deliveries) {
  uvchan__redis_slots_back(slots, use(slots, time, serial, deliveries), 1);
}

size_t uvchan__redis_slots_waiting(const uvchan__redis_slots_t* slots, void** first) {
  size_t at = (size_t)(slots->head % slots->size);
  size_t n = (size_t)(slots->tail - slots->head);

  *first = slots->elements + at * slots->elem_size;
  return n < slots->size - at ? n : slots->size - at;
}

uint32_t uvchan__redis_slots_out(uvchan__redis_slots_t* slots) {
  uint32_t slot = slots->waiting[slots->head++ % slots->size];

  slots->slots[slot].state = UVCHAN__REDIS_OUT;
  return slot;
}

static void put(const uvchan__redis_slots_t* slots, uvchan__redis_queue_t* queue, uint32_t slot,
                uvchan__redis_slot_state_t state) {
  slots->slots[slot].state = state;
  queue->slots[queue->tail++ % slots->size] = slot;
}

void uvchan__redis_slots_done(uvchan__redis_slots_t* slots, uint32_t slot) {
  put(slots, &slots->done, slot, UVCHAN__REDIS_DONE_HERE);
}

void uvchan__redis_slots_back(uvchan__redis_slots_t* slots, uint32_t slot, int is_unseen) {
  slots->slots[slot].is_unseen = is_unseen;
  put(slots, &slots->back, slot, UVCHAN__REDIS_BACK_HERE);
}

void uvchan__redis_slots_forget(uvchan__redis_slots_t* slots, uint32_t slot) {
  slots->slots[slot].state = UVCHAN__REDIS_FREE;
  slots->free[slots->nfree++] = slot;
  slots->used--;
}

const uvchan__redis_slot_t* uvchan__redis_slots_at(const uvchan__redis_slots_t* slots,
                                                   const uvchan__redis_queue_t* queue, uint32_t i) {
  return &slots->slots[queue->slots[(queue->head + i) % slots->size]];
}

void uvchan__redis_slots_confirm(uvchan__redis_slots_t* slots, uvchan__redis_queue_t* queue,
                                 uint32_t n) {
  while (n-- > 0) uvchan__redis_slots_forget(slots, queue->slots[queue->head++ % slots->size]);
}
