/* SPDX-License-Identifier: MIT */
/* Histories written by hand. An operation is written as: thread, begin and end, what it did, what
 * it answered. Channel 0 is written A, and channel 1 B. */
#include "examples.h"

#define A 0
#define B 1

/* ---- Words to write them with ---------------------------------------------------------------- */

static void kind(history_t* h, size_t capacity, uvchan_overflow_t overflow) {
  h->channels[A].capacity = h->channels[B].capacity = capacity;
  h->channels[A].overflow = h->channels[B].overflow = overflow;
}

static history_op_t* op(history_t* h, unsigned char thread, unsigned int begin, unsigned int end,
                        history_kind_t what, int result) {
  history_op_t* o = &h->ops[h->nops++];

  o->kind = what;
  o->thread = thread;
  o->begin = begin;
  o->settled = o->end = end;
  o->ncases = o->n = 1;
  o->result = result;
  o->argument = UV_EOF;
  return o;
}

static history_op_t* sending(history_t* h, unsigned char thread, unsigned int begin,
                             unsigned int end, history_mode_t mode, unsigned char channel,
                             unsigned char value, int result) {
  history_op_t* o = op(h, thread, begin, end, HISTORY_MOVE, result);

  o->mode = mode;
  o->cases[0] = (history_case_t){channel, 1, value, 0};
  return o;
}

/* value: 0 where it got none */
static history_op_t* receiving(history_t* h, unsigned char thread, unsigned int begin,
                               unsigned int end, history_mode_t mode, unsigned char channel,
                               unsigned char value, int result) {
  history_op_t* o = op(h, thread, begin, end, HISTORY_MOVE, result);

  o->mode = mode;
  o->cases[0] = (history_case_t){channel, 0, value, 0};
  return o;
}

static history_op_t* several(history_op_t* o, unsigned char n, unsigned char first) {
  unsigned char i;

  o->form = HISTORY_SEVERAL;
  o->n = n;
  for (i = 0; i < n; i++) o->values[i] = (unsigned char)(first + i);
  o->cases[0].value = 0;
  return o;
}

static history_op_t* select_of(history_t* h, unsigned char thread, unsigned int begin,
                               unsigned int end, history_mode_t mode, history_case_t first,
                               history_case_t second, int result) {
  history_op_t* o = op(h, thread, begin, end, HISTORY_MOVE, result);

  o->form = HISTORY_SELECT;
  o->mode = mode;
  o->ncases = 2;
  o->cases[0] = first;
  o->cases[1] = second;
  return o;
}

static history_case_t sends(unsigned char channel, unsigned char value) {
  return (history_case_t){channel, 1, value, 0};
}

static history_case_t receives(unsigned char channel, unsigned char value) {
  return (history_case_t){channel, 0, value, 0};
}

static void drops(history_op_t* o, unsigned char value) { o->dropped[o->ndropped++] = value; }

/* ---- One channel ----------------------------------------------------------------------------- */

static void nothing(history_t* h) { kind(h, 1, UVCHAN_WAIT); }

static void in_order(history_t* h) {
  kind(h, 2, UVCHAN_WAIT);
  sending(h, 0, 1, 2, HISTORY_TRY, A, 1, 0);
  sending(h, 0, 3, 4, HISTORY_TRY, A, 2, 0);
  sending(h, 0, 5, 6, HISTORY_TRY, A, 3, UV_EAGAIN);
  receiving(h, 1, 7, 8, HISTORY_TRY, A, 1, 0);
  receiving(h, 1, 9, 10, HISTORY_TRY, A, 2, 0);
  receiving(h, 1, 11, 12, HISTORY_TRY, A, 0, UV_EAGAIN);
}

static void out_of_order(history_t* h) {
  kind(h, 2, UVCHAN_WAIT);
  sending(h, 0, 1, 2, HISTORY_TRY, A, 1, 0);
  sending(h, 0, 3, 4, HISTORY_TRY, A, 2, 0);
  receiving(h, 1, 5, 6, HISTORY_TRY, A, 2, 0);
  receiving(h, 1, 7, 8, HISTORY_TRY, A, 1, 0);
}

static void in_either_order_where_sent_at_once(history_t* h) {
  kind(h, 2, UVCHAN_WAIT);
  sending(h, 0, 1, 3, HISTORY_TRY, A, 1, 0);
  sending(h, 1, 2, 4, HISTORY_TRY, A, 2, 0);
  receiving(h, 1, 5, 6, HISTORY_TRY, A, 2, 0);
  receiving(h, 1, 7, 8, HISTORY_TRY, A, 1, 0);
}

static void lost(history_t* h) {
  kind(h, 1, UVCHAN_WAIT);
  sending(h, 0, 1, 2, HISTORY_TRY, A, 1, 0);
  receiving(h, 1, 3, 4, HISTORY_TRY, A, 0, UV_EAGAIN);
}

static void lost_at_the_end(history_t* h) {
  kind(h, 1, UVCHAN_WAIT);
  sending(h, 0, 1, 2, HISTORY_TRY, A, 1, 0);
  op(h, 0, 3, 4, HISTORY_RELEASE, 0);
}

static void kept_to_the_end(history_t* h) {
  kind(h, 1, UVCHAN_WAIT);
  sending(h, 0, 1, 2, HISTORY_TRY, A, 1, 0);
  drops(op(h, 0, 3, 4, HISTORY_RELEASE, 0), 1);
}

static void twice(history_t* h) {
  kind(h, 2, UVCHAN_WAIT);
  sending(h, 0, 1, 2, HISTORY_TRY, A, 1, 0);
  receiving(h, 0, 3, 5, HISTORY_TRY, A, 1, 0);
  receiving(h, 1, 4, 6, HISTORY_TRY, A, 1, 0);
}

static void received_before_sent(history_t* h) {
  kind(h, 1, UVCHAN_WAIT);
  receiving(h, 1, 1, 2, HISTORY_WAIT, A, 1, 0);
  sending(h, 0, 3, 4, HISTORY_WAIT, A, 1, 0);
}

static void above_the_capacity(history_t* h) {
  kind(h, 1, UVCHAN_WAIT);
  sending(h, 0, 1, 2, HISTORY_TRY, A, 1, 0);
  sending(h, 0, 3, 4, HISTORY_TRY, A, 2, 0);
}

static void full_without_cause(history_t* h) {
  kind(h, 2, UVCHAN_WAIT);
  sending(h, 0, 1, 2, HISTORY_TRY, A, 1, 0);
  sending(h, 0, 3, 4, HISTORY_TRY, A, 2, UV_EAGAIN);
}

static void timed_out_though_ready(history_t* h) {
  kind(h, 1, UVCHAN_WAIT);
  sending(h, 0, 1, 2, HISTORY_TRY, A, 1, 0);
  receiving(h, 1, 3, 4, HISTORY_TIMED, A, 0, UV_ETIMEDOUT);
}

static void a_wrong_length(history_t* h) {
  kind(h, 2, UVCHAN_WAIT);
  sending(h, 0, 1, 2, HISTORY_TRY, A, 1, 0);
  receiving(h, 0, 3, 5, HISTORY_TRY, A, 1, 0);
  op(h, 1, 4, 6, HISTORY_LEN, 2);
}

/* ---- Who waits ------------------------------------------------------------------------------- */

static void unbuffered_pairs(history_t* h) {
  kind(h, 0, UVCHAN_WAIT);
  sending(h, 0, 1, 4, HISTORY_WAIT, A, 1, 0);
  receiving(h, 1, 2, 3, HISTORY_TRY, A, 1, 0);
}

static void unbuffered_keeps_a_value(history_t* h) {
  kind(h, 0, UVCHAN_WAIT);
  sending(h, 0, 1, 2, HISTORY_WAIT, A, 1, 0);
  receiving(h, 1, 3, 4, HISTORY_WAIT, A, 1, 0);
}

static void unbuffered_pairs_two_that_do_not_wait(history_t* h) {
  kind(h, 0, UVCHAN_WAIT);
  sending(h, 0, 1, 4, HISTORY_TRY, A, 1, 0);
  receiving(h, 1, 2, 3, HISTORY_TRY, A, 1, 0);
}

/* The first begins to wait before the second does, since a request is queued when its call
 * returns. */
static void two_senders_wait(history_t* h, unsigned char first, unsigned char second) {
  kind(h, 0, UVCHAN_WAIT);
  sending(h, 0, 1, 20, HISTORY_REQUEST, A, 1, 0)->settled = 2;
  sending(h, 1, 3, 19, HISTORY_REQUEST, A, 2, 0)->settled = 4;
  receiving(h, 2, 5, 6, HISTORY_TRY, A, first, 0);
  receiving(h, 2, 7, 8, HISTORY_TRY, A, second, 0);
}

static void first_come_first_served(history_t* h) { two_senders_wait(h, 1, 2); }
static void overtaken(history_t* h) { two_senders_wait(h, 2, 1); }

static void a_try_overtakes(history_t* h) {
  kind(h, 1, UVCHAN_WAIT);
  sending(h, 0, 1, 2, HISTORY_TRY, A, 1, 0);
  sending(h, 0, 3, 12, HISTORY_REQUEST, A, 2, 0)->settled = 4;
  receiving(h, 1, 5, 6, HISTORY_TRY, A, 1, 0);
  sending(h, 0, 7, 8, HISTORY_TRY, A, 3, 0);
  receiving(h, 1, 9, 10, HISTORY_TRY, A, 3, 0);
}

static void cancelled(history_t* h, int answer, int result) {
  kind(h, 0, UVCHAN_WAIT);
  sending(h, 0, 1, 10, HISTORY_REQUEST, A, 1, result)->settled = 2;
  op(h, 0, 3, 4, HISTORY_CANCEL, answer)->target = 0;
  receiving(h, 1, 5, 6, HISTORY_TRY, A, result == 0 ? 1 : 0, result == 0 ? 0 : UV_EAGAIN);
}

static void cancelled_and_not_sent(history_t* h) { cancelled(h, 0, UV_ECANCELED); }
static void cancelled_and_sent(history_t* h) { cancelled(h, 0, 0); }
static void too_late_to_cancel_and_sent_after(history_t* h) { cancelled(h, UV_EBUSY, 0); }

/* ---- The end --------------------------------------------------------------------------------- */

static void closed_in_order(history_t* h) {
  kind(h, 1, UVCHAN_WAIT);
  sending(h, 0, 1, 2, HISTORY_TRY, A, 1, 0);
  sending(h, 0, 3, 8, HISTORY_WAIT, A, 2, UV_EPIPE);
  op(h, 1, 4, 5, HISTORY_CLOSE, 0);
  op(h, 1, 6, 7, HISTORY_CLOSE, UV_EALREADY);
  receiving(h, 1, 9, 10, HISTORY_TRY, A, 1, 0);
  receiving(h, 1, 11, 12, HISTORY_WAIT, A, 0, UV_EOF);
}

static void sent_after_the_close(history_t* h) {
  kind(h, 1, UVCHAN_WAIT);
  op(h, 1, 1, 2, HISTORY_CLOSE, 0);
  sending(h, 0, 3, 4, HISTORY_TRY, A, 1, 0);
}

static void the_end_before_the_last_value(history_t* h) {
  kind(h, 1, UVCHAN_WAIT);
  sending(h, 0, 1, 2, HISTORY_TRY, A, 1, 0);
  op(h, 1, 3, 4, HISTORY_CLOSE, 0);
  receiving(h, 0, 5, 6, HISTORY_TRY, A, 0, UV_EOF);
  receiving(h, 0, 7, 8, HISTORY_TRY, A, 1, 0);
}

static void another_end(history_t* h) {
  kind(h, 1, UVCHAN_WAIT);
  op(h, 1, 1, 2, HISTORY_CLOSE, 0)->argument = UV_EIO;
  receiving(h, 0, 3, 4, HISTORY_TRY, A, 0, UV_EOF);
}

/* Value 2 is received while the abort drops value 1. */
static void an_abort_in_two_steps(history_t* h) {
  kind(h, 2, UVCHAN_WAIT);
  sending(h, 0, 1, 2, HISTORY_TRY, A, 1, 0);
  sending(h, 0, 3, 4, HISTORY_TRY, A, 2, 0);
  drops(op(h, 0, 5, 8, HISTORY_ABORT, 0), 1);
  receiving(h, 1, 6, 7, HISTORY_TRY, A, 2, 0);
}

static void an_abort_after_a_receive(history_t* h) {
  kind(h, 2, UVCHAN_WAIT);
  sending(h, 0, 1, 2, HISTORY_TRY, A, 1, 0);
  sending(h, 0, 3, 4, HISTORY_TRY, A, 2, 0);
  drops(op(h, 0, 5, 8, HISTORY_ABORT, 0), 2);
  receiving(h, 1, 6, 7, HISTORY_TRY, A, 1, 0);
}

static void the_last_sender_closes(history_t* h) {
  kind(h, 1, UVCHAN_WAIT);
  op(h, 0, 1, 2, HISTORY_DONE, UV_EINVAL);
  op(h, 0, 3, 4, HISTORY_ADD, 0)->n = 2;
  op(h, 0, 5, 6, HISTORY_DONE, 0);
  op(h, 0, 7, 8, HISTORY_IS_CLOSED, 0);
  op(h, 0, 9, 10, HISTORY_DONE, 0);
  op(h, 0, 11, 12, HISTORY_IS_CLOSED, 1);
  op(h, 0, 13, 14, HISTORY_ADD, UV_EPIPE);
}

/* ---- Overflow -------------------------------------------------------------------------------- */

static void the_oldest_is_dropped(history_t* h) {
  kind(h, 1, UVCHAN_DROP_OLDEST);
  sending(h, 0, 1, 2, HISTORY_TRY, A, 1, 0);
  drops(sending(h, 0, 3, 4, HISTORY_WAIT, A, 2, 0), 1);
  receiving(h, 0, 5, 6, HISTORY_TRY, A, 2, 0);
}

static void the_newest_is_dropped(history_t* h) {
  kind(h, 1, UVCHAN_DROP_NEWEST);
  sending(h, 0, 1, 2, HISTORY_TRY, A, 1, 0);
  drops(sending(h, 0, 3, 4, HISTORY_WAIT, A, 2, 0), 2);
  receiving(h, 0, 5, 6, HISTORY_TRY, A, 1, 0);
}

static void dropped_though_there_is_room(history_t* h) {
  kind(h, 2, UVCHAN_DROP_NEWEST);
  sending(h, 0, 1, 2, HISTORY_TRY, A, 1, 0);
  drops(sending(h, 0, 3, 4, HISTORY_TRY, A, 2, 0), 2);
}

static void empty_while_it_overflows(history_t* h) {
  kind(h, 1, UVCHAN_DROP_OLDEST);
  sending(h, 0, 1, 2, HISTORY_TRY, A, 1, 0);
  drops(sending(h, 0, 3, 6, HISTORY_TRY, A, 2, 0), 1);
  receiving(h, 1, 4, 5, HISTORY_TRY, A, 0, UV_EAGAIN);
}

/* ---- Values that grow old -------------------------------------------------------------------- */

/* What is buffered is not received any more. */
static void soon_old(history_t* h, size_t capacity) {
  kind(h, capacity, UVCHAN_WAIT);
  h->channels[A].max_age = 1;
}

static void dropped_for_its_age(history_t* h) {
  soon_old(h, 2);
  sending(h, 0, 1, 2, HISTORY_TRY, A, 1, 0);
  drops(receiving(h, 0, 3, 4, HISTORY_TRY, A, 0, UV_EAGAIN), 1);
}

static void received_in_spite_of_its_age(history_t* h) {
  soon_old(h, 2);
  sending(h, 0, 1, 2, HISTORY_TRY, A, 1, 0);
  receiving(h, 0, 3, 4, HISTORY_TRY, A, 1, 0);
}

static void passed_over_for_its_age_and_kept(history_t* h) {
  soon_old(h, 2);
  sending(h, 0, 1, 2, HISTORY_TRY, A, 1, 0);
  receiving(h, 0, 3, 4, HISTORY_TRY, A, 0, UV_EAGAIN);
}

static void the_old_make_room(history_t* h) {
  soon_old(h, 1);
  sending(h, 0, 1, 2, HISTORY_TRY, A, 1, 0);
  drops(sending(h, 0, 3, 4, HISTORY_TRY, A, 2, 0), 1);
}

static void handed_to_who_waits_at_no_age(history_t* h) {
  soon_old(h, 2);
  receiving(h, 1, 1, 6, HISTORY_WAIT, A, 1, 0);
  sending(h, 0, 3, 4, HISTORY_TRY, A, 1, 0);
}

/* ---- Many at once ---------------------------------------------------------------------------- */

static void some_fit(history_t* h) {
  kind(h, 2, UVCHAN_WAIT);
  several(sending(h, 0, 1, 2, HISTORY_TRY, A, 0, 2), 3, 1);
  several(receiving(h, 0, 3, 4, HISTORY_TRY, A, 0, 2), 3, 1);
}

static void fewer_than_fit(history_t* h) {
  kind(h, 2, UVCHAN_WAIT);
  several(sending(h, 0, 1, 2, HISTORY_TRY, A, 0, 1), 3, 1);
}

static void fewer_than_are_there(history_t* h) {
  kind(h, 2, UVCHAN_WAIT);
  several(sending(h, 0, 1, 2, HISTORY_TRY, A, 0, 2), 3, 1);
  several(receiving(h, 0, 3, 4, HISTORY_TRY, A, 0, 1), 3, 1);
}

static void all_go_in_as_there_is_room(history_t* h) {
  kind(h, 1, UVCHAN_WAIT);
  several(sending(h, 0, 1, 10, HISTORY_WAIT, A, 0, 3), 3, 1);
  receiving(h, 1, 2, 3, HISTORY_WAIT, A, 1, 0);
  receiving(h, 1, 4, 5, HISTORY_WAIT, A, 2, 0);
  receiving(h, 1, 6, 7, HISTORY_WAIT, A, 3, 0);
}

/* ---- Started receivers ----------------------------------------------------------------------- */

static void start(history_t* h, unsigned char thread, unsigned int begin, unsigned int end) {
  op(h, thread, begin, end, HISTORY_START, 0)->argument = HISTORY_HAD_EFFECT;
}

static void stop(history_t* h, unsigned char thread, unsigned int begin, unsigned int end) {
  op(h, thread, begin, end, HISTORY_STOP, 0)->argument = HISTORY_HAD_EFFECT;
}

static void take(history_t* h, unsigned char thread, unsigned int begin, unsigned int end,
                 int result, unsigned char first) {
  several(op(h, thread, begin, end, HISTORY_TAKE, result), result < 0 ? 1 : (unsigned char)result,
          first);
}

static void called_back(history_t* h) {
  kind(h, 2, UVCHAN_WAIT);
  start(h, 0, 1, 2);
  several(sending(h, 1, 3, 4, HISTORY_TRY, A, 0, 2), 2, 1);
  take(h, 0, 5, 6, 2, 1);
  op(h, 1, 7, 8, HISTORY_CLOSE, 0);
  take(h, 0, 9, 10, UV_EOF, 0);
}

static void called_back_with_the_end_first(history_t* h) {
  kind(h, 1, UVCHAN_WAIT);
  start(h, 0, 1, 2);
  sending(h, 1, 3, 4, HISTORY_TRY, A, 1, 0);
  op(h, 1, 5, 6, HISTORY_CLOSE, 0);
  take(h, 0, 7, 8, UV_EOF, 0);
}

static void called_back_with_the_end_twice(history_t* h) {
  kind(h, 1, UVCHAN_WAIT);
  start(h, 0, 1, 2);
  op(h, 1, 3, 4, HISTORY_CLOSE, 0);
  take(h, 0, 5, 6, UV_EOF, 0);
  take(h, 0, 7, 8, UV_EOF, 0);
}

static void called_back_after_its_stop(history_t* h) {
  kind(h, 1, UVCHAN_WAIT);
  sending(h, 1, 1, 2, HISTORY_TRY, A, 1, 0);
  start(h, 0, 3, 4);
  stop(h, 0, 5, 6);
  take(h, 0, 7, 8, 1, 1);
}

static void one_value_is_handed_to_who_rests(history_t* h) {
  kind(h, 0, UVCHAN_WAIT);
  sending(h, 1, 1, 2, HISTORY_TRY, A, 1, UV_EAGAIN);
  start(h, 0, 3, 4);
  sending(h, 1, 5, 6, HISTORY_TRY, A, 2, 0);
  sending(h, 1, 7, 8, HISTORY_TRY, A, 3, UV_EAGAIN);
  take(h, 0, 9, 10, 1, 2);
  sending(h, 1, 11, 12, HISTORY_TRY, A, 4, UV_EAGAIN);
  op(h, 0, 13, 14, HISTORY_REST, 0);
  sending(h, 1, 15, 16, HISTORY_TRY, A, 5, 0);
}

static void a_value_is_handed_to_who_is_busy(history_t* h) {
  kind(h, 0, UVCHAN_WAIT);
  start(h, 0, 1, 2);
  sending(h, 1, 3, 4, HISTORY_TRY, A, 1, 0);
  take(h, 0, 5, 6, 1, 1);
  sending(h, 1, 7, 8, HISTORY_TRY, A, 2, 0);
}

/* It is ahead of all others then. */
static void what_was_handed_before_a_stop(history_t* h, unsigned char first) {
  kind(h, 0, UVCHAN_WAIT);
  start(h, 0, 1, 2);
  sending(h, 1, 3, 4, HISTORY_TRY, A, 1, 0);
  stop(h, 0, 5, 6);
  sending(h, 1, 7, 12, HISTORY_REQUEST, A, 2, 0)->settled = 8;
  receiving(h, 2, 9, 10, HISTORY_TRY, A, first, 0);
  receiving(h, 2, 11, 13, HISTORY_TRY, A, first == 1 ? 2 : 1, 0);
}

static void handed_before_a_stop_and_next(history_t* h) { what_was_handed_before_a_stop(h, 1); }
static void handed_before_a_stop_and_overtaken(history_t* h) {
  what_was_handed_before_a_stop(h, 2);
}

/* ---- Select ---------------------------------------------------------------------------------- */

/* One of the channels has a value at every moment of the select. */
static void ready_in_turn(history_t* h) {
  kind(h, 1, UVCHAN_WAIT);
  sending(h, 0, 1, 2, HISTORY_TRY, A, 1, 0);
  select_of(h, 0, 3, 8, HISTORY_TRY, receives(A, 0), receives(B, 0), UV_EAGAIN);
  sending(h, 1, 4, 5, HISTORY_TRY, B, 2, 0);
  receiving(h, 1, 6, 7, HISTORY_TRY, A, 1, 0);
}

static void unready_at_one_moment(history_t* h) {
  kind(h, 1, UVCHAN_WAIT);
  sending(h, 0, 1, 2, HISTORY_TRY, A, 1, 0);
  select_of(h, 0, 3, 8, HISTORY_TRY, receives(A, 0), receives(B, 0), UV_EAGAIN);
  receiving(h, 1, 4, 5, HISTORY_TRY, A, 1, 0);
  sending(h, 1, 6, 7, HISTORY_TRY, B, 2, 0);
}

static void two_selects_pair(history_t* h) {
  kind(h, 0, UVCHAN_WAIT);
  select_of(h, 0, 1, 3, HISTORY_WAIT, sends(A, 1), receives(B, 0), 0);
  select_of(h, 1, 2, 4, HISTORY_WAIT, sends(B, 2), receives(A, 1), 1);
}

static void pairs_with_itself(history_t* h) {
  kind(h, 0, UVCHAN_WAIT);
  select_of(h, 0, 1, 2, HISTORY_WAIT, sends(A, 1), receives(A, 1), 1);
}

/* A select waits on both sides of a channel: whoever sends is sent to, and does not wait beside
 * it. */
static void waits_on_both_sides(history_t* h, int result) {
  kind(h, 0, UVCHAN_WAIT);
  select_of(h, 0, 1, 8, HISTORY_REQUEST, sends(A, 1), receives(A, 2), 1)->settled = 2;
  sending(h, 1, 3, 4, HISTORY_TRY, A, 2, result);
  if (result != 0) sending(h, 1, 5, 6, HISTORY_TRY, A, 2, 0);
}

static void sent_to_a_select_of_both_sides(history_t* h) { waits_on_both_sides(h, 0); }
static void not_sent_to_a_select_of_both_sides(history_t* h) { waits_on_both_sides(h, UV_EAGAIN); }

static void both_cases(history_t* h) {
  kind(h, 1, UVCHAN_WAIT);
  select_of(h, 0, 1, 2, HISTORY_WAIT, sends(A, 1), sends(B, 2), 0);
  receiving(h, 0, 3, 4, HISTORY_TRY, A, 1, 0);
  receiving(h, 0, 5, 6, HISTORY_TRY, B, 2, 0);
}

#define LEGAL(function) \
  { #function, function, HISTORY_LEGAL }
#define ILLEGAL(function) \
  { #function, function, HISTORY_ILLEGAL }

const history_example_t history_examples[] = {
    LEGAL(nothing),
    LEGAL(in_order),
    ILLEGAL(out_of_order),
    LEGAL(in_either_order_where_sent_at_once),
    ILLEGAL(lost),
    ILLEGAL(lost_at_the_end),
    LEGAL(kept_to_the_end),
    ILLEGAL(twice),
    ILLEGAL(received_before_sent),
    ILLEGAL(above_the_capacity),
    ILLEGAL(full_without_cause),
    ILLEGAL(timed_out_though_ready),
    ILLEGAL(a_wrong_length),
    LEGAL(unbuffered_pairs),
    ILLEGAL(unbuffered_keeps_a_value),
    ILLEGAL(unbuffered_pairs_two_that_do_not_wait),
    LEGAL(first_come_first_served),
    ILLEGAL(overtaken),
    ILLEGAL(a_try_overtakes),
    LEGAL(cancelled_and_not_sent),
    ILLEGAL(cancelled_and_sent),
    ILLEGAL(too_late_to_cancel_and_sent_after),
    LEGAL(closed_in_order),
    ILLEGAL(sent_after_the_close),
    ILLEGAL(the_end_before_the_last_value),
    ILLEGAL(another_end),
    ILLEGAL(an_abort_in_two_steps),
    LEGAL(an_abort_after_a_receive),
    LEGAL(the_last_sender_closes),
    LEGAL(the_oldest_is_dropped),
    LEGAL(the_newest_is_dropped),
    ILLEGAL(dropped_though_there_is_room),
    ILLEGAL(empty_while_it_overflows),
    LEGAL(dropped_for_its_age),
    ILLEGAL(received_in_spite_of_its_age),
    ILLEGAL(passed_over_for_its_age_and_kept),
    LEGAL(the_old_make_room),
    LEGAL(handed_to_who_waits_at_no_age),
    LEGAL(some_fit),
    ILLEGAL(fewer_than_fit),
    ILLEGAL(fewer_than_are_there),
    LEGAL(all_go_in_as_there_is_room),
    LEGAL(called_back),
    ILLEGAL(called_back_with_the_end_first),
    ILLEGAL(called_back_with_the_end_twice),
    ILLEGAL(called_back_after_its_stop),
    LEGAL(one_value_is_handed_to_who_rests),
    ILLEGAL(a_value_is_handed_to_who_is_busy),
    LEGAL(handed_before_a_stop_and_next),
    ILLEGAL(handed_before_a_stop_and_overtaken),
    ILLEGAL(ready_in_turn),
    LEGAL(unready_at_one_moment),
    LEGAL(two_selects_pair),
    ILLEGAL(pairs_with_itself),
    ILLEGAL(both_cases),
    LEGAL(sent_to_a_select_of_both_sides),
    ILLEGAL(not_sent_to_a_select_of_both_sides),
};

const size_t history_nexamples = sizeof(history_examples) / sizeof(history_examples[0]);
