/* SPDX-License-Identifier: MIT */
/* Memory that is not there yet: a call whose value lies in a page that has to be brought in first -
 * from a file, from swap, by a handler - waits for that, and holds up nobody else: no thread's call
 * on the same channel, and no loop that receives from it. Its own outcome is as if the page had
 * always been there.
 *
 * The page is one that nobody may touch; who does gets a signal, and its handler waits until the
 * test lets it go. */
#include "support-loop.h"
#include "ways.h"

#ifdef _WIN32

int main(void) { return support_main(suite_create("faults")); } /* no such page */

#else

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* ---- The page -------------------------------------------------------------------------------- */

#define ROOM ((size_t)1 << 18) /* of ordinary memory, before and behind the page */

static unsigned char* arena;
static size_t page_bytes;
static atomic_int stuck; /* somebody waits for the page */
static atomic_int let_go;

static unsigned char* page(void) { return arena + ROOM; }

static void on_fault(int number, siginfo_t* info, void* context) {
  unsigned char* at = info->si_addr;
  struct timespec millisecond = {0, 1000000};

  (void)context;
  if (at < page() || at >= page() + page_bytes) {
    signal(number, SIG_DFL);
    return;
  }
  atomic_store(&stuck, 1);
  while (!atomic_load(&let_go)) nanosleep(&millisecond, NULL);
  mprotect(page(), page_bytes, PROT_READ | PROT_WRITE);
}

static void open_arena(void) {
  struct sigaction action;

  page_bytes = (size_t)sysconf(_SC_PAGESIZE);
  arena =
      mmap(NULL, 2 * ROOM + page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ck_assert(arena != MAP_FAILED);
  memset(&action, 0, sizeof(action));
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO;
  ck_assert_int_eq(sigaction(SIGSEGV, &action, NULL), 0);
  ck_assert_int_eq(sigaction(SIGBUS, &action, NULL), 0);
}

/* From here on the page is not there. */
static void hide_page(void) {
  atomic_store(&stuck, 0);
  atomic_store(&let_go, 0);
  ck_assert_int_eq(mprotect(page(), page_bytes, PROT_NONE), 0);
}

/* Where so many bytes may lie: from the begin of the page; with the last byte alone in it; with the
 * last half behind it. */
#define NPLACES 3

static unsigned char* place(int which, size_t bytes) {
  if (which == 0) return page();
  if (which == 1) return page() + 1 - bytes;
  return page() + page_bytes - (bytes + 1) / 2;
}

/* ---- Who gets stuck -------------------------------------------------------------------------- */

/* The ways of a thread, and then of a loop: a request, and a select. */
#define BY_REQUEST NWAYS
#define BY_SELECT (NWAYS + 1)
#define NSTUCK (NWAYS + 2)

typedef struct {
  uvchan_t* ch;
  unsigned char* value;
  int sends;
  int way;
  int calls; /* of a request's callback */
  ssize_t result;
  uvchan_send_t send;
  uvchan_recv_t recv;
  uvchan_select_t select;
  uvchan_case_t cases[2];
} victim_t;

static void on_sent(uvchan_send_t* req, int status) {
  victim_t* victim = req->data;
  victim->result = status == 0 ? 1 : status;
  victim->calls++;
}

static void on_received(uvchan_recv_t* req, int status) {
  victim_t* victim = req->data;
  victim->result = status == 0 ? 1 : status;
  victim->calls++;
}

static void on_selected(uvchan_select_t* req, int index) {
  victim_t* victim = req->data;
  victim->result = index == 1 ? way_count(victim->cases[1].status) : index;
  victim->calls++;
}

static void request(victim_t* victim) {
  uv_loop_t loop;

  support_loop_open(&loop);
  victim->send.data = victim->recv.data = victim->select.data = victim;
  if (victim->way == BY_SELECT) {
    victim->cases[0] = (uvchan_case_t){NULL, UVCHAN_RECV, NULL, 1, NULL};
    victim->cases[1] = (uvchan_case_t){victim->ch, victim->sends ? UVCHAN_SEND : UVCHAN_RECV,
                                       victim->value, 1, NULL};
    must(uvchan_select(&loop, &victim->select, victim->cases, 2, on_selected) == 0);
  } else if (victim->sends) {
    must(uvchan_send(&loop, &victim->send, victim->ch, victim->value, on_sent) == 0);
  } else {
    must(uvchan_recv(&loop, &victim->recv, victim->ch, victim->value, on_received) == 0);
  }
  support_loop_finish(&loop);
  must(victim->calls == 1);
}

static void get_stuck(void* arg) {
  victim_t* victim = arg;

  if (victim->way >= NWAYS) {
    request(victim);
  } else if (victim->sends) {
    victim->result = way_send((way_t)victim->way, victim->ch, victim->value, 1);
  } else {
    victim->result = way_recv((way_t)victim->way, victim->ch, victim->value, 1);
  }
}

static void victim_open(victim_t* victim, size_t size, size_t capacity, int where, int way) {
  memset(victim, 0, sizeof(*victim));
  victim->ch = support_channel(size, capacity);
  victim->value = place(where, size);
  victim->way = way;
}

/* A thread with this body is stuck when it returns. */
static void start_stuck(uv_thread_t* thread, uv_thread_cb body, void* arg) {
  hide_page();
  support_start(thread, body, arg);
  support_await(atomic_load(&stuck));
}

/* ---- Who must not ---------------------------------------------------------------------------- */

typedef struct {
  uvchan_t* ch;
  size_t buffered; /* values that are there, numbered from 0 */
  atomic_int done;
} bystander_t;

static void run_beside(uv_thread_cb body, bystander_t* bystander) {
  uv_thread_t thread;

  atomic_init(&bystander->done, 0);
  support_start(&thread, body, bystander);
  support_await(atomic_load(&bystander->done));
  support_join(&thread);
}

/* Calls of every kind, each of which would be answered at once if nobody were stuck; leaves the
 * channel empty. The one who is stuck may have taken the value already. */
static void go_on(void* arg) {
  bystander_t* bystander = arg;
  uvchan_t* ch = bystander->ch;
  size_t size = uvchan_elem_size(ch);
  int has_room = uvchan_capacity(ch) > 0;
  unsigned char* value = malloc(size);
  uint64_t i;

  must(value != NULL);
  must(uvchan_len(ch) <= bystander->buffered);
  bystander->buffered = uvchan_len(ch);
  for (i = 0; i < bystander->buffered; i++) {
    must(uvchan_try_recv(ch, value) == 0);
    must(support_matches(value, size, i));
  }
  for (i = 0; i < 40; i++) {
    support_fill(value, size, 100 + i);
    if (has_room) {
      must(way_send((way_t)(i % NWAYS), ch, value, 1) == 1);
      must(way_recv((way_t)(i / 5), ch, value, 1) == 1);
      must(support_matches(value, size, 100 + i));
    } else {
      must(uvchan_try_send(ch, value) == UV_EAGAIN);
    }
    must(uvchan_try_recv(ch, value) == UV_EAGAIN);
    must(rest(ch).len == 0);
  }
  free(value);
  atomic_store(&bystander->done, 1);
}

/* ---- The tests ------------------------------------------------------------------------------- */

static const size_t sizes[] = {1, 8, 1000, SUPPORT_MOST_BYTES};
#define NSIZES 4

static int waits(int way) {
  return way >= NWAYS ||
         (!way_never_waits((way_t)way) && way != WAY_TIMED && way != WAY_TIMED_SELECT);
}

static void start_send(victim_t* victim, uv_thread_t* thread, size_t size) {
  victim->sends = 1;
  support_fill(victim->value, size, 7);
  start_stuck(thread, get_stuck, victim);
}

static void finish_send(victim_t* victim, uv_thread_t* thread, size_t size) {
  static unsigned char value[SUPPORT_MOST_BYTES];

  if (uvchan_capacity(victim->ch) == 0 && waits(victim->way)) {
    ck_assert_int_eq(uvchan_recv_wait(victim->ch, value), 0);
    ck_assert(support_matches(value, size, 7));
    support_join(thread);
    ck_assert_int_eq((int)victim->result, 1);
    return;
  }
  support_join(thread);
  if (uvchan_capacity(victim->ch) == 0) {
    ck_assert(way_is_not_now(victim->result));
    return;
  }
  ck_assert_int_eq((int)victim->result, 1);
  ck_assert_int_eq(uvchan_try_recv(victim->ch, value), 0);
  ck_assert(support_matches(value, size, 7));
}

static void sends_hold_up_nobody(int way, size_t capacity, size_t size, int where) {
  victim_t victim;
  bystander_t bystander;
  uv_thread_t thread;

  victim_open(&victim, size, capacity, where, way);
  bystander.ch = victim.ch;
  bystander.buffered = 0;
  start_send(&victim, &thread, size);
  run_beside(go_on, &bystander);
  atomic_store(&let_go, 1);
  finish_send(&victim, &thread, size);
  ck_assert_uint_eq(uvchan_len(victim.ch), 0);
  uvchan_release(victim.ch);
}

START_TEST(a_send_whose_memory_is_not_there_yet_holds_up_nobody) {
  size_t i;
  int where;

  open_arena();
  for (i = 0; i < SUPPORT_NCAPACITIES; i++) {
    for (where = 0; where < NPLACES; where++)
      sends_hold_up_nobody(_i % NSTUCK, support_capacities[i], sizes[_i / NSTUCK], where);
  }
}
END_TEST

static void finish_receive(victim_t* victim, uv_thread_t* thread, size_t size, int has_taken) {
  static unsigned char value[SUPPORT_MOST_BYTES];
  int r;

  if (has_taken) {
    atomic_store(&let_go, 1);
    support_join(thread);
    ck_assert_int_eq((int)victim->result, 1);
    ck_assert(support_matches(victim->value, size, 0));
    return;
  }
  support_fill(value, size, 7);
  r = uvchan_try_send(victim->ch, value);
  atomic_store(&let_go, 1);
  if (r == UV_EAGAIN && waits(victim->way)) r = uvchan_send_wait(victim->ch, value);
  support_join(thread);
  if (r != 0) {
    ck_assert(way_is_not_now(victim->result));
    return;
  }
  ck_assert_int_eq((int)victim->result, 1);
  ck_assert(support_matches(victim->value, size, 7));
}

static void receives_hold_up_nobody(int way, size_t capacity, size_t size, int where) {
  static unsigned char value[SUPPORT_MOST_BYTES];
  victim_t victim;
  bystander_t bystander;
  uv_thread_t thread;

  victim_open(&victim, size, capacity, where, way);
  support_fill(value, size, 0);
  if (capacity > 0) ck_assert_int_eq(uvchan_try_send(victim.ch, value), 0);
  bystander.ch = victim.ch;
  bystander.buffered = capacity > 0;
  start_stuck(&thread, get_stuck, &victim);
  run_beside(go_on, &bystander);
  finish_receive(&victim, &thread, size, capacity > 0 && bystander.buffered == 0);
  ck_assert_uint_eq(uvchan_len(victim.ch), 0);
  uvchan_release(victim.ch);
}

START_TEST(a_receive_whose_memory_is_not_there_yet_holds_up_nobody) {
  size_t i;
  int where;

  open_arena();
  for (i = 0; i < SUPPORT_NCAPACITIES; i++) {
    for (where = 0; where < NPLACES; where++)
      receives_hold_up_nobody(_i % NSTUCK, support_capacities[i], sizes[_i / NSTUCK], where);
  }
}
END_TEST

/* A loop receives what another thread sends, while the first one is stuck. */
static void serve(void* arg) {
  bystander_t* served = arg;
  unsigned char value[SUPPORT_MOST_BYTES];
  size_t size = uvchan_elem_size(served->ch);
  uv_loop_t loop;
  sink_t sink;
  uint64_t i;

  support_loop_open(&loop);
  sink_start(&sink, &loop, served->ch);
  for (i = 0; i < 40; i++) {
    support_fill(value, size, i);
    must(uvchan_try_send(served->ch, value) == 0);
    settle(&loop);
    must(sink.values == i + 1);
  }
  sink_close(&sink);
  support_loop_finish(&loop);
  atomic_store(&served->done, 1);
}

START_TEST(a_send_whose_memory_is_not_there_yet_holds_up_no_loop) {
  size_t size = sizes[_i / SUPPORT_NCAPACITIES];
  bystander_t served;
  victim_t victim;
  uv_thread_t thread;

  open_arena();
  victim_open(&victim, size, support_capacities[_i % SUPPORT_NCAPACITIES], 1, WAY_WAIT);
  served.ch = victim.ch;
  served.buffered = 0;
  start_send(&victim, &thread, size);
  run_beside(serve, &served);
  atomic_store(&let_go, 1);
  finish_send(&victim, &thread, size);
  uvchan_release(victim.ch);
}
END_TEST

/* Many values: those in front of the page may be sent, or received, before it is there; the rest
 * follows in order. */
typedef struct {
  uvchan_t* ch;
  unsigned char* values;
  size_t n;
  int sends;
  ssize_t moved;
} many_t;

static void move_many(void* arg) {
  many_t* many = arg;

  many->moved = many->sends ? uvchan_try_send_n(many->ch, many->values, many->n)
                            : uvchan_try_recv_n(many->ch, many->values, many->n);
}

/* Receives what is there, or sends something of its own where it is the receiver that is stuck. */
static void go_on_beside_many(void* arg) {
  bystander_t* bystander = arg;
  unsigned char value[SUPPORT_MOST_BYTES];
  size_t size = uvchan_elem_size(bystander->ch);
  size_t i;

  support_fill(value, size, 5000);
  for (i = 0; i < bystander->buffered; i++) {
    must(uvchan_try_send(bystander->ch, value) == 0);
    must(rest(bystander->ch).len > 0);
  }
  if (bystander->buffered == 0) {
    while (uvchan_try_recv(bystander->ch, value) == 0) must(support_matches(value, size, i++));
    bystander->buffered = i;
  }
  atomic_store(&bystander->done, 1);
}

#define MANY_BYTES 200000

static void fill_many(many_t* many, size_t size) {
  size_t i;

  many->values = place(1, many->n * size);
  for (i = 0; i < many->n; i++) support_fill(many->values + i * size, size, i);
}

START_TEST(many_values_whose_memory_is_not_there_yet_hold_up_nobody) {
  static const size_t more[] = {8, 1000, SUPPORT_MOST_BYTES};
  size_t size = more[_i % 3], n = MANY_BYTES / size, i;
  unsigned char value[SUPPORT_MOST_BYTES];
  many_t many = {support_channel(size, _i / 3 % 2 ? UVCHAN_UNBOUNDED : n + 5), NULL, n, _i / 6, 0};
  bystander_t bystander;
  uv_thread_t thread;

  open_arena();
  fill_many(&many, size);
  bystander.ch = many.ch;
  bystander.buffered = many.sends ? 0 : 5;
  if (!many.sends) ck_assert_int_eq((int)uvchan_try_send_n(many.ch, many.values, n), (int)n);
  if (!many.sends) memset(many.values, 0, n * size);
  start_stuck(&thread, move_many, &many);
  run_beside(go_on_beside_many, &bystander);
  atomic_store(&let_go, 1);
  support_join(&thread);
  ck_assert_int_eq((int)many.moved, (int)n);
  if (many.sends) {
    for (i = bystander.buffered; i < n; i++) {
      must(uvchan_try_recv(many.ch, value) == 0);
      must(support_matches(value, size, i));
    }
  } else {
    for (i = 0; i < n; i++) must(support_matches(many.values + i * size, size, i));
    ck_assert_uint_eq(uvchan_len(many.ch), bystander.buffered);
  }
  uvchan_release(many.ch);
}
END_TEST

/* What lies beside a value belongs to somebody else, and may not be there at all. */
START_TEST(a_call_touches_no_memory_but_that_of_its_values) {
  size_t size = sizes[_i % NSIZES];
  unsigned char value[SUPPORT_MOST_BYTES];
  victim_t victim;
  int way, after;

  open_arena();
  victim_open(&victim, size, support_capacities[1 + _i / NSIZES], 0, 0);
  for (way = 0; way < NSTUCK; way++) {
    for (after = 0; after < 2; after++) {
      victim.way = way;
      victim.value = after ? page() + page_bytes : page() - size;
      support_fill(victim.value, size, 7);
      hide_page();
      atomic_store(&let_go, 1);
      victim.sends = 1;
      get_stuck(&victim);
      must(uvchan_try_recv(victim.ch, value) == 0 && support_matches(value, size, 7));
      support_fill(value, size, 8);
      must(uvchan_try_send(victim.ch, value) == 0);
      victim.sends = victim.calls = 0;
      get_stuck(&victim);
      must(support_matches(victim.value, size, 8));
      victim.calls = 0;
      ck_assert(!atomic_load(&stuck));
    }
  }
  uvchan_release(victim.ch);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("faults");
  TCase* tcase = support_tcase(suite, "faults");

  tcase_add_loop_test(tcase, a_send_whose_memory_is_not_there_yet_holds_up_nobody, 0,
                      NSTUCK * NSIZES);
  tcase_add_loop_test(tcase, a_receive_whose_memory_is_not_there_yet_holds_up_nobody, 0,
                      NSTUCK * NSIZES);
  tcase_add_loop_test(tcase, a_send_whose_memory_is_not_there_yet_holds_up_no_loop, 0,
                      SUPPORT_NCAPACITIES * NSIZES);
  tcase_add_loop_test(tcase, many_values_whose_memory_is_not_there_yet_hold_up_nobody, 0, 12);
  tcase_add_loop_test(tcase, a_call_touches_no_memory_but_that_of_its_values, 0,
                      (SUPPORT_NCAPACITIES - 1) * NSIZES);
  return support_main(suite);
}

#endif
