/* SPDX-License-Identifier: MIT */
/* Who is on the loops of a fuzzed run; see parties.h. */
#include "parties.h"

#include <stdlib.h>
#include <string.h>

fuzz_world_t fuzz_world;

void fuzz_parties_begin(void) {
  size_t i;
  fuzz_world.is_ending = 0;
  fuzz_world.running = -1;
  fuzz_world.calls = 0;
  fuzz_world.callbacks = 0;
  for (i = 0; i < FUZZ_GROUPS; i++) {
    must(uvchan_waitgroup_init(&fuzz_world.groups[i]) == 0);
    fuzz_world.counts[i] = 0;
  }
}

/* Who was made deaf may be called back within the call that finishes it: there may be no loop any
 * more. */
static void enter_callback(unsigned int loop, int is_deaf) {
  fuzz_world.callbacks++;
  if (is_deaf && FUZZ_LOOPS_ARE_ABANDONED) return;
  must(fuzz_world.running == (int)loop);
  must(fuzz_world.calls == 0);
}

static void* allocate(size_t size) {
  void* memory = calloc(1, size);
  must(memory != NULL);
  return memory;
}

/* Where the memory of something that is closed goes: it is freed in its callback, or at the end of
 * the run. Answers 1 for the latter. */
static int throw_away(void* memory, int with_callback) {
  if (with_callback ||
      fuzz_world.ngarbage == sizeof(fuzz_world.garbage) / sizeof(fuzz_world.garbage[0]))
    return 0;
  fuzz_world.garbage[fuzz_world.ngarbage++] = memory;
  return 1;
}

/* ---- Receivers ------------------------------------------------------------------------------- */

static void take_end(fuzz_receiver_t* receiver, int status, const void* values) {
  fuzz_channel_t* c = receiver->c;
  must(c->is_closed && status == c->end && values == NULL);
  must(uvchan_len(receiver->handle.channel) == 0);
  must(!uvchan_receiver_is_active(&receiver->handle));
  receiver->is_active = 0;
  fuzz_nested();
}

static const void* nth(const fuzz_channel_t* c, const void* values, ssize_t i) {
  return (const unsigned char*)values + (size_t)i * c->elem_size;
}

/* Values stay what they are until the callback returns, whatever is called in it. */
static void take_values(fuzz_receiver_t* receiver, ssize_t n, const void* values) {
  fuzz_channel_t* c = receiver->c;
  ssize_t i;
  must(n > 0 && (n == 1 || (receiver->is_batch && (size_t)n * c->elem_size <= 4096)));
  must(c->elem_size == 0 || (uintptr_t)values % (c->elem_size >= 8 ? 8 : 1) == 0);
  for (i = 0; i < n; i++) {
    fuzz_left(c, nth(c, values, i));
    fuzz_received(c);
  }
  fuzz_nested();
  for (i = 0; i < n; i++) fuzz_check_value(c, nth(c, values, i));
}

static void take(fuzz_receiver_t* receiver, ssize_t n, const void* values) {
  enter_callback(receiver->loop, 0);
  must(receiver->is_active && !receiver->is_closing);
  if (n < 0) {
    take_end(receiver, (int)n, values);
  } else {
    take_values(receiver, n, values);
  }
}

static void on_value(uvchan_receiver_t* handle, int status, const void* value) {
  must(!((fuzz_receiver_t*)handle)->is_batch);
  take((fuzz_receiver_t*)handle, status == 0 ? 1 : status, value);
}

static void on_batch(uvchan_receiver_t* handle, ssize_t nvalues, const void* values) {
  must(((fuzz_receiver_t*)handle)->is_batch);
  take((fuzz_receiver_t*)handle, nvalues, values);
}

static void init_receiver(fuzz_receiver_t** place, fuzz_receiver_t* receiver, unsigned int loop,
                          fuzz_channel_t* c) {
  unsigned int failures = fuzz_failures();
  int r;
  memset(receiver, 0, sizeof(*receiver));
  receiver->c = c;
  receiver->loop = loop;
  r = uvchan_receiver_init(&fuzz_world.loops[loop], &receiver->handle, c->ch);
  must(r == 0 || (r == UV_ENOMEM && fuzz_failures() > failures));
  if (r == 0) {
    *place = receiver;
    c->holders++;
  } else {
    free(receiver);
  }
}

void fuzz_receiver_make(unsigned int loop, fuzz_channel_t* c) {
  size_t i;
  for (i = 0; i < FUZZ_RECEIVERS && fuzz_world.receivers[i] != NULL; i++) continue;
  if (i == FUZZ_RECEIVERS) return;
  init_receiver(&fuzz_world.receivers[i], allocate(sizeof(fuzz_receiver_t)), loop, c);
}

void fuzz_receiver_start(fuzz_receiver_t* receiver, int is_batch) {
  int r = is_batch ? uvchan_recv_start_batch(&receiver->handle, on_batch)
                   : uvchan_recv_start(&receiver->handle, on_value);
  if (receiver->is_closing) {
    must(r == UV_EINVAL);
  } else if (receiver->is_active) {
    must(r == UV_EALREADY);
  } else {
    must(r == 0);
    receiver->is_active = 1;
    receiver->is_batch = is_batch;
  }
}

void fuzz_receiver_stop(fuzz_receiver_t* receiver) {
  must(uvchan_recv_stop(&receiver->handle) == 0);
  must(!uvchan_receiver_is_active(&receiver->handle));
  receiver->is_active = 0;
}

static fuzz_receiver_t** place_of(const fuzz_receiver_t* receiver) {
  size_t i;
  for (i = 0; i < FUZZ_RECEIVERS && fuzz_world.receivers[i] != receiver; i++) continue;
  must(i < FUZZ_RECEIVERS);
  return &fuzz_world.receivers[i];
}

/* Its memory is the run's again, and may be used at once. */
static void on_receiver_closed(uvchan_receiver_t* handle) {
  fuzz_receiver_t* receiver = (fuzz_receiver_t*)handle;
  fuzz_receiver_t** place = place_of(receiver);
  unsigned int loop = receiver->loop;
  fuzz_channel_t* c;
  enter_callback(loop, receiver->is_deaf);
  must(receiver->is_closing);
  if (receiver->is_finished != NULL) *receiver->is_finished = 1;
  *place = NULL;
  c = !fuzz_world.is_ending && (fuzz_byte() & 1) != 0 ? fuzz_channel_pick() : NULL;
  if (c == NULL) {
    free(receiver);
  } else {
    init_receiver(place, receiver, loop, c);
  }
  fuzz_nested();
}

void fuzz_receiver_close(fuzz_receiver_t* receiver, int with_callback) {
  fuzz_receiver_t** place = place_of(receiver);
  int is_finished = 0;
  if (receiver->is_closing) {
    uvchan_receiver_close(&receiver->handle, on_receiver_closed); /* ignored */
    return;
  }
  receiver->c->holders--;
  receiver->is_active = 0;
  receiver->is_closing = 1;
  receiver->is_finished = &is_finished;
  if (throw_away(receiver, with_callback)) {
    *place = NULL;
    uvchan_receiver_close(&receiver->handle, NULL);
  } else {
    uvchan_receiver_close(&receiver->handle, on_receiver_closed);
  }
  if (is_finished) return;
  must(uvchan_receiver_is_closing(&receiver->handle) &&
       !uvchan_receiver_is_active(&receiver->handle));
  receiver->is_finished = NULL;
}

/* ---- Requests -------------------------------------------------------------------------------- */

static int is_untouched(const fuzz_case_t* one) {
  static const unsigned char zeros[FUZZ_MOST_BYTES];
  return one->c->elem_size == 0 || memcmp(one->value, zeros, one->c->elem_size) == 0;
}

static int looks_filled(const fuzz_case_t* one) {
  uint64_t word = 0;
  if (one->c == NULL || one->op != UVCHAN_RECV || one->c->elem_size == 0) return 0;
  memcpy(&word, one->value, one->c->elem_size < 8 ? one->c->elem_size : 8);
  return word != 0;
}

/* Nobody else runs, so the slots of requests that wait may be looked at. */
static void sweep_request(fuzz_request_t* request) {
  unsigned int i;
  for (i = 0; i < request->ncases; i++) {
    fuzz_case_t* one = &request->cases[i];
    if (one->is_filled || !looks_filled(one)) continue;
    must(!request->is_cancelled);
    one->is_filled = 1;
    fuzz_left(one->c, one->value);
  }
}

void fuzz_sweep(void) {
  size_t i;
  for (i = 0; i < FUZZ_REQUESTS; i++) {
    if (fuzz_world.requests[i] != NULL) sweep_request(fuzz_world.requests[i]);
  }
  fuzz_settle();
}

/* A case for one channel, or, as the input says, a case without one. */
static int lay_out_case(fuzz_request_t* request, fuzz_case_t* one, uvchan_op_t op) {
  int is_select = request->kind == FUZZ_SELECT;
  one->c = is_select && fuzz_below(8) == 7 ? NULL : fuzz_channel_pick();
  one->op = op;
  if (one->c == NULL) return is_select;
  if (op == UVCHAN_SEND) {
    one->number = fuzz_offer(one->c, 1);
    if (one->number == 0) one->c = NULL;
    if (one->number == 0) return is_select;
  }
  if (one->c->elem_size == 0) return 1;
  one->value = allocate(one->c->elem_size);
  if (op == UVCHAN_SEND) fuzz_put(one->c, one->value, one->number);
  return 1;
}

int fuzz_request_lay_out(fuzz_request_t* request, fuzz_kind_t kind) {
  unsigned int ops = kind == FUZZ_SEND ? 1 : 0;
  unsigned int n = 1;
  request->kind = kind;
  request->failures = fuzz_failures();
  if (kind == FUZZ_SELECT) {
    ops = fuzz_byte();
    n = 1 + (ops >> 6) + fuzz_below(FUZZ_CASES - 3);
  }
  for (; request->ncases < n; request->ncases++, ops >>= 1) {
    fuzz_case_t* one = &request->cases[request->ncases];
    uvchan_case_t* select_case = &request->select_cases[request->ncases];
    if (!lay_out_case(request, one, (ops & 1) != 0 ? UVCHAN_SEND : UVCHAN_RECV)) return 0;
    select_case->ch = one->c == NULL ? NULL : one->c->ch;
    select_case->op = one->op;
    select_case->value = one->value;
    select_case->status = 1;
  }
  return 1;
}

void fuzz_request_free(fuzz_request_t* request) {
  unsigned int i;
  for (i = 0; i < request->ncases; i++) free(request->cases[i].value);
  free(request);
}

static void settle_send(fuzz_case_t* one, int is_chosen, int status) {
  if (is_chosen && status == 0) {
    fuzz_sent(one->c, one->number);
    return;
  }
  must(!is_chosen || (status == UV_EPIPE && one->c->is_closed));
  fuzz_refused(one->c, one->number);
}

static int is_for_memory(const fuzz_request_t* request, const fuzz_case_t* one, int status) {
  return status == UV_ENOMEM && one->c->grows_old && fuzz_failures() > request->failures;
}

static void settle_recv(const fuzz_request_t* request, fuzz_case_t* one, int is_chosen,
                        int status) {
  if (is_chosen && status == 0) {
    if (!one->is_filled) fuzz_left(one->c, one->value);
    one->is_filled = 1;
    fuzz_received(one->c);
    return;
  }
  must(!is_chosen || (one->c->is_closed && status == one->c->end) ||
       is_for_memory(request, one, status));
  must(is_untouched(one));
}

void fuzz_request_settle(fuzz_request_t* request, int answer) {
  unsigned int i;
  must(answer < (int)request->ncases || request->kind == FUZZ_NOTIFY);
  for (i = 0; i < request->ncases; i++) {
    fuzz_case_t* one = &request->cases[i];
    int is_chosen = answer == (int)i;
    must(!is_chosen || one->c != NULL);
    if (one->c == NULL) continue;
    if (one->op == UVCHAN_SEND) {
      settle_send(one, is_chosen, request->select_cases[i].status);
    } else {
      settle_recv(request, one, is_chosen, request->select_cases[i].status);
    }
  }
}

static fuzz_request_t** request_place(const fuzz_request_t* request) {
  size_t i;
  for (i = 0; i < FUZZ_REQUESTS && fuzz_world.requests[i] != request; i++) continue;
  return i < FUZZ_REQUESTS ? &fuzz_world.requests[i] : NULL;
}

static void hold_channels(fuzz_request_t* request, int by) {
  unsigned int i;
  for (i = 0; i < request->ncases; i++) {
    if (request->cases[i].c == NULL) continue;
    request->cases[i].c->holders += (unsigned int)by;
    request->cases[i].c->requests += (unsigned int)by;
  }
}

/* A cancel that is under way, of which the callback may come within it. */
typedef struct cancel_s {
  struct cancel_s* outer;
  const fuzz_request_t* request;
  int is_finished;
  int answer;
} cancel_t;

static cancel_t* cancels;

/* Whether it ends as its cancel has said, or will. */
static void check_cancelled(const fuzz_request_t* request, int answer) {
  if (cancels == NULL || cancels->request != request) {
    must((answer == UV_ECANCELED) == request->is_cancelled);
    return;
  }
  must(request->is_deaf && FUZZ_LOOPS_ARE_ABANDONED);
  cancels->request = NULL;
  cancels->is_finished = 1;
  cancels->answer = answer;
}

static void finish(fuzz_request_t* request, int answer) {
  fuzz_request_t** place = request_place(request);
  enter_callback(request->loop, request->is_deaf);
  must(place != NULL && !request->is_starting);
  check_cancelled(request, answer);
  must(answer >= 0 || answer == UV_ECANCELED ||
       (answer == UV_ENOMEM && fuzz_failures() > request->failures));
  sweep_request(request);
  fuzz_request_settle(request, answer);
  *place = NULL;
  hold_channels(request, -1);
  fuzz_sweep();
  fuzz_request_free(request);
  fuzz_nested();
}

/* As a select of one case. */
static void finish_single(fuzz_request_t* request, int status) {
  request->select_cases[0].status = status;
  finish(request, status == UV_ECANCELED || status == UV_ENOMEM ? status : 0);
}

static void on_sent(uvchan_send_t* req, int status) { finish_single((fuzz_request_t*)req, status); }

static void on_received(uvchan_recv_t* req, int status) {
  finish_single((fuzz_request_t*)req, status);
}

static void on_selected(uvchan_select_t* req, int index) { finish((fuzz_request_t*)req, index); }

static void on_notified(uvchan_notify_t* req, int status) {
  fuzz_request_t* request = (fuzz_request_t*)req;
  must(status == UV_ECANCELED || (status == 0 && request->is_decided));
  finish(request, status == 0 ? 0 : status);
}

static int start(fuzz_request_t* request) {
  uv_loop_t* loop = &fuzz_world.loops[request->loop];
  const fuzz_case_t* one = request->cases;
  switch (request->kind) {
    case FUZZ_SEND:
      return uvchan_send(loop, &request->req.send, one->c->ch, one->value, on_sent);
    case FUZZ_RECV:
      return uvchan_recv(loop, &request->req.recv, one->c->ch, one->value, on_received);
    case FUZZ_SELECT:
      return uvchan_select(loop, &request->req.select, request->select_cases, request->ncases,
                           on_selected);
    default:
      request->is_decided = fuzz_world.counts[request->group] == 0;
      return uvchan_waitgroup_notify(loop, &request->req.notify, &fuzz_world.groups[request->group],
                                     on_notified);
  }
}

void fuzz_request_busy(fuzz_request_t* request, int by) {
  unsigned int i;
  for (i = 0; i < request->ncases; i++) {
    if (request->cases[i].c != NULL) request->cases[i].c->busy += (unsigned int)by;
  }
}

/* The call may run drop callbacks, in which others find the request, but leave it alone. */
static void begin(fuzz_request_t** place, fuzz_request_t* request) {
  int r;
  *place = request;
  request->is_starting = 1;
  hold_channels(request, 1);
  fuzz_request_busy(request, 1);
  r = start(request);
  fuzz_request_busy(request, -1);
  request->is_starting = 0;
  if (r == 0) return;
  must(r == UV_ENOMEM && fuzz_failures() > request->failures);
  *place = NULL;
  hold_channels(request, -1);
  fuzz_request_settle(request, r);
  fuzz_request_free(request);
}

void fuzz_request_make(unsigned int loop, fuzz_kind_t kind) {
  fuzz_request_t** place = request_place(NULL);
  fuzz_request_t* request;
  if (place == NULL) return;
  request = allocate(sizeof(*request));
  request->loop = loop;
  request->kind = kind;
  request->group = fuzz_below(FUZZ_GROUPS);
  if (kind == FUZZ_NOTIFY || fuzz_request_lay_out(request, kind)) {
    request->failures = fuzz_failures();
    begin(place, request);
  } else {
    fuzz_request_free(request);
  }
}

static int is_known(const fuzz_request_t* request) {
  unsigned int i;
  for (i = 0; i < request->ncases; i++) {
    if (request->cases[i].is_filled) return 1;
  }
  return request->kind == FUZZ_NOTIFY && request->is_decided;
}

/* What a cancel may answer, by what was known of the request before. */
static void check_cancel(const fuzz_request_t* before, int r) {
  int is_over = before->is_cancelled || before->is_too_late;
  must(r == 0 || r == UV_EBUSY);
  must(r == UV_EBUSY || !(is_known(before) || is_over));
  must(r == 0 || before->kind != FUZZ_NOTIFY || before->is_decided || is_over);
}

void fuzz_request_cancel(fuzz_request_t* request) {
  cancel_t cancel = {cancels, request, 0, 0};
  fuzz_request_t before = *request;
  int r;
  if (request->is_starting) return;
  cancels = &cancel;
  r = uvchan_cancel(&request->req.any);
  cancels = cancel.outer;
  check_cancel(&before, r);
  if (cancel.is_finished) {
    must((r == 0) == (cancel.answer == UV_ECANCELED));
    return;
  }
  if (r == 0) request->is_cancelled = 1;
  if (r != 0 && !request->is_cancelled) request->is_too_late = 1;
}

/* ---- Tickers --------------------------------------------------------------------------------- */

void fuzz_ticker_make(unsigned int loop, fuzz_channel_t* c) {
  fuzz_ticker_t* ticker;
  size_t i;
  int r;
  for (i = 0; i < FUZZ_TICKERS && fuzz_world.tickers[i] != NULL; i++) continue;
  if (i == FUZZ_TICKERS) return;
  ticker = allocate(sizeof(*ticker));
  ticker->c = c;
  ticker->loop = loop;
  r = uvchan_ticker_init(&fuzz_world.loops[loop], &ticker->handle, c->ch);
  must(r == (c->elem_size == 8 ? 0 : UV_EINVAL));
  if (r != 0) {
    free(ticker);
    return;
  }
  c->holders++;
  c->had_ticker = 1;
  fuzz_world.tickers[i] = ticker;
}

static void on_ticker_closed(uvchan_ticker_t* handle) {
  fuzz_ticker_t* ticker = (fuzz_ticker_t*)handle;
  enter_callback(ticker->loop, ticker->is_deaf);
  free(ticker);
  fuzz_nested();
}

void fuzz_ticker_close(fuzz_ticker_t* ticker, int with_callback) {
  size_t i;
  for (i = 0; fuzz_world.tickers[i] != ticker; i++) continue;
  fuzz_world.tickers[i] = NULL;
  ticker->c->holders--;
  if (throw_away(ticker, with_callback)) {
    uvchan_ticker_close(&ticker->handle, NULL);
    if (!ticker->is_deaf) uvchan_ticker_close(&ticker->handle, on_ticker_closed); /* ignored */
  } else {
    uvchan_ticker_close(&ticker->handle, on_ticker_closed);
  }
}

/* ---- Wait groups ----------------------------------------------------------------------------- */

void fuzz_group_add(unsigned int group, int delta) {
  int64_t count = (int64_t)fuzz_world.counts[group] + delta;
  size_t i;
  int r = uvchan_waitgroup_add(&fuzz_world.groups[group], delta);
  must(r == (count < 0 || count > INT32_MAX ? UV_EINVAL : 0));
  if (r != 0) return;
  fuzz_world.counts[group] = (int)count;
  for (i = 0; i < FUZZ_REQUESTS && count == 0; i++) {
    fuzz_request_t* request = fuzz_world.requests[i];
    if (request == NULL || request->kind != FUZZ_NOTIFY || request->group != group) continue;
    if (!request->is_cancelled) request->is_decided = 1;
  }
}

/* ---- All of a loop --------------------------------------------------------------------------- */

void fuzz_deafen(unsigned int loop) {
  size_t i;
  for (i = 0; i < FUZZ_RECEIVERS; i++) {
    if (fuzz_world.receivers[i] != NULL && fuzz_world.receivers[i]->loop == loop)
      fuzz_world.receivers[i]->is_deaf = 1;
  }
  for (i = 0; i < FUZZ_REQUESTS; i++) {
    if (fuzz_world.requests[i] != NULL && fuzz_world.requests[i]->loop == loop)
      fuzz_world.requests[i]->is_deaf = 1;
  }
  for (i = 0; i < FUZZ_TICKERS; i++) {
    if (fuzz_world.tickers[i] != NULL && fuzz_world.tickers[i]->loop == loop)
      fuzz_world.tickers[i]->is_deaf = 1;
  }
}

void fuzz_close_all(unsigned int loop) {
  size_t i;
  for (i = 0; i < FUZZ_RECEIVERS; i++) {
    fuzz_receiver_t* receiver = fuzz_world.receivers[i];
    if (receiver != NULL && receiver->loop == loop && !receiver->is_closing)
      fuzz_receiver_close(receiver, 1);
  }
  for (i = 0; i < FUZZ_REQUESTS; i++) {
    fuzz_request_t* request = fuzz_world.requests[i];
    if (request != NULL && request->loop == loop && !request->is_cancelled && !request->is_too_late)
      fuzz_request_cancel(request);
  }
  for (i = 0; i < FUZZ_TICKERS; i++) {
    fuzz_ticker_t* ticker = fuzz_world.tickers[i];
    if (ticker != NULL && ticker->loop == loop) fuzz_ticker_close(ticker, 1);
  }
}

int fuzz_has_parties(unsigned int loop) {
  size_t i;
  for (i = 0; i < FUZZ_RECEIVERS; i++) {
    if (fuzz_world.receivers[i] != NULL && fuzz_world.receivers[i]->loop == loop) return 1;
  }
  for (i = 0; i < FUZZ_REQUESTS; i++) {
    if (fuzz_world.requests[i] != NULL && fuzz_world.requests[i]->loop == loop) return 1;
  }
  return 0;
}

void fuzz_begin_turn(unsigned int loop) {
  size_t i;
  for (i = 0; i < FUZZ_RECEIVERS; i++) {
    if (fuzz_world.receivers[i] != NULL && fuzz_world.receivers[i]->loop == loop)
      fuzz_world.receivers[i]->turns |= 1;
  }
}

void fuzz_end_turn(unsigned int loop) {
  size_t i;
  for (i = 0; i < FUZZ_RECEIVERS; i++) {
    if (fuzz_world.receivers[i] != NULL && fuzz_world.receivers[i]->loop == loop)
      fuzz_world.receivers[i]->turns <<= 1;
  }
}
