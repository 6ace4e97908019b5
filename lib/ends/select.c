/* SPDX-License-Identifier: MIT */
/* Select: the first of several sends and receives that can go on, for threads and for loops.
 *
 * As in Go's select.go, in three passes:
 *   1  Try the cases in an order drawn at random; of more than fit in that, look which are ready,
 *      and try one of those at random. Where another thread was faster, look again.
 *   2  Hold the locks of all channels at once, by ascending address. Mark each, look once more; if
 *      nothing is ready, queue a place at each (channel/several.h).
 *   3  Once claimed for one case, or withdrawn, take the other places out.
 * While it is queued it does nothing else, and it looks only while it is not queued: so it never
 * pairs with itself. Since it queues at all channels in one step, two selects never wait for each
 * other on two channels where one of them could have taken the other.
 *
 * Knows calls, places and requests; does not know a channel's structure or locks. Threads: any; a
 * request's calls are its loop's. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "channel/call.h"
#include "channel/several.h"
#include "ends/request.h"
#include "ground/memory.h"
#include "ground/tuning.h"
#include "wake/hub.h"

#define NOT_CHOSEN SIZE_MAX

/* xorshift64*, by George Marsaglia and Sebastiano Vigna; one state for each thread. */
static uint32_t next_random(void) {
  static _Thread_local uint64_t state;

  if (state == 0) state = uv_hrtime() ^ (uint64_t)(uintptr_t)&state ^ 0x9E3779B97F4A7C15u;
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return (uint32_t)((state * 0x2545F4914F6CDD1Du) >> 32);
}

/* 0 to n - 1, each with the same chance: Daniel Lemire's multiplication, whose bias for these n is
 * below 2^-20. */
static size_t random_below(size_t n) { return (size_t)(((uint64_t)next_random() * n) >> 32); }

static int are_valid(const uvchan_case_t* cases, size_t ncases) {
  size_t i;

  if ((cases == NULL && ncases > 0) || ncases > INT_MAX) return 0;
  for (i = 0; i < ncases; i++) {
    if (cases[i].op != UVCHAN_RECV && cases[i].op != UVCHAN_SEND) return 0;
    if (cases[i].ch != NULL && cases[i].value == NULL && uvchan__size_to_receive(cases[i].ch) > 0)
      return 0;
  }
  return 1;
}

/* ---- Pass 1 ---------------------------------------------------------------------------------- */

/* The case's status, or UV_EAGAIN or (a send's) UV_ENOMEM. A block that was brought along goes to
 * the first unbounded channel. */
static int try_case(uvchan_case_t* c, uvchan__block_t** block) {
  uvchan__block_t* brought = NULL;

  if (c->ch == NULL) return UV_EAGAIN;
  if (c->op == UVCHAN_RECV) return uvchan__recv_now(c->ch, c->value);
  if (*block != NULL && uvchan__send_block_bytes(c->ch) > 0) {
    brought = *block;
    *block = NULL;
  }
  return uvchan__send_now(c->ch, c->value, brought);
}

/* The index, UV_EAGAIN or UV_ENOMEM. */
static int chosen(uvchan_case_t* cases, size_t i, int r) {
  if (r == UV_EAGAIN || (r == UV_ENOMEM && cases[i].op == UVCHAN_SEND)) return r;
  cases[i].status = r;
  return (int)i;
}

/* Cases that are tried in an order drawn at random, of all orders with the same chance: so the
 * first that is ready is any of those that are, with the same chance, and nothing is spent on the
 * others. The order is drawn as far as it is needed (Fisher and Yates). */
static int try_shuffled(uvchan_case_t* cases, size_t ncases, uvchan__block_t** block) {
  unsigned char order[UVCHAN__SHUFFLED_CASES];
  size_t i;

  for (i = 0; i < ncases; i++) order[i] = (unsigned char)i;
  for (i = 0; i < ncases; i++) {
    size_t drawn = i + random_below(ncases - i);
    size_t c = order[drawn];
    int r = try_case(&cases[c], block);

    if (r != UV_EAGAIN) return chosen(cases, c, r);
    order[drawn] = order[i];
  }
  return UV_EAGAIN;
}

/* One of the ready cases, each with the same chance; NOT_CHOSEN where there is none. */
static size_t choose(const uvchan_case_t* cases, size_t ncases) {
  size_t choice = NOT_CHOSEN;
  size_t ready = 0;
  size_t i;

  for (i = 0; i < ncases; i++) {
    if (cases[i].ch == NULL || !uvchan__is_ready(cases[i].ch, cases[i].op == UVCHAN_SEND)) continue;
    if (random_below(++ready) == 0) choice = i;
  }
  return choice;
}

/* The index, UV_EAGAIN where none was ready, or UV_ENOMEM. */
static int try_cases(uvchan_case_t* cases, size_t ncases, uvchan__block_t** block) {
  if (ncases <= UVCHAN__SHUFFLED_CASES) return try_shuffled(cases, ncases, block);
  for (;;) {
    size_t i = choose(cases, ncases);
    int r;

    if (i == NOT_CHOSEN) return UV_EAGAIN;
    r = try_case(&cases[i], block);
    if (r != UV_EAGAIN) return chosen(cases, i, r);
  }
}

/* Of so many places; more than there can be where a size_t holds no such number. */
static size_t bytes_of(size_t nplaces) {
  return nplaces > SIZE_MAX / sizeof(uvchan__place_t) ? SIZE_MAX
                                                      : nplaces * sizeof(uvchan__place_t);
}

/* ---- Passes 2 and 3 -------------------------------------------------------------------------- */

static int compare_places(const void* a, const void* b) {
  const uvchan__place_t* p = a;
  const uvchan__place_t* q = b;

  if (p->channel != q->channel) return (uintptr_t)p->channel < (uintptr_t)q->channel ? -1 : 1;
  return p->order < q->order ? -1 : p->order > q->order;
}

/* A close makes all cases of its channel ready at once: one of them is drawn for it. */
static void draw_for_close(uvchan__place_t* places, size_t nplaces) {
  size_t drawn = 0;
  size_t n = 0;
  size_t i;

  for (i = 0; i < nplaces; i++) {
    if (uvchan__is_first_of_channel(places, i)) n = 0;
    places[i].for_close = random_below(++n) == 0;
    if (!places[i].for_close) continue;
    if (n > 1) places[drawn].for_close = 0;
    drawn = i;
  }
}

/* Fills in a place for each case that can ever be ready, in the order of locking; those of one
 * channel in random order, in which they will be queued. Answers how many. */
static size_t lay_out(uvchan__place_t* places, uvchan__waiter_t* waiter, const uvchan_case_t* cases,
                      size_t ncases) {
  size_t n = 0;
  size_t i;

  for (i = 0; i < ncases; i++) {
    if (cases[i].ch == NULL) continue;
    uvchan__place_init(&places[n], waiter, cases[i].ch, cases[i].value, cases[i].op == UVCHAN_SEND);
    places[n].index = i;
    places[n].order = next_random();
    /* before any lock is held for it */
    uvchan__prefault(cases[i].value, uvchan__size_to_receive(cases[i].ch));
    n++;
  }
  qsort(places, n, sizeof(*places), compare_places);
  draw_for_close(places, n);
  return n;
}

/* ---- From threads ---------------------------------------------------------------------------- */

/* Looks at all cases, one after the other: 0 where one is ready, else 1 and the sum of their
 * stamps. */
static int is_none_ready(const uvchan_case_t* cases, size_t ncases, uint64_t* sum) {
  size_t i;

  *sum = 0;
  for (i = 0; i < ncases; i++) {
    uint64_t stamp = 0;

    if (cases[i].ch == NULL) continue;
    if (uvchan__looks_ready(cases[i].ch, cases[i].op == UVCHAN_SEND, &stamp)) return 0;
    *sum += stamp;
  }
  return 1;
}

/* UV_EAGAIN is true of one moment. Cases that were found not ready one after the other may have
 * been ready in turn: so it looks at all of them twice. Stamps only grow; where their sum is the
 * same, each of them is, and so no case has become ready between its first look and its second one:
 * at the moment between the last of the first looks and the first of the second ones, none was. (A
 * channel that was closed by then is ready in the second look.) Where something has changed,
 * somebody else has gone on, and it tries again. */
static UVCHAN__APART int try_until_sure(uvchan_case_t* cases, size_t ncases,
                                        uvchan__block_t** block) {
  uint64_t first, second;

  while (!is_none_ready(cases, ncases, &first) || !is_none_ready(cases, ncases, &second) ||
         first != second) {
    int r = try_cases(cases, ncases, block);

    if (r != UV_EAGAIN) return r;
  }
  return UV_EAGAIN;
}

int uvchan_try_select(uvchan_case_t* cases, size_t ncases) {
  uvchan__block_t* block = NULL;
  int r;

  if (!are_valid(cases, ncases)) return UV_EINVAL;
  r = try_cases(cases, ncases, &block);
  return r == UV_EAGAIN ? try_until_sure(cases, ncases, &block) : r;
}

/* As a channel's: one for each thread, since it is not about any one channel. */
static atomic_uint* patience_of_thread(void) {
  static _Thread_local atomic_uint patience = UVCHAN__LONGEST_PATIENCE_NS;

  return &patience;
}

/* Where all have rings, it looks again before it queues. Elsewhere it has to be queued to be found,
 * by another select for example. */
static int looks_first(const uvchan_case_t* cases, size_t ncases) {
  size_t i;

  for (i = 0; i < ncases; i++) {
    if (cases[i].ch != NULL && !uvchan__has_ring_to_send(cases[i].ch)) return 0;
  }
  return 1;
}

/* places: one for each case. */
static int select_with(uvchan__place_t* places, uvchan_case_t* cases, size_t ncases,
                       uvchan__patience_t* patience, uint64_t timeout) {
  uvchan__waiter_t waiter;
  uvchan__block_t* block = NULL;
  size_t nplaces;
  int r;

  while (looks_first(cases, ncases) && uvchan__patience_wait(patience)) {
    r = try_cases(cases, ncases, &block);
    if (r != UV_EAGAIN) return r;
  }
  uvchan__waiter_init(&waiter, UVCHAN__THREAD, NULL, NULL);
  nplaces = lay_out(places, &waiter, cases, ncases);
  while (!uvchan__enqueue_at_all(&waiter, places, nplaces)) {
    r = try_cases(cases, ncases, &block);
    if (r != UV_EAGAIN) return r;
  }
  r = uvchan__await(&waiter, patience, timeout);
  uvchan__remove_from_all(places, nplaces);
  if (r != 0) return r;
  cases[waiter.index].status = waiter.status;
  return (int)waiter.index;
}

/* Nothing was ready, one case after the other. Where its time is over at once, it is queued all the
 * same: so there was one moment at which nothing was. */
static UVCHAN__APART int select_otherwise_within(uvchan_case_t* cases, size_t ncases,
                                                 uint64_t timeout) {
  uvchan__place_t near_places[UVCHAN__SELECT_PLACES];
  uvchan__place_t* places = near_places;
  uvchan__patience_t patience;
  int r;

  if (ncases > UVCHAN__SELECT_PLACES) {
    places = uvchan__malloc(bytes_of(ncases));
    if (places == NULL) return UV_ENOMEM;
  }
  uvchan__patience_init(&patience, patience_of_thread(), timeout);
  r = select_with(places, cases, ncases, &patience, timeout);
  if (r >= 0) uvchan__patience_learn(&patience, patience_of_thread());
  if (places != near_places) uvchan__free(places);
  return r;
}

int uvchan_select_timedwait(uvchan_case_t* cases, size_t ncases, uint64_t timeout) {
  uvchan__block_t* block = NULL;
  int r;

  if (ncases == 0 || !are_valid(cases, ncases)) return UV_EINVAL;
  r = try_cases(cases, ncases, &block);
  return r == UV_EAGAIN ? select_otherwise_within(cases, ncases, timeout) : r;
}

int uvchan_select_wait(uvchan_case_t* cases, size_t ncases) {
  return uvchan_select_timedwait(cases, ncases, UINT64_MAX);
}

/* ---- On a loop ------------------------------------------------------------------------------- */

static void withdraw_select(uvchan_req_t* req) {
  uvchan_select_t* select = (uvchan_select_t*)req;

  uvchan__remove_from_all(select->places, select->nplaces);
}

static int outcome(uvchan_select_t* select, int status) {
  if (select->waiter.index == NOT_CHOSEN) return status; /* cancelled, or without memory */
  select->cases[select->waiter.index].status = status;
  return (int)select->waiter.index;
}

static_assert(UVCHAN__SELECT_PLACES <= UVCHAN__DEFERRED_ARGS,
              "the channels of a select without memory of its own can be args");

/* The places in memory of their own, up to one without a channel. */
static void release_places(uvchan__hub_t* hub, void* const* args) {
  static void* const no_channels[UVCHAN__DEFERRED_ARGS];
  uvchan__place_t* places = args[0];
  size_t i;

  for (i = 0; places[i].channel != NULL; i++) uvchan_release(places[i].channel);
  uvchan__free(places);
  uvchan__req_let_go(hub, no_channels);
}

static void defer_places(uvchan_select_t* select) {
  void** args;
  size_t i;

  if (select->places != select->near_places) {
    select->places[select->nplaces].channel = NULL;
    uvchan__req_defer(UVCHAN__REQ(select), release_places)[0] = select->places;
    return;
  }
  args = uvchan__req_defer(UVCHAN__REQ(select), uvchan__req_let_go);
  for (i = 0; i < select->nplaces; i++) args[i] = select->places[i].channel;
}

static void complete_select(uvchan_req_t* req, int status) {
  uvchan_select_t* select = (uvchan_select_t*)req;

  uvchan__remove_from_all(select->places, select->nplaces);
  defer_places(select);
  select->cb(select, outcome(select, status));
}

/* The bytes of the largest block that a send to an unbounded channel may need: one of that size
 * serves whichever is chosen. 0: none. */
static size_t block_bytes(const uvchan_case_t* cases, size_t ncases) {
  size_t largest = 0;
  size_t i;

  for (i = 0; i < ncases; i++) {
    size_t bytes;

    if (cases[i].ch == NULL || cases[i].op != UVCHAN_SEND) continue;
    bytes = uvchan__send_block_bytes(cases[i].ch);
    if (bytes > largest) largest = bytes;
  }
  return largest;
}

/* Memory for the places of more cases than the request has room for, and for a send to an unbounded
 * channel: before the hub, after which nothing may fail. */
static int reserve(uvchan_select_t* select, const uvchan_case_t* cases, size_t ncases,
                   uvchan__block_t** block) {
  size_t bytes = block_bytes(cases, ncases);

  *block = NULL;
  select->places = select->near_places;
  if (ncases > UVCHAN__SELECT_PLACES) {
    /* one to end them, see release_places() */
    select->places = uvchan__malloc(bytes_of(ncases + 1));
    if (select->places == NULL) return UV_ENOMEM;
  }
  if (bytes == 0) return 0;
  *block = uvchan__block_new(bytes);
  if (*block != NULL) return 0;
  if (select->places != select->near_places) uvchan__free(select->places);
  return UV_ENOMEM;
}

int uvchan_select(uv_loop_t* loop, uvchan_select_t* req, uvchan_case_t* cases, size_t ncases,
                  uvchan_select_cb cb) {
  uvchan__block_t* block;
  uvchan__hub_t* hub;
  size_t i;
  int r;

  if (loop == NULL || req == NULL || cb == NULL || ncases == 0 || !are_valid(cases, ncases))
    return UV_EINVAL;
  r = reserve(req, cases, ncases, &block);
  if (r != 0) return r;
  r = uvchan__hub_acquire(loop, &hub);
  if (r != 0) {
    uvchan__block_free_all(block);
    if (req->places != req->near_places) uvchan__free(req->places);
    return r;
  }
  uvchan__req_start(UVCHAN__REQ(req), loop, hub, withdraw_select, complete_select);
  req->waiter.index = NOT_CHOSEN;
  req->cases = cases;
  req->cb = cb;
  req->nplaces = lay_out(req->places, &req->waiter, cases, ncases);
  for (i = 0; i < req->nplaces; i++) uvchan_retain(req->places[i].channel);
  do {
    r = try_cases(cases, ncases, &block);
  } while (r == UV_EAGAIN && !uvchan__enqueue_at_all(&req->waiter, req->places, req->nplaces));
  uvchan__block_free_all(block);
  if (r >= 0) uvchan__req_decide(UVCHAN__REQ(req), cases[r].status, (size_t)r);
  if (r < 0 && r != UV_EAGAIN) uvchan__req_decide(UVCHAN__REQ(req), r, NOT_CHOSEN);
  return 0;
}
