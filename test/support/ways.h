/* SPDX-License-Identifier: MIT */
/* The ways to send and to receive from a plain thread, behind one call each, so that a test can run
 * over all pairings of them. A number names a value: its sender and its place in that sender's
 * order, which the receiver reads back out of the value. */
#ifndef WAYS_H
#define WAYS_H

#include <string.h>

#include "support.h"

typedef enum {
  WAY_TRY,
  WAY_WAIT,
  WAY_TIMED,
  WAY_TRY_N,
  WAY_WAIT_N,
  WAY_TRY_SELECT,
  WAY_SELECT,
  WAY_TIMED_SELECT,
  NWAYS
} way_t;

#define WAY_MOST 5                  /* values that one call moves */
#define WAY_TIMEOUT UINT64_C(50000) /* nanoseconds: short, so that some calls run out of time */

/* What a select with one case answers, as the plain call would. */
static inline int way_outcome(int index, const uvchan_case_t* one) {
  return index < 0 ? index : one->status;
}

static inline int way_select(way_t way, uvchan_t* ch, uvchan_op_t op, void* value, uint64_t limit) {
  uvchan_case_t one;
  memset(&one, 0, sizeof(one));
  one.ch = ch;
  one.op = op;
  one.value = value;
  one.status = 1;
  if (way == WAY_TRY_SELECT) return way_outcome(uvchan_try_select(&one, 1), &one);
  if (way == WAY_SELECT) return way_outcome(uvchan_select_wait(&one, 1), &one);
  return way_outcome(uvchan_select_timedwait(&one, 1, limit), &one);
}

static inline ssize_t way_count(int status) { return status == 0 ? 1 : status; }

/* One call that sends up to n values, n between 1 and WAY_MOST: how many it sent, or its error. The
 * limit, in nanoseconds, is that of the timed ways. */
static inline ssize_t way_send_within(way_t way, uvchan_t* ch, void* values, size_t n,
                                      uint64_t limit) {
  switch (way) {
    case WAY_TRY:
      return way_count(uvchan_try_send(ch, values));
    case WAY_WAIT:
      return way_count(uvchan_send_wait(ch, values));
    case WAY_TIMED:
      return way_count(uvchan_send_timedwait(ch, values, limit));
    case WAY_TRY_N:
      return uvchan_try_send_n(ch, values, n);
    case WAY_WAIT_N:
      return uvchan_send_wait_n(ch, values, n);
    default:
      return way_count(way_select(way, ch, UVCHAN_SEND, values, limit));
  }
}

/* One call that receives up to n values: how many it received, or its error. */
static inline ssize_t way_recv_within(way_t way, uvchan_t* ch, void* values, size_t n,
                                      uint64_t limit) {
  switch (way) {
    case WAY_TRY:
      return way_count(uvchan_try_recv(ch, values));
    case WAY_WAIT:
      return way_count(uvchan_recv_wait(ch, values));
    case WAY_TIMED:
      return way_count(uvchan_recv_timedwait(ch, values, limit));
    case WAY_TRY_N:
      return uvchan_try_recv_n(ch, values, n);
    case WAY_WAIT_N:
      return uvchan_recv_wait_n(ch, values, n);
    default:
      return way_count(way_select(way, ch, UVCHAN_RECV, values, limit));
  }
}

static inline ssize_t way_send(way_t way, uvchan_t* ch, void* values, size_t n) {
  return way_send_within(way, ch, values, n, WAY_TIMEOUT);
}

static inline ssize_t way_recv(way_t way, uvchan_t* ch, void* values, size_t n) {
  return way_recv_within(way, ch, values, n, WAY_TIMEOUT);
}

static inline int way_never_waits(way_t way) {
  return way == WAY_TRY || way == WAY_TRY_N || way == WAY_TRY_SELECT;
}

static inline int way_is_not_now(ssize_t answer) {
  return answer == UV_EAGAIN || answer == UV_ETIMEDOUT;
}

/* Gives up the processor between two calls that were answered "not now". */
static inline void way_rest(unsigned int* turns) {
  must(++*turns < 10000000);
  uv_sleep(0);
}

/* A value's number: the sender above, the place in its order below. It fits in 4 bytes. */
#define WAY_NUMBER(sender, place) ((uint64_t)(sender) << 20 | (uint64_t)(place))
#define WAY_SENDER(number) ((size_t)((number) >> 20))
#define WAY_PLACE(number) ((size_t)((number)&0xfffff))

static inline uint64_t way_number(const void* value, size_t elem_size) {
  uint64_t number = 0;
  uint32_t low = 0;
  if (elem_size >= 8) {
    memcpy(&number, value, 8);
  } else if (elem_size >= 4) {
    memcpy(&low, value, 4);
    number = low;
  }
  return number;
}

/* Sends the values [0, n) of a sender; answers how many were sent until they were all, or the
 * channel was closed. */
static inline size_t way_send_all(way_t way, uvchan_t* ch, size_t sender, size_t n) {
  unsigned char values[WAY_MOST * SUPPORT_MOST_BYTES];
  size_t elem_size = uvchan_elem_size(ch);
  unsigned int turns = 0;
  size_t sent = 0;
  while (sent < n) {
    size_t run = n - sent < WAY_MOST ? n - sent : WAY_MOST;
    ssize_t answer;
    size_t i;
    for (i = 0; i < run; i++) {
      uint64_t number = WAY_NUMBER(sender, sent + i);
      support_fill(values + i * elem_size, elem_size, number);
    }
    answer = way_send(way, ch, values, run);
    if (answer == UV_EPIPE) return sent;
    must(answer > 0 || way_is_not_now(answer));
    must(answer <= (ssize_t)run);
    if (answer > 0) {
      sent += (size_t)answer;
    } else {
      way_rest(&turns);
    }
  }
  return sent;
}

/* What one receiver saw. With values of less than 4 bytes it only counts. */
#define WAY_MOST_SENDERS 32

typedef struct {
  size_t received;
  uint64_t sum;                  /* of the numbers */
  size_t next[WAY_MOST_SENDERS]; /* the least place that may still come from each sender */
  unsigned char* seen;           /* of all receivers: [sender * stride + place], or NULL */
  size_t stride;
  int end; /* the status that ended it */
} way_log_t;

static inline void way_note(way_log_t* log, const void* value, size_t elem_size) {
  uint64_t number = way_number(value, elem_size);
  size_t sender = WAY_SENDER(number);
  size_t place = WAY_PLACE(number);
  log->received++;
  if (elem_size < 4) return;
  must(support_matches(value, elem_size, number));
  must(sender < WAY_MOST_SENDERS);
  must(place >= log->next[sender]); /* the order of one sender, as one receiver sees it */
  log->next[sender] = place + 1;
  log->sum += number;
  if (log->seen == NULL) return;
  must(place < log->stride);
  /* a second receiver of the same value is a race here, or a failure */
  must(log->seen[sender * log->stride + place]++ == 0);
}

/* Receives quota values, or until the end where that comes first. */
static inline void way_recv_all(way_t way, uvchan_t* ch, size_t quota, way_log_t* log) {
  unsigned char values[WAY_MOST * SUPPORT_MOST_BYTES];
  size_t elem_size = uvchan_elem_size(ch);
  unsigned int turns = 0;
  while (log->received < quota) {
    size_t most = quota - log->received < WAY_MOST ? quota - log->received : WAY_MOST;
    ssize_t answer = way_recv(way, ch, values, most);
    ssize_t i;
    must(answer != 0 && answer <= (ssize_t)most);
    for (i = 0; i < answer; i++) way_note(log, values + (size_t)i * elem_size, elem_size);
    if (answer > 0) continue;
    if (!way_is_not_now(answer)) {
      log->end = (int)answer;
      return;
    }
    way_rest(&turns);
  }
}

#endif /* WAYS_H */
