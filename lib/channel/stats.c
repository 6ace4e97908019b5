/* SPDX-License-Identifier: MIT */
/* What can be asked of a channel: its length, its limits, its statistics. Knows the structure, and
 * changes nothing. Threads: any. A length is true of one moment of the call; the figures of the
 * statistics belong together only at rest. */
#include "channel/stats.h"

#include <string.h>

#include "channel/drop.h"

/* The lock of a channel that is otherwise only read. */
static atomic_uint* lock_of(const uvchan_t* ch) { return &((uvchan_t*)(uintptr_t)ch)->lock; }

size_t uvchan_len(const uvchan_t* ch) {
  size_t len;

  if (ch == NULL) return 0;
  if (uvchan__has_ring(ch) && uvchan__ring_try_len(&ch->ring, &len)) return len;
  uvchan__lock(lock_of(ch));
  len = uvchan__has_ring(ch) ? uvchan__ring_len(&ch->ring) : uvchan__blocks(ch)->len;
  uvchan__unlock(lock_of(ch));
  return len;
}

size_t uvchan_capacity(const uvchan_t* ch) {
  if (ch == NULL) return 0;
  return uvchan__is_unbounded(ch) ? UVCHAN_UNBOUNDED : ch->ring.tail.capacity;
}

size_t uvchan_elem_size(const uvchan_t* ch) { return ch == NULL ? 0 : uvchan__size_to_receive(ch); }

int uvchan_is_closed(const uvchan_t* ch) { return ch != NULL && uvchan__is_closed(ch); }

/* With the lock: those who are queued, and the started ones for which nothing is stored. */
static size_t waiting_receivers(const uvchan_t* ch, size_t stored) {
  const uvchan_receiver_t* receiver;
  size_t available = uvchan__is_unbuffered(ch) ? uvchan__store(ch)->available : 0;
  size_t n = uvchan__count_waiting(&ch->recvq);

  if (!uvchan__is_unbuffered(ch)) {
    for (receiver = uvchan__first_started(ch); receiver != NULL; receiver = receiver->next)
      available++;
  }
  return available > stored ? n + available - stored : n;
}

/* With the lock. What an unbuffered channel has handed to its receivers is not buffered. */
static size_t peak(const uvchan_t* ch) {
  if (uvchan__has_ring(ch)) return uvchan__ring_peak(&ch->ring);
  return uvchan__is_unbuffered(ch) ? 0 : uvchan__blocks(ch)->peak;
}

const char* uvchan__name_of(const uvchan_t* ch) {
  const char* at = (const char*)uvchan__store(ch) + uvchan__store_bytes(ch);

  if (!ch->has_name) return "";
  if (!ch->has_drops) return at;
  at += UVCHAN__DROPS_BYTES;
  return at + uvchan__room_bytes(ch->overflow, ch->is_aging, uvchan__size_to_send(ch));
}

static void tell_aging(const uvchan_t* ch, uvchan_stats_t* stats) {
  const uvchan__aging_t* aging;

  if (!ch->is_aging) return;
  aging = uvchan__aging(ch);
  stats->expired = aging->expired;
  stats->shed = aging->shed;
  stats->longest_wait = aging->longest_wait;
}

/* A value is counted as dropped when it has left the store, under the same lock: so dropped_old is
 * never more than popped. */
void uvchan__stats_locked(const uvchan_t* ch, uvchan_stats_t* stats) {
  uint64_t dropped_new, dropped_old, popped;

  dropped_new = atomic_load_explicit(&ch->dropped_new, memory_order_relaxed);
  dropped_old = atomic_load_explicit(&ch->dropped_old, memory_order_relaxed);
  popped = uvchan__has_ring(ch) ? uvchan__ring_popped(&ch->ring) : uvchan__blocks(ch)->popped;
  stats->name = uvchan__name_of(ch);
  stats->capacity = uvchan_capacity(ch);
  stats->len = uvchan__has_ring(ch) ? uvchan__ring_len(&ch->ring) : uvchan__blocks(ch)->len;
  stats->peak = peak(ch);
  stats->sent = (uvchan__has_ring(ch) ? uvchan__ring_pushed(&ch->ring) : popped + stats->len) +
                ch->handed_over + dropped_new;
  stats->received = popped - dropped_old + ch->handed_over;
  stats->dropped = dropped_new + dropped_old;
  stats->wakeups = atomic_load_explicit(&ch->wakeups, memory_order_relaxed);
  stats->waiting_senders = uvchan__count_waiting(&ch->sendq);
  stats->waiting_receivers = waiting_receivers(ch, stats->len);
  tell_aging(ch, stats);
}

void uvchan_stats(const uvchan_t* ch, uvchan_stats_t* stats) {
  if (stats == NULL) return;
  memset(stats, 0, sizeof(*stats));
  stats->name = "";
  if (ch == NULL) return;
  uvchan__lock(lock_of(ch));
  uvchan__stats_locked(ch, stats);
  uvchan__unlock(lock_of(ch));
}
