/* SPDX-License-Identifier: MIT */
/* One call of the library, as the input says: which, on what, and what it may answer; see
 * calls.h. */
#include "calls.h"

#include <stdlib.h>
#include <string.h>

#define MOST_CALLS 500 /* in one run */
#define MOST_AT_ONCE 6 /* values */

static unsigned int calls_left;

static unsigned int pick_loop(void) { return fuzz_below(FUZZ_LOOPS); }

/* ---- Sends ----------------------------------------------------------------------------------- */

static void* values_of(const fuzz_channel_t* c, unsigned int n) {
  void* values;
  if (c->elem_size == 0) return NULL;
  /* not a byte more, so that a sanitizer sees what reads beyond */
  values = calloc(n, c->elem_size);
  must(values != NULL);
  return values;
}

static void* offered_values(fuzz_channel_t* c, unsigned int n, unsigned int* first) {
  unsigned char* values = values_of(c, n);
  unsigned int i;
  *first = fuzz_offer(c, n) - n + 1;
  for (i = 0; i < n && values != NULL; i++) fuzz_put(c, values + i * c->elem_size, *first + i);
  return values;
}

static int has_room_in_ledger(const fuzz_channel_t* c, unsigned int n) {
  return c->last + n <= FUZZ_VALUES;
}

static void note_sends(fuzz_channel_t* c, const fuzz_ready_t* ready, unsigned int first,
                       unsigned int n, ssize_t answer) {
  unsigned int sent = answer > 0 ? (unsigned int)answer : 0;
  unsigned int i;
  must(answer != 0 && sent <= n);
  fuzz_check_send(ready, answer > 0 ? 0 : (int)answer);
  for (i = 0; i < n; i++) {
    if (i < sent) {
      fuzz_sent(c, first + i);
    } else {
      fuzz_refused(c, first + i);
    }
  }
}

static ssize_t one_of(int status) { return status == 0 ? 1 : status; }

typedef ssize_t (*send_func)(fuzz_channel_t* c, const void* values, unsigned int n);

static void send_by(fuzz_channel_t* c, unsigned int n, send_func send) {
  fuzz_ready_t ready = fuzz_ready(c);
  unsigned int first;
  void* values;
  if (!has_room_in_ledger(c, n)) return;
  values = offered_values(c, n, &first);
  note_sends(c, &ready, first, n, send(c, values, n));
  free(values);
}

static ssize_t try_send(fuzz_channel_t* c, const void* values, unsigned int n) {
  (void)n;
  return one_of(uvchan_try_send(c->ch, values));
}

static ssize_t try_send_n(fuzz_channel_t* c, const void* values, unsigned int n) {
  unsigned int failures = fuzz_failures();
  ssize_t answer = uvchan_try_send_n(c->ch, values, n);
  must(answer <= 0 || (size_t)answer == n || c->overflow == UVCHAN_WAIT || c->is_closed ||
       fuzz_failures() > failures);
  return answer;
}

static ssize_t send_wait(fuzz_channel_t* c, const void* values, unsigned int n) {
  (void)n;
  return one_of(uvchan_send_wait(c->ch, values));
}

static ssize_t send_timed(fuzz_channel_t* c, const void* values, unsigned int n) {
  (void)n;
  return one_of(uvchan_send_timedwait(c->ch, values, 0));
}

static ssize_t send_wait_n(fuzz_channel_t* c, const void* values, unsigned int n) {
  ssize_t answer = uvchan_send_wait_n(c->ch, values, n);
  must(answer <= 0 || (size_t)answer == n || c->is_closed || fuzz_failures() > 0);
  return answer;
}

/* Whether the only receivers are started ones that this thread has run: then a send that would wait
 * is refused. */
static int refuses_to_wait(const fuzz_channel_t* c) {
  int n = 0;
  size_t i;
  for (i = 0; i < FUZZ_RECEIVERS; i++) {
    const fuzz_receiver_t* receiver = fuzz_world.receivers[i];
    if (receiver == NULL || receiver->c != c || !receiver->is_active) continue;
    if (receiver->turns < 2 || receiver->is_deaf) return 0;
    n++;
  }
  return n > 0;
}

/* There is one thread: a call that sleeps would sleep for ever. */
static int may_wait_to_send(const fuzz_channel_t* c, unsigned int n) {
  fuzz_ready_t ready = fuzz_ready(c);
  if (ready.is_closed || c->overflow != UVCHAN_WAIT || c->capacity == UVCHAN_UNBOUNDED) return 1;
  if (n == 1) return ready.will_send || (ready.is_sure && refuses_to_wait(c));
  return ready.will_send && c->capacity > 0 && uvchan_len(c->ch) + n <= c->capacity;
}

static void call_try_send(fuzz_channel_t* c) { send_by(c, 1, try_send); }

static void call_try_send_n(fuzz_channel_t* c) {
  send_by(c, 1 + fuzz_below(MOST_AT_ONCE), try_send_n);
}

static void call_send_wait(fuzz_channel_t* c) {
  send_by(c, 1, may_wait_to_send(c, 1) ? send_wait : send_timed);
}

static void call_send_timed(fuzz_channel_t* c) { send_by(c, 1, send_timed); }

static void call_send_wait_n(fuzz_channel_t* c) {
  unsigned int n = 2 + fuzz_below(MOST_AT_ONCE);
  if (may_wait_to_send(c, n)) send_by(c, n, send_wait_n);
}

/* ---- Receives -------------------------------------------------------------------------------- */

typedef ssize_t (*receive_func)(fuzz_channel_t* c, void* values, unsigned int n);

static void receive_by(fuzz_channel_t* c, unsigned int n, receive_func receive) {
  fuzz_ready_t ready = fuzz_ready(c);
  unsigned char* values = values_of(c, n);
  ssize_t answer = receive(c, values, n);
  ssize_t i;
  must(answer != 0 && answer <= (ssize_t)n);
  fuzz_check_receive(&ready, c, answer > 0 ? 0 : (int)answer);
  for (i = 0; i < answer; i++) {
    fuzz_left(c, values == NULL ? NULL : values + (size_t)i * c->elem_size);
    fuzz_received(c);
  }
  free(values);
}

static ssize_t try_recv(fuzz_channel_t* c, void* values, unsigned int n) {
  (void)n;
  return one_of(uvchan_try_recv(c->ch, values));
}

static ssize_t try_recv_n(fuzz_channel_t* c, void* values, unsigned int n) {
  return uvchan_try_recv_n(c->ch, values, n);
}

static ssize_t recv_wait(fuzz_channel_t* c, void* values, unsigned int n) {
  (void)n;
  return one_of(uvchan_recv_wait(c->ch, values));
}

static ssize_t recv_timed(fuzz_channel_t* c, void* values, unsigned int n) {
  (void)n;
  return one_of(uvchan_recv_timedwait(c->ch, values, 0));
}

static ssize_t recv_wait_n(fuzz_channel_t* c, void* values, unsigned int n) {
  return uvchan_recv_wait_n(c->ch, values, n);
}

static int may_wait_to_receive(const fuzz_channel_t* c) {
  fuzz_ready_t ready = fuzz_ready(c);
  return ready.is_closed || (ready.will_receive && ready.is_sure);
}

static void call_try_recv(fuzz_channel_t* c) { receive_by(c, 1, try_recv); }

static void call_try_recv_n(fuzz_channel_t* c) {
  receive_by(c, 1 + fuzz_below(MOST_AT_ONCE), try_recv_n);
}

static void call_recv_wait(fuzz_channel_t* c) {
  receive_by(c, 1, may_wait_to_receive(c) ? recv_wait : recv_timed);
}

static void call_recv_timed(fuzz_channel_t* c) { receive_by(c, 1, recv_timed); }

static void call_recv_wait_n(fuzz_channel_t* c) {
  if (may_wait_to_receive(c)) receive_by(c, 1 + fuzz_below(MOST_AT_ONCE), recv_wait_n);
}

/* ---- Selects --------------------------------------------------------------------------------- */

typedef struct {
  int will; /* some case is ready */
  int may;  /* of each case, as a bit */
  int is_sure;
} readiness_t;

static readiness_t readiness_of(const fuzz_request_t* request) {
  readiness_t all = {0, 0, 1};
  unsigned int i;
  for (i = 0; i < request->ncases; i++) {
    fuzz_ready_t ready;
    if (request->cases[i].c == NULL) continue;
    ready = fuzz_ready(request->cases[i].c);
    if (request->cases[i].op == UVCHAN_SEND) {
      all.will |= ready.is_closed || ready.will_send;
      all.may |= (ready.is_closed || ready.may_send) << i;
    } else {
      all.will |= ready.is_closed || ready.will_receive;
      all.may |= (ready.is_closed || ready.may_receive) << i;
    }
    all.is_sure &= ready.is_sure;
  }
  return all;
}

static int select_now(fuzz_request_t* request, const readiness_t* ready) {
  switch (fuzz_below(3)) {
    case 0:
      return uvchan_try_select(request->select_cases, request->ncases);
    case 1:
      if (ready->will && ready->is_sure)
        return uvchan_select_wait(request->select_cases, request->ncases);
      /* fall through */
    default:
      return uvchan_select_timedwait(request->select_cases, request->ncases, 0);
  }
}

static void check_select(const fuzz_request_t* request, const readiness_t* ready, int answer) {
  if (answer >= 0) {
    must(answer < (int)request->ncases && (!ready->is_sure || (ready->may >> answer & 1) != 0));
  } else if (answer == UV_EAGAIN || answer == UV_ETIMEDOUT) {
    must(!ready->will || !ready->is_sure);
  } else {
    must(answer == UV_ENOMEM && fuzz_failures() > request->failures);
  }
}

static void call_select_now(void) {
  fuzz_request_t* request = calloc(1, sizeof(*request));
  readiness_t ready;
  int answer;
  must(request != NULL);
  if (fuzz_request_lay_out(request, FUZZ_SELECT)) {
    fuzz_request_busy(request, 1);
    ready = readiness_of(request);
    answer = select_now(request, &ready);
    check_select(request, &ready, answer);
    fuzz_request_settle(request, answer);
    fuzz_request_busy(request, -1);
  }
  fuzz_request_free(request);
}

/* ---- The channel's life ---------------------------------------------------------------------- */

static void call_retain(fuzz_channel_t* c) {
  must(uvchan_retain(c->ch) == c->ch);
  c->refs++;
}

static void call_release(void) {
  fuzz_channel_t* c = fuzz_channel_pick();
  if (c != NULL) fuzz_channel_release(c);
}

static int end_of(unsigned int kind) {
  static const int ends[] = {UV_EOF, UV_ECONNRESET, UV_EPROTO, UV_EOF, UV_EAGAIN,
                             0,      UV_ETIMEDOUT,  UV_EBUSY};
  return ends[kind % 8];
}

static int is_end(int status) {
  return status < 0 && status != UV_EAGAIN && status != UV_ETIMEDOUT && status != UV_EBUSY;
}

/* What close answers; from here on the channel counts as closed, since an abort calls back before
 * it returns. */
static int note_close(fuzz_channel_t* c, int status) {
  if (!is_end(status)) return UV_EINVAL;
  if (c->is_closed) return UV_EALREADY;
  c->is_closed = 1;
  c->end = status;
  return 0;
}

static void call_close(fuzz_channel_t* c) {
  int status = end_of(fuzz_byte());
  int expected = note_close(c, status);
  must((status == UV_EOF ? uvchan_close(c->ch) : uvchan_close_with(c->ch, status)) == expected);
}

static void call_abort(fuzz_channel_t* c) {
  int status = end_of(fuzz_byte());
  int expected = note_close(c, status);
  must(uvchan_abort(c->ch, status) == expected);
  must(expected == UV_EINVAL || uvchan_len(c->ch) == 0);
}

static void call_sender_add(fuzz_channel_t* c) {
  unsigned int n = fuzz_below(4);
  int expected = n == 0 ? UV_EINVAL : c->is_closed ? UV_EPIPE : 0;
  must(uvchan_sender_add(c->ch, n) == expected);
  if (expected == 0) c->counted += n;
}

static void call_sender_done(fuzz_channel_t* c) {
  int expected = c->is_closed || c->counted > 0 ? 0 : UV_EINVAL;
  if (!c->is_closed && c->counted > 0 && --c->counted == 0) (void)note_close(c, UV_EOF);
  must(uvchan_sender_done(c->ch) == expected);
}

/* ---- On loops -------------------------------------------------------------------------------- */

static fuzz_receiver_t* pick_receiver(void) {
  unsigned int first = fuzz_below(FUZZ_RECEIVERS);
  unsigned int i;
  for (i = 0; i < FUZZ_RECEIVERS; i++) {
    fuzz_receiver_t* receiver = fuzz_world.receivers[(first + i) % FUZZ_RECEIVERS];
    if (receiver != NULL) return receiver;
  }
  return NULL;
}

static void call_receiver_make(fuzz_channel_t* c) {
  unsigned int how = fuzz_byte();
  size_t i;
  fuzz_receiver_make(how & 1, c);
  for (i = 0; i < FUZZ_RECEIVERS; i++) {
    fuzz_receiver_t* receiver = fuzz_world.receivers[i];
    if (receiver != NULL && receiver->c == c && !receiver->is_active && !receiver->is_closing &&
        (how & 2) != 0) {
      fuzz_receiver_start(receiver, (how & 4) != 0);
      return;
    }
  }
}

static void call_receiver_start(void) {
  fuzz_receiver_t* receiver = pick_receiver();
  if (receiver != NULL) fuzz_receiver_start(receiver, (fuzz_byte() & 1) != 0);
}

static void call_receiver_stop(void) {
  fuzz_receiver_t* receiver = pick_receiver();
  if (receiver != NULL) fuzz_receiver_stop(receiver);
}

static void call_receiver_close(void) {
  fuzz_receiver_t* receiver = pick_receiver();
  if (receiver != NULL) fuzz_receiver_close(receiver, (fuzz_byte() & 3) != 0);
}

static void call_receiver_set(void) {
  fuzz_receiver_t* receiver = pick_receiver();
  unsigned int what = fuzz_byte();
  int expected;
  if (receiver == NULL) return;
  expected = receiver->is_closing ? UV_EINVAL : 0;
  switch (what & 3) {
    case 0:
      must(uvchan_receiver_set_budget(&receiver->handle, what >> 4) ==
           (what >> 4 == 0 ? UV_EINVAL : expected));
      break;
    case 1:
      must(uvchan_receiver_set_spin(&receiver->handle, what >> 4) == expected);
      break;
    case 2:
      uvchan_receiver_ref(&receiver->handle);
      if (expected == 0) receiver->is_unreferenced = 0;
      break;
    default:
      uvchan_receiver_unref(&receiver->handle);
      if (expected == 0) receiver->is_unreferenced = 1;
      break;
  }
  must(uvchan_receiver_is_active(&receiver->handle) == receiver->is_active);
  must(receiver->is_closing ||
       uvchan_receiver_has_ref(&receiver->handle) == !receiver->is_unreferenced);
}

static void call_send(void) { fuzz_request_make(pick_loop(), FUZZ_SEND); }

static void call_recv(void) { fuzz_request_make(pick_loop(), FUZZ_RECV); }

static void call_select(void) { fuzz_request_make(pick_loop(), FUZZ_SELECT); }

static void call_notify(void) { fuzz_request_make(pick_loop(), FUZZ_NOTIFY); }

static void call_cancel(void) {
  fuzz_request_t* request = fuzz_world.requests[fuzz_below(FUZZ_REQUESTS)];
  if (request != NULL) fuzz_request_cancel(request);
}

static void call_group(void) {
  static const int deltas[] = {1, 2, -1, -2, INT32_MAX, -1, 3, 0};
  unsigned int what = fuzz_byte();
  unsigned int group = what >> 7;
  if ((what & 8) == 0) {
    fuzz_group_add(group, deltas[what & 7]);
  } else if (fuzz_world.counts[group] == 0) {
    must(uvchan_waitgroup_wait(&fuzz_world.groups[group]) == 0);
  } else {
    must(uvchan_waitgroup_timedwait(&fuzz_world.groups[group], 0) == UV_ETIMEDOUT);
  }
}

static void call_ticker_make(fuzz_channel_t* c) { fuzz_ticker_make(pick_loop(), c); }

static void call_ticker(void) {
  unsigned int what = fuzz_byte();
  fuzz_ticker_t* ticker = fuzz_world.tickers[what & 1];
  int expected;
  if (ticker == NULL) return;
  expected = ticker->is_deaf ? UV_EINVAL : 0;
  switch (what >> 1 & 3) {
    case 0:
      must(uvchan_ticker_start(&ticker->handle, what >> 6, what >> 3 & 7) == expected);
      break;
    case 1:
      must(uvchan_ticker_stop(&ticker->handle) == 0);
      break;
    case 2:
      uvchan_ticker_unref(&ticker->handle);
      break;
    default:
      fuzz_ticker_close(ticker, (what & 8) != 0);
      break;
  }
}

/* ---- Around ---------------------------------------------------------------------------------- */

static void call_fail_memory(void) {
  unsigned int what = fuzz_byte();
  if ((what & 3) == 3) {
    fuzz_fail_never();
  } else {
    fuzz_fail_at(what >> 3, (what & 4) != 0);
  }
}

static void call_advance(void) { fuzz_clock_advance(fuzz_below(16)); }

static void call_badly(fuzz_channel_t* c) {
  uvchan_case_t one;
  memset(&one, 0, sizeof(one));
  must(uvchan_try_send_n(c->ch, &one, 0) == UV_EINVAL &&
       uvchan_try_recv_n(c->ch, &one, 0) == UV_EINVAL);
  must(uvchan_try_send(NULL, &one) == UV_EINVAL && uvchan_recv_wait(NULL, &one) == UV_EINVAL);
  must(c->elem_size == 0 || uvchan_try_send(c->ch, NULL) == UV_EINVAL);
  must(uvchan_send(NULL, NULL, c->ch, &one, NULL) == UV_EINVAL && uvchan_cancel(NULL) == UV_EINVAL);
  must(uvchan_try_select(NULL, 1) == UV_EINVAL && uvchan_try_select(&one, 1) == UV_EAGAIN);
}

/* ---- Which ----------------------------------------------------------------------------------- */

typedef struct {
  void (*on_channel)(fuzz_channel_t* c);
  void (*otherwise)(void);
} call_t;

static const call_t calls[] = {
    {call_try_send, NULL},       {call_try_send_n, NULL},    {call_send_wait, NULL},
    {call_send_timed, NULL},     {call_send_wait_n, NULL},   {call_try_recv, NULL},
    {call_try_recv_n, NULL},     {call_recv_wait, NULL},     {call_recv_timed, NULL},
    {call_recv_wait_n, NULL},    {NULL, call_select_now},    {call_retain, NULL},
    {NULL, call_release},        {call_close, NULL},         {call_abort, NULL},
    {call_sender_add, NULL},     {call_sender_done, NULL},   {call_receiver_make, NULL},
    {NULL, call_receiver_start}, {NULL, call_receiver_stop}, {NULL, call_receiver_close},
    {NULL, call_receiver_set},   {NULL, call_send},          {NULL, call_recv},
    {NULL, call_select},         {NULL, call_notify},        {NULL, call_cancel},
    {NULL, call_group},          {call_ticker_make, NULL},   {NULL, call_ticker},
    {NULL, call_fail_memory},    {NULL, call_advance},       {call_badly, NULL},
    {NULL, fuzz_channel_make},
};

static void make(const call_t* call) {
  fuzz_channel_t* c;
  if (call->on_channel == NULL) {
    call->otherwise();
    return;
  }
  c = fuzz_channel_pick();
  if (c == NULL) return;
  c->busy++;
  call->on_channel(c);
  c->busy--;
}

void fuzz_call(void) {
  const call_t* call = &calls[fuzz_below(sizeof(calls) / sizeof(calls[0]))];
  if (calls_left == 0) return;
  calls_left--;
  fuzz_world.calls++;
  make(call);
  fuzz_world.calls--;
  fuzz_sweep();
}

void fuzz_nested_calls(void) {
  unsigned int n;
  fuzz_world.callbacks++;
  fuzz_sweep();
  if (fuzz_world.is_ending || fuzz_depth >= FUZZ_DEPTHS || !fuzz_has_input()) return;
  for (n = fuzz_below(4); n > 0; n--) fuzz_call();
}

void fuzz_calls_begin(void) {
  calls_left = MOST_CALLS;
  fuzz_nested = fuzz_nested_calls;
}
