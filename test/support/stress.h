/* SPDX-License-Identifier: MIT */
/* What the stress suite stands on: the world of channels, the ledger of all values, and the parties
 * that are plain threads. The parties on loops, and the tests, are in test-stress.c.
 *
 * A value is a number: its sender, its channel, and its place in what that sender sent there. A
 * place is used for one send at most; one whose send failed or was cancelled stays empty. */
#ifndef STRESS_H
#define STRESS_H

#include <string.h>

#include "support.h"

#define SENDERS 4
#define CHANNELS 3
#define PLACES 8192
#define AT_ONCE 5
#define MOST_ELEM_SIZE 4200

/* What each place of the ledger has seen. Relaxed: it is read when all threads have been joined. */
typedef struct {
  atomic_uchar sent[SENDERS][CHANNELS][PLACES]; /* a send of it answered 0 */
  atomic_uchar had[SENDERS][CHANNELS][PLACES];  /* received or dropped */
  atomic_uint_fast64_t nsent;
  atomic_uint_fast64_t nhad;
  atomic_uint_fast64_t ndropped;
} ledger_t;

typedef struct {
  uvchan_t* chs[CHANNELS];
  size_t elem_size;
  int counted;     /* the last sender closes */
  int interrupted; /* somebody closes or aborts the channels midway */
  atomic_uint senders_left;
  ledger_t ledger;
} world_t;

static world_t world;

static inline uint32_t draw(uint32_t* random, uint32_t n) { return support_random(random) % n; }

/* ---- The ledger ------------------------------------------------------------------------------ */

static inline uint64_t number_of(size_t sender, size_t channel, uint32_t place) {
  return (uint64_t)sender << 48 | (uint64_t)channel << 32 | place;
}

static inline void put(void* values, size_t i, uint64_t number) {
  memset((unsigned char*)values + i * world.elem_size, (int)(number & 0xff), world.elem_size);
  memcpy((unsigned char*)values + i * world.elem_size, &number, 8);
}

static inline uint64_t get(const void* values, size_t i) {
  const unsigned char* value = (const unsigned char*)values + i * world.elem_size;
  uint64_t number;
  memcpy(&number, value, 8);
  must(world.elem_size == 8 || value[world.elem_size - 1] == (number & 0xff));
  return number;
}

/* What one who receives has seen: the least place that may still come from each sender. */
typedef struct {
  uint32_t next[SENDERS][CHANNELS];
} order_t;

static inline void note_had(uint64_t number) {
  size_t sender = (size_t)(number >> 48);
  size_t channel = (size_t)(number >> 32 & 0xffff);
  uint32_t place = (uint32_t)number;
  must(sender < SENDERS && channel < CHANNELS && place < PLACES);
  must(atomic_fetch_add_explicit(&world.ledger.had[sender][channel][place], 1,
                                 memory_order_relaxed) == 0);
  atomic_fetch_add_explicit(&world.ledger.nhad, 1, memory_order_relaxed);
}

static inline void note_received(order_t* order, size_t channel, uint64_t number) {
  size_t sender = (size_t)(number >> 48);
  uint32_t place = (uint32_t)number;
  note_had(number);
  must((size_t)(number >> 32 & 0xffff) == channel);
  must(place >= order->next[sender][channel]);
  order->next[sender][channel] = place + 1;
}

static inline void note_dropped(void* value, uvchan_drop_reason_t reason, void* arg) {
  (void)reason;
  (void)arg;
  note_had(get(value, 0));
  atomic_fetch_add_explicit(&world.ledger.ndropped, 1, memory_order_relaxed);
}

static inline void note_sent(uint64_t number) {
  atomic_uchar* sent = &world.ledger.sent[number >> 48][number >> 32 & 0xffff][(uint32_t)number];
  must(atomic_fetch_add_explicit(sent, 1, memory_order_relaxed) == 0);
  atomic_fetch_add_explicit(&world.ledger.nsent, 1, memory_order_relaxed);
}

static inline int is_end(ssize_t status) { return status == UV_EOF || status == UV_ECONNABORTED; }
static inline int is_not_now(ssize_t status) {
  return status == UV_EAGAIN || status == UV_ETIMEDOUT;
}

/* ---- Senders --------------------------------------------------------------------------------- */

typedef struct {
  size_t id;
  uint32_t random;
  uint32_t steps_left;
  uint32_t place[CHANNELS]; /* the next */
  int closed[CHANNELS];
} sender_t;

static inline int can_send(const sender_t* sender) {
  size_t c;
  if (sender->steps_left == 0) return 0;
  for (c = 0; c < CHANNELS; c++) {
    if (!sender->closed[c] && sender->place[c] + AT_ONCE < PLACES) return 1;
  }
  return 0;
}

static inline uint64_t next_number(const sender_t* sender, size_t c) {
  return number_of(sender->id, c, sender->place[c]);
}

/* The answer to a send of the next place or places of a channel. */
static inline void sender_note(sender_t* sender, size_t c, ssize_t answer) {
  must(answer == UV_EPIPE || is_not_now(answer) || answer > 0);
  if (answer == UV_EPIPE) sender->closed[c] = 1;
  for (; answer > 0; answer--) {
    note_sent(next_number(sender, c));
    sender->place[c]++;
  }
}

/* The channels that are not closed, one case each; answers how many there are. */
static inline size_t send_cases(const sender_t* sender, uvchan_case_t* cases, void* values) {
  size_t n = 0;
  size_t c;
  memset(cases, 0, CHANNELS * sizeof(*cases));
  for (c = 0; c < CHANNELS; c++) {
    put(values, c, next_number(sender, c));
    cases[c].op = UVCHAN_SEND;
    cases[c].value = (unsigned char*)values + c * world.elem_size;
    if (sender->closed[c]) continue;
    cases[c].ch = world.chs[c];
    n++;
  }
  return n;
}

static inline int one_of(int status) { return status == 0 ? 1 : status; }

static inline void sender_leave(void) {
  size_t c;
  atomic_fetch_sub(&world.senders_left, 1);
  if (!world.counted) return;
  for (c = 0; c < CHANNELS; c++) must(uvchan_sender_done(world.chs[c]) == 0);
}

static inline int select_some(uint32_t* random, uvchan_case_t* cases) {
  switch (draw(random, 3)) {
    case 0:
      return uvchan_try_select(cases, CHANNELS);
    case 1:
      return uvchan_select_timedwait(cases, CHANNELS, 20000);
    default:
      return uvchan_select_wait(cases, CHANNELS);
  }
}

static inline void sender_step(sender_t* sender, void* values) {
  uvchan_case_t cases[CHANNELS];
  size_t c = draw(&sender->random, CHANNELS);
  size_t n = 1 + draw(&sender->random, AT_ONCE);
  size_t i;
  for (i = 0; i < n; i++) put(values, i, next_number(sender, c) + i);
  switch (draw(&sender->random, 6)) {
    case 0:
      sender_note(sender, c, one_of(uvchan_try_send(world.chs[c], values)));
      break;
    case 1:
      sender_note(sender, c, one_of(uvchan_send_wait(world.chs[c], values)));
      break;
    case 2:
      sender_note(sender, c, one_of(uvchan_send_timedwait(world.chs[c], values, 20000)));
      break;
    case 3:
      sender_note(sender, c, uvchan_try_send_n(world.chs[c], values, n));
      break;
    case 4:
      sender_note(sender, c, uvchan_send_wait_n(world.chs[c], values, n));
      break;
    default:
      if (send_cases(sender, cases, values) == 0) break;
      i = (size_t)select_some(&sender->random, cases);
      if (i < CHANNELS) sender_note(sender, i, one_of(cases[i].status));
      break;
  }
}

static inline void send_in_thread(void* arg) {
  static _Thread_local unsigned char values[AT_ONCE * MOST_ELEM_SIZE];
  sender_t* sender = arg;
  while (can_send(sender)) {
    sender->steps_left--;
    sender_step(sender, values);
  }
  sender_leave();
}

/* ---- Receivers ------------------------------------------------------------------------------- */

typedef struct {
  uint32_t random;
  int ended[CHANNELS];
  order_t order;
} taker_t;

static inline int all_ended(const int* ended) {
  size_t c;
  for (c = 0; c < CHANNELS; c++) {
    if (!ended[c]) return 0;
  }
  return 1;
}

static inline void taker_note(taker_t* taker, size_t c, const void* values, ssize_t answer) {
  ssize_t i;
  must(answer > 0 || is_end(answer) || is_not_now(answer));
  for (i = 0; i < answer; i++) note_received(&taker->order, c, get(values, (size_t)i));
  if (is_end(answer)) taker->ended[c] = 1;
}

static inline void recv_cases(const int* ended, uvchan_case_t* cases, void* values) {
  size_t c;
  memset(cases, 0, CHANNELS * sizeof(*cases));
  for (c = 0; c < CHANNELS; c++) {
    cases[c].op = UVCHAN_RECV;
    cases[c].value = (unsigned char*)values + c * world.elem_size;
    if (!ended[c]) cases[c].ch = world.chs[c];
  }
}

static inline void taker_step(taker_t* taker, void* values) {
  uvchan_case_t cases[CHANNELS];
  size_t c = draw(&taker->random, CHANNELS);
  size_t n = 1 + draw(&taker->random, AT_ONCE);
  size_t i;
  switch (draw(&taker->random, 6)) {
    case 0:
      taker_note(taker, c, values, one_of(uvchan_try_recv(world.chs[c], values)));
      break;
    case 1:
      taker_note(taker, c, values, one_of(uvchan_recv_timedwait(world.chs[c], values, 50000)));
      break;
    case 2:
      taker_note(taker, c, values, one_of(uvchan_recv_timedwait(world.chs[c], values, 20000)));
      break;
    case 3:
      taker_note(taker, c, values, uvchan_try_recv_n(world.chs[c], values, n));
      break;
    default:
      recv_cases(taker->ended, cases, values);
      i = (size_t)select_some(&taker->random, cases);
      if (i < CHANNELS) taker_note(taker, i, cases[i].value, one_of(cases[i].status));
      break;
  }
}

static inline void take_in_thread(void* arg) {
  static _Thread_local unsigned char values[AT_ONCE * MOST_ELEM_SIZE];
  taker_t* taker = arg;
  while (!all_ended(taker->ended)) taker_step(taker, values);
}

#endif /* STRESS_H */
