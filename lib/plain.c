/* Sending and receiving from plain threads: try, wait, wait with a time limit, and many values at once. Threads: any. */
#include "operation.h"
#include "park.h"

static int lacks_value(const uvchan_t* ch, const void* value) { return ch == NULL || (value == NULL && ch->ring.elem_size > 0); }

static const void* value_at(const uvchan_t* ch, const void* values, size_t i) { return uvchan__nth(values, i, ch->ring.elem_size); }

/* More values than a result can count are left for the next call. */
static size_t countable(size_t n) { return n > SIZE_MAX / 2 ? SIZE_MAX / 2 : n; }

/* ---- Try ------------------------------------------------------------------------------------------------------------------ */

int uvchan_try_send(uvchan_t* ch, const void* value) {
  if (lacks_value(ch, value)) return UV_EINVAL;
  return uvchan__send_now(ch, value, NULL);
}

int uvchan_try_recv(uvchan_t* ch, void* value) {
  if (lacks_value(ch, value)) return UV_EINVAL;
  return uvchan__recv_now(ch, value);
}

ssize_t uvchan_try_send_n(uvchan_t* ch, const void* values, size_t n) {
  size_t moved;
  int r;

  if (lacks_value(ch, values) || n == 0) return UV_EINVAL;
  r = uvchan__send_some(ch, values, countable(n), &moved);
  return r == 0 ? (ssize_t)moved : r;
}

ssize_t uvchan_try_recv_n(uvchan_t* ch, void* values, size_t n) {
  size_t moved;
  int r;

  if (lacks_value(ch, values) || n == 0) return UV_EINVAL;
  r = uvchan__recv_some(ch, values, countable(n), &moved);
  return r == 0 ? (ssize_t)moved : r;
}

/* ---- Wait ----------------------------------------------------------------------------------------------------------------- */

/* The waiter is queued: sleeps until it was finished, or the time is over and nobody has claimed it. */
static int sleep_until_finished(uvchan__waiter_t* waiter, uvchan__place_t* place, uint64_t timeout) {
  if (uvchan__park(waiter, timeout) == 0) return waiter->status;
  if (uvchan__withdraw(waiter)) {
    uvchan__remove(place);
    return UV_ETIMEDOUT;
  }
  uvchan__park(waiter, UVCHAN__FOR_EVER); /* claimed just now: the claimer is on his way to wake it */
  return waiter->status;
}

int uvchan_send_timedwait(uvchan_t* ch, const void* value, uint64_t timeout) {
  uvchan__waiter_t waiter;
  uvchan__place_t place;
  int r;

  if (lacks_value(ch, value)) return UV_EINVAL;
  r = uvchan__send_now(ch, value, NULL);
  if (r != UV_EAGAIN) return r;
  uvchan__waiter_init(&waiter, UVCHAN__THREAD, NULL, NULL);
  uvchan__place_init(&place, &waiter, ch, value, 1);
  r = uvchan__send_or_enqueue(ch, &place, NULL, timeout == UINT64_MAX);
  return r == UV_EAGAIN ? sleep_until_finished(&waiter, &place, timeout) : r;
}

int uvchan_recv_timedwait(uvchan_t* ch, void* value, uint64_t timeout) {
  uvchan__waiter_t waiter;
  uvchan__place_t place;
  int r;

  if (lacks_value(ch, value)) return UV_EINVAL;
  r = uvchan__recv_now(ch, value);
  if (r != UV_EAGAIN) return r;
  uvchan__waiter_init(&waiter, UVCHAN__THREAD, NULL, NULL);
  uvchan__place_init(&place, &waiter, ch, value, 0);
  r = uvchan__recv_or_enqueue(ch, &place);
  return r == UV_EAGAIN ? sleep_until_finished(&waiter, &place, timeout) : r;
}

int uvchan_send_wait(uvchan_t* ch, const void* value) { return uvchan_send_timedwait(ch, value, UINT64_MAX); }

int uvchan_recv_wait(uvchan_t* ch, void* value) { return uvchan_recv_timedwait(ch, value, UINT64_MAX); }

ssize_t uvchan_send_wait_n(uvchan_t* ch, const void* values, size_t n) {
  size_t sent = 0;

  if (lacks_value(ch, values) || n == 0) return UV_EINVAL;
  n = countable(n);
  while (sent < n) {
    size_t moved = 1;
    int r = uvchan__send_some(ch, value_at(ch, values, sent), n - sent, &moved);

    if (r == UV_EAGAIN) {
      moved = 1;
      r = uvchan_send_wait(ch, value_at(ch, values, sent));
    }
    if (r != 0) return sent > 0 ? (ssize_t)sent : r;
    sent += moved;
  }
  return (ssize_t)sent;
}

ssize_t uvchan_recv_wait_n(uvchan_t* ch, void* values, size_t n) {
  ssize_t got;
  ssize_t more;
  int r;

  if (lacks_value(ch, values) || n == 0) return UV_EINVAL;
  got = uvchan_try_recv_n(ch, values, n);
  if (got != UV_EAGAIN) return got;
  r = uvchan_recv_wait(ch, values);
  if (r != 0) return r;
  if (n == 1) return 1;
  more = uvchan_try_recv_n(ch, uvchan__nth(values, 1, ch->ring.elem_size), n - 1);
  return more > 0 ? 1 + more : 1;
}
