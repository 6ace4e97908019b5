/* SPDX-License-Identifier: MIT */
/* Every way to send paired with every way to receive where at least one of the two is on a loop,
 * over every kind of channel: all values, in order, once, and then the end. The pairs of plain
 * threads alone are the subject of another suite. */
#include "support-loop.h"

typedef enum {
  TRY,
  WAIT,
  TIMED,
  TRY_N,
  WAIT_N,
  SELECT,
  LAST_OF_THREADS = SELECT,
  LOOP_1,
  LOOP_2,
  LOOP_3,
  LOOP_4,
  NKINDS
} kind_t;

/* Of loops: senders ... */
#define SEND_REQUEST LOOP_1
#define SEND_SELECT LOOP_2
#define SEND_IDLE LOOP_3
#define SEND_MIXED LOOP_4
/* ... and receivers. */
#define RECV_STARTED LOOP_1
#define RECV_BATCH LOOP_2
#define RECV_REQUEST LOOP_3
#define RECV_SELECT LOOP_4

#define MOST_AT_ONCE 5
#define TIMEOUT 50000 /* nanoseconds: short, so that some calls run out of time */

/* One side: what it is, and how far it has come. */
typedef struct {
  kind_t kind;
  uvchan_t* ch;
  uv_loop_t* loop;
  uint64_t count; /* to send */
  uint64_t done;
  unsigned int ends;
  unsigned char values[MOST_AT_ONCE * SUPPORT_MOST_BYTES];
  uvchan_send_t send;
  uvchan_recv_t recv;
  uvchan_select_t select;
  uvchan_case_t one;
  uv_idle_t idle;
  uvchan_receiver_t receiver;
} side_t;

static int not_now(ssize_t answer) { return answer == UV_EAGAIN || answer == UV_ETIMEDOUT; }

static void set_case(side_t* side, uvchan_op_t op) {
  side->one.ch = side->ch;
  side->one.op = op;
  side->one.value = side->values;
  side->one.status = 1;
}

/* ---- Sending --------------------------------------------------------------------------------- */

static size_t fill(side_t* side) {
  size_t elem_size = uvchan_elem_size(side->ch);
  size_t n = 0;
  while (n < MOST_AT_ONCE && side->done + n < side->count) {
    support_fill(side->values + n * elem_size, elem_size, side->done + n);
    n++;
  }
  return n;
}

static ssize_t send_some(side_t* side) {
  size_t n = fill(side);
  int status;
  switch (side->kind) {
    case TRY:
      status = uvchan_try_send(side->ch, side->values);
      break;
    case WAIT:
      status = uvchan_send_wait(side->ch, side->values);
      break;
    case TIMED:
      status = uvchan_send_timedwait(side->ch, side->values, TIMEOUT);
      break;
    case TRY_N:
      return uvchan_try_send_n(side->ch, side->values, n);
    case WAIT_N:
      return uvchan_send_wait_n(side->ch, side->values, n);
    default:
      set_case(side, UVCHAN_SEND);
      must(uvchan_select_wait(&side->one, 1) == 0);
      status = side->one.status;
      break;
  }
  return status == 0 ? 1 : status;
}

static void send_in_thread(side_t* side) {
  while (side->done < side->count) {
    ssize_t n = send_some(side);
    must(n > 0 || not_now(n));
    if (n > 0) {
      side->done += (uint64_t)n;
    } else {
      uv_sleep(0);
    }
  }
  must(uvchan_close(side->ch) == 0);
}

static void send_next(side_t* side);

static void on_sent(uvchan_send_t* req, int status) {
  side_t* side = req->data;
  must(status == 0);
  side->done++;
  send_next(side);
}

static void on_sent_by_select(uvchan_select_t* req, int index) {
  side_t* side = req->data;
  must(index == 0);
  must(side->one.status == 0);
  side->done++;
  send_next(side);
}

/* The mixed sender takes what room there is at once, and asks for the rest. */
static void send_next(side_t* side) {
  for (;; side->done++) {
    if (side->done == side->count) {
      must(uvchan_close(side->ch) == 0);
      return;
    }
    fill(side);
    if (side->kind != SEND_MIXED || uvchan_try_send(side->ch, side->values) != 0) break;
  }
  if (side->kind == SEND_REQUEST || (side->kind == SEND_MIXED && side->done % 2 == 0)) {
    must(uvchan_send(side->loop, &side->send, side->ch, side->values, on_sent) == 0);
  } else {
    set_case(side, UVCHAN_SEND);
    must(uvchan_select(side->loop, &side->select, &side->one, 1, on_sent_by_select) == 0);
  }
}

static void send_from_idle(uv_idle_t* idle) {
  side_t* side = idle->data;
  if (side->done < side->count) {
    fill(side);
    if (uvchan_try_send(side->ch, side->values) == 0) side->done++;
  }
  if (side->done < side->count) return;
  must(uvchan_close(side->ch) == 0);
  uv_close((uv_handle_t*)idle, NULL);
}

static void send_on_loop(side_t* side) {
  side->send.data = side->select.data = side->idle.data = side;
  if (side->kind != SEND_IDLE) {
    send_next(side);
    return;
  }
  must(uv_idle_init(side->loop, &side->idle) == 0);
  must(uv_idle_start(&side->idle, send_from_idle) == 0);
}

/* ---- Receiving ------------------------------------------------------------------------------- */

static void take(side_t* side, const void* value) {
  must(side->ends == 0);
  must(support_matches(value, uvchan_elem_size(side->ch), side->done));
  side->done++;
}

static ssize_t receive_some(side_t* side) {
  int status;
  switch (side->kind) {
    case TRY:
      status = uvchan_try_recv(side->ch, side->values);
      break;
    case WAIT:
      status = uvchan_recv_wait(side->ch, side->values);
      break;
    case TIMED:
      status = uvchan_recv_timedwait(side->ch, side->values, TIMEOUT);
      break;
    case TRY_N:
      return uvchan_try_recv_n(side->ch, side->values, MOST_AT_ONCE);
    case WAIT_N:
      return uvchan_recv_wait_n(side->ch, side->values, MOST_AT_ONCE);
    default:
      set_case(side, UVCHAN_RECV);
      must(uvchan_select_wait(&side->one, 1) == 0);
      status = side->one.status;
      break;
  }
  return status == 0 ? 1 : status;
}

static void receive_in_thread(side_t* side) {
  size_t elem_size = uvchan_elem_size(side->ch);
  while (side->ends == 0) {
    ssize_t n = receive_some(side);
    ssize_t i;
    must(n != 0);
    for (i = 0; i < n; i++) take(side, side->values + (size_t)i * elem_size);
    if (not_now(n)) uv_sleep(0);
    if (n > 0 || not_now(n)) continue;
    must(n == UV_EOF);
    side->ends++;
  }
}

static void end(side_t* side, ssize_t status) {
  must(status == UV_EOF);
  side->ends++;
}

static void on_started(uvchan_receiver_t* receiver, int status, const void* value) {
  side_t* side = receiver->data;
  if (status == 0) {
    take(side, value);
    return;
  }
  end(side, status);
  uvchan_receiver_close(receiver, NULL);
}

static void on_batch(uvchan_receiver_t* receiver, ssize_t nvalues, const void* values) {
  side_t* side = receiver->data;
  size_t elem_size = uvchan_elem_size(side->ch);
  ssize_t i;
  for (i = 0; i < nvalues; i++) take(side, (const unsigned char*)values + (size_t)i * elem_size);
  if (nvalues > 0) return;
  end(side, nvalues);
  uvchan_receiver_close(receiver, NULL);
}

static void receive_next(side_t* side);

static void on_received(uvchan_recv_t* req, int status) {
  side_t* side = req->data;
  if (status != 0) {
    end(side, status);
    return;
  }
  take(side, side->values);
  receive_next(side);
}

static void on_received_by_select(uvchan_select_t* req, int index) {
  side_t* side = req->data;
  must(index == 0);
  if (side->one.status != 0) {
    end(side, side->one.status);
    return;
  }
  take(side, side->values);
  receive_next(side);
}

static void receive_next(side_t* side) {
  if (side->kind == RECV_REQUEST) {
    must(uvchan_recv(side->loop, &side->recv, side->ch, side->values, on_received) == 0);
    return;
  }
  set_case(side, UVCHAN_RECV);
  must(uvchan_select(side->loop, &side->select, &side->one, 1, on_received_by_select) == 0);
}

static void receive_on_loop(side_t* side) {
  side->recv.data = side->select.data = side->receiver.data = side;
  if (side->kind == RECV_REQUEST || side->kind == RECV_SELECT) {
    receive_next(side);
    return;
  }
  must(uvchan_receiver_init(side->loop, &side->receiver, side->ch) == 0);
  if (side->kind == RECV_STARTED) {
    must(uvchan_recv_start(&side->receiver, on_started) == 0);
  } else {
    must(uvchan_recv_start_batch(&side->receiver, on_batch) == 0);
  }
}

/* ---- Pairs ----------------------------------------------------------------------------------- */

static void run_sender(void* arg) {
  side_t* side = arg;
  if (side->kind <= LAST_OF_THREADS) {
    send_in_thread(side);
    return;
  }
  send_on_loop(side);
  support_loop_finish(side->loop);
}

static void run_receiver(side_t* side) {
  if (side->kind <= LAST_OF_THREADS) {
    receive_in_thread(side);
    return;
  }
  receive_on_loop(side);
  support_loop_finish(side->loop);
}

static void side_init(side_t* side, int kind, uvchan_t* ch, uint64_t count) {
  memset(side, 0, sizeof(*side));
  side->kind = (kind_t)kind;
  side->ch = ch;
  side->count = count;
}

/* Loops are opened before the threads begin: a sanitizer sees libuv open a descriptor, but not
 * close it, and would take the same number opened by two threads for a race. */
static void give_loop(side_t* side, uv_loop_t* loop) {
  if (side->kind <= LAST_OF_THREADS) return;
  support_loop_open(loop);
  side->loop = loop;
}

static void check_pair(const side_t* sender, const side_t* receiver) {
  ck_assert_uint_eq(sender->done, sender->count);
  ck_assert_uint_eq(receiver->done, sender->count);
  ck_assert_uint_eq(receiver->ends, 1);
  ck_assert_uint_eq(rest(sender->ch).received, sender->count);
  ck_assert_uint_eq(rest(sender->ch).sent, sender->count);
}

static side_t sender;
static side_t receiver;

#define PAIRS (NKINDS * NKINDS * SUPPORT_NCAPACITIES)

START_TEST(a_sender_and_a_receiver_of_two_threads_with_loops_agree) {
  int sends = _i / SUPPORT_NCAPACITIES % NKINDS;
  int receives = _i / SUPPORT_NCAPACITIES / NKINDS;
  size_t step = support_slow() ? 3 : 1;
  size_t i;

  if (sends <= LAST_OF_THREADS && receives <= LAST_OF_THREADS) return;
  /* nobody waits: no pair */
  if (_i % SUPPORT_NCAPACITIES == 0 && sends == SEND_IDLE && (receives == TRY || receives == TRY_N))
    return;
  for (i = (size_t)_i % step; i < SUPPORT_NELEM_SIZES; i += step) {
    uvchan_t* ch =
        support_channel(support_elem_sizes[i], support_capacities[_i % SUPPORT_NCAPACITIES]);
    uv_loop_t loops[2];
    uv_thread_t thread;
    side_init(&sender, sends, ch, 40);
    side_init(&receiver, receives, ch, 0);
    give_loop(&sender, &loops[0]);
    give_loop(&receiver, &loops[1]);
    support_start(&thread, run_sender, &sender);
    run_receiver(&receiver);
    support_join(&thread);
    check_pair(&sender, &receiver);
    uvchan_release(ch);
  }
}
END_TEST

START_TEST(a_sender_and_a_receiver_of_one_loop_agree) {
  int sends = LOOP_1 + _i / SUPPORT_NCAPACITIES % 4;
  int receives = LOOP_1 + _i / SUPPORT_NCAPACITIES / 4;
  size_t i;

  for (i = 0; i < 2 * SUPPORT_NELEM_SIZES; i++) {
    uvchan_t* ch =
        support_channel(support_elem_sizes[i / 2], support_capacities[_i % SUPPORT_NCAPACITIES]);
    uv_loop_t loop;
    support_loop_open(&loop);
    side_init(&sender, sends, ch, 40);
    side_init(&receiver, receives, ch, 0);
    sender.loop = receiver.loop = &loop;
    if (i % 2 == 0) send_on_loop(&sender);
    receive_on_loop(&receiver);
    if (i % 2 == 1) send_on_loop(&sender);
    support_loop_finish(&loop);
    check_pair(&sender, &receiver);
    ck_assert_uint_eq(rest(ch).wakeups, 0);
    uvchan_release(ch);
  }
}
END_TEST

int main(void) {
  Suite* suite = suite_create("pairings-loop");
  TCase* pairs = support_tcase(suite, "pairs");

  tcase_add_loop_test(pairs, a_sender_and_a_receiver_of_two_threads_with_loops_agree, 0, PAIRS);
  tcase_add_loop_test(pairs, a_sender_and_a_receiver_of_one_loop_agree, 0,
                      16 * SUPPORT_NCAPACITIES);
  return support_main(suite);
}
