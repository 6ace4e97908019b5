/* SPDX-License-Identifier: MIT */
/* The slots of a source, one for each value from its delivery to the confirmation that it is done,
 * and the elements that wait for room in the channel. Knows no server and no channel. The loop's
 * thread alone.
 *
 *    FREE --take--> WAITING --out--> OUT --done--> DONE --confirmed--> FREE
 *      |                              |--back--> BACK --confirmed--> FREE
 *      |                              '--forget--> FREE
 *      '--take_back--> BACK
 *
 * I1. reserved slots are FREE, and promised to answers that are due: so used + reserved <= size.
 * I2. The ring of elements holds the slots that are WAITING, one queue those that are DONE, and the
 *     other those that are BACK, each in order. All have `size` places: so they are never full. */
#ifndef UVCHAN_REDIS_SLOTS_H
#define UVCHAN_REDIS_SLOTS_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
  UVCHAN__REDIS_FREE = 0,
  UVCHAN__REDIS_UNSENT, /* WAITING */
  UVCHAN__REDIS_OUT,
  UVCHAN__REDIS_DONE_HERE, /* DONE */
  UVCHAN__REDIS_BACK_HERE  /* BACK */
} uvchan__redis_slot_state_t;

typedef struct {
  uint64_t time;
  uint64_t serial;
  uint64_t deliveries; /* the server's count, with this one */
  uint64_t taken_ms;   /* by its owner's clock */
  uvchan__redis_slot_state_t state;
  int is_unseen; /* BACK, and no receiver has had it */
} uvchan__redis_slot_t;

typedef struct {
  uint32_t* slots;
  uint64_t head;
  uint64_t tail;
} uvchan__redis_queue_t;

typedef struct {
  uint32_t size;
  uint32_t used;
  uint32_t reserved;
  uint32_t nfree;
  uint32_t* free; /* a stack */
  uvchan__redis_slot_t* slots;
  size_t elem_size;
  unsigned char* elements; /* the ring, with the slot of each in `waiting` */
  uint32_t* waiting;
  uint64_t newest_time; /* the greatest number that had a slot; serial belongs to it */
  uint64_t newest_serial;
  uint64_t head;
  uint64_t tail;
  uvchan__redis_queue_t done;
  uvchan__redis_queue_t back;
} uvchan__redis_slots_t;

/* Returns 0; UV_ENOMEM, and nothing is left. */
int uvchan__redis_slots_init(uvchan__redis_slots_t* slots, uint32_t size, size_t elem_size);
void uvchan__redis_slots_free(uvchan__redis_slots_t* slots);

/* How many may be asked for. */
static inline uint32_t uvchan__redis_slots_room(const uvchan__redis_slots_t* slots) {
  return slots->size - slots->used - slots->reserved;
}

/* 1 where a value with this number has a slot. That takes time for each slot, but for a number that
 * is greater than all that had one, as news is. */
int uvchan__redis_slots_has(const uvchan__redis_slots_t* slots, uint64_t time, uint64_t serial);

/* Where the element is written that waits next, and a slot for it, WAITING. There is room. */
void* uvchan__redis_slots_place(const uvchan__redis_slots_t* slots);
uint32_t uvchan__redis_slots_take(uvchan__redis_slots_t* slots, uint64_t time, uint64_t serial,
                                  uint64_t deliveries);

/* A slot for a value that goes back at once. There is room. */
void uvchan__redis_slots_take_back(uvchan__redis_slots_t* slots, uint64_t time, uint64_t serial,
                                   uint64_t deliveries);

/* Elements that wait side by side, from *first on. */
size_t uvchan__redis_slots_waiting(const uvchan__redis_slots_t* slots, void** first);

/* The first that waits is out; answers its slot. */
uint32_t uvchan__redis_slots_out(uvchan__redis_slots_t* slots);

void uvchan__redis_slots_done(uvchan__redis_slots_t* slots, uint32_t slot);
void uvchan__redis_slots_back(uvchan__redis_slots_t* slots, uint32_t slot, int is_unseen);
void uvchan__redis_slots_forget(uvchan__redis_slots_t* slots, uint32_t slot);

/* Of those that are DONE, or BACK: how many; the i-th; and that the first n are confirmed. */
static inline uint32_t uvchan__redis_slots_queued(const uvchan__redis_queue_t* queue) {
  return (uint32_t)(queue->tail - queue->head);
}
const uvchan__redis_slot_t* uvchan__redis_slots_at(const uvchan__redis_slots_t* slots,
                                                   const uvchan__redis_queue_t* queue, uint32_t i);
void uvchan__redis_slots_confirm(uvchan__redis_slots_t* slots, uvchan__redis_queue_t* queue,
                                 uint32_t n);

#endif /* UVCHAN_REDIS_SLOTS_H */
