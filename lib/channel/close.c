/* SPDX-License-Identifier: MIT */
/* How a channel ends: close, close with a status, abort, and the last counted sender. Knows the
 * steps, and what becomes of the values that an abort leaves; does not know who waits, but that he
 * is finished: a sender with UV_EPIPE, a receiver with a value that is still stored, else with the
 * end; started receivers are told to look. Counted senders are those of uvchan_sender_add().
 * Threads: any. */
#include <limits.h>

#include "channel/drop.h"
#include "channel/steps.h"
#include "ground/probes.h"

/* ---- With the lock --------------------------------------------------------------------------- */

/* Finishes a waiter for the end; a select that waits with several cases only at the place that was
 * drawn for it. The end stands behind all values: so one who waits to receive gets a value that is
 * still stored, which started receivers have been told of, and else the end. */
static void end_wait(uvchan_t* ch, uvchan__place_t* place, uvchan__visit_t* visit) {
  int status = UV_EPIPE;

  if (!place->for_close || !uvchan__claim(place->waiter)) return;
  if (!place->sends) status = uvchan__pop_locked(ch, place->value, visit) == 0 ? 0 : ch->end_status;
  if (status == 0) UVCHAN__PROBE2(receive, ch, 1);
  UVCHAN__PROBE3(wake, ch, place->waiter, status);
  uvchan__finish(place, status, &visit->wakes);
}

/* 0 or UV_EALREADY. The mark comes before anyone is woken: on the fast path nothing is sent any
 * more from there on (ring.h, I3). Started receivers are told, and find the end by themselves. */
static int close_locked(uvchan_t* ch, int status, uvchan__visit_t* visit) {
  uvchan__place_t* place;

  if (uvchan__is_closed(ch)) return UV_EALREADY;
  UVCHAN__PROBE2(close, ch, status);
  ch->end_status = status;
  if (uvchan__ring_mark(&ch->ring.tail, UVCHAN__CLOSED)) uvchan__tell_armed_locked(ch, visit);
  while ((place = uvchan__first_waiting(&ch->sendq)) != NULL) {
    uvchan__dequeue(&ch->sendq, place);
    end_wait(ch, place, visit);
  }
  while ((place = uvchan__first_waiting(&ch->recvq)) != NULL) {
    uvchan__dequeue(&ch->recvq, place);
    end_wait(ch, place, visit);
  }
  while ((place = uvchan__first_waiting(&ch->startedq)) != NULL)
    uvchan__tell_started_locked(ch, place, visit);
  return 0;
}

/* ---- The calls ------------------------------------------------------------------------------- */

static int is_end(int status) {
  return status < 0 && status != UV_EAGAIN && status != UV_EBUSY && status != UV_ETIMEDOUT;
}

int uvchan_close_with(uvchan_t* ch, int status) {
  uvchan__visit_t visit = UVCHAN__VISIT(NULL);
  int r;

  if (ch == NULL || !is_end(status)) return UV_EINVAL;
  uvchan__lock_channel(ch);
  r = close_locked(ch, status, &visit);
  uvchan__unlock_and_wake(ch, &visit);
  return r;
}

int uvchan_close(uvchan_t* ch) { return uvchan_close_with(ch, UV_EOF); }

/* One step to everyone else: no receiver on the fast path takes a value between the close and the
 * drop, or a later one while an earlier one is dropped already, since head is SLOW before the close
 * can be seen, and all values are claimed at once. */
int uvchan_abort(uvchan_t* ch, int status) {
  uvchan__visit_t visit = UVCHAN__VISIT(NULL);
  uvchan__dropped_t dropped;
  int r;

  if (ch == NULL || !is_end(status)) return UV_EINVAL;
  uvchan__lock_channel(ch);
  uvchan__mark_for(ch, 1);
  r = close_locked(ch, status, &visit);
  uvchan__drop_take_locked(ch, &dropped);
  uvchan__unlock_and_wake(ch, &visit);
  uvchan__drop_taken(ch, &dropped, UVCHAN_DROPPED_ABORT);
  return r;
}

int uvchan_sender_add(uvchan_t* ch, unsigned int n) {
  int r = 0;

  if (ch == NULL || n == 0) return UV_EINVAL;
  uvchan__lock_channel(ch);
  if (uvchan__is_closed(ch)) {
    r = UV_EPIPE;
  } else if (n > UINT_MAX - ch->counted_senders) {
    r = UV_EINVAL;
  } else {
    ch->counted_senders += n;
  }
  uvchan__unlock_channel(ch);
  return r;
}

int uvchan_sender_done(uvchan_t* ch) {
  uvchan__visit_t visit = UVCHAN__VISIT(NULL);
  int r = 0;

  if (ch == NULL) return UV_EINVAL;
  uvchan__lock_channel(ch);
  if (!uvchan__is_closed(ch)) {
    if (ch->counted_senders == 0) {
      r = UV_EINVAL;
    } else if (--ch->counted_senders == 0) {
      r = close_locked(ch, UV_EOF, &visit);
    }
  }
  uvchan__unlock_and_wake(ch, &visit);
  return r;
}
