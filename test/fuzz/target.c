/* SPDX-License-Identifier: MIT */
/* One run: two loops in one thread, and calls of the library that the input's bytes name, until
 * they are used up; at the end everything is closed, and nothing may be left. What is checked
 * stands in ledger.h, parties.h and here:
 *
 * - At rest, when turns of the loops bring nothing any more: no value lies in a channel that has a
 * started receiver, no request waits for
 *   what could be done, each started receiver of a closed channel has had its end, and a loop is
 *   alive where something keeps it so.
 * - At the end: the loops have no handle left, and the library no memory.
 *
 * As a target of libFuzzer (sh test/fuzz.sh), or with the main() of replay.c, which runs files. */
#include <stdlib.h>
#include <string.h>

#include "calls.h"

#define QUIET_TURNS 3 /* of each loop, without a callback */
#define MOST_TURNS 5000
#if defined(_WIN32) || defined(UVCHAN_PORTABLE)
#define MOST_STRANGERS \
  1 /* in one run: a second one may come at the one moment at which a hub's memory stays behind */
#else
#define MOST_STRANGERS 4
#endif

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

static int are_open; /* the loops, from one run to the next */
static unsigned int strangers;

/* ---- Turns ----------------------------------------------------------------------------------- */

/* A loop that is not alive does not turn. */
static void turn(unsigned int loop) {
  int turns = uv_loop_alive(&fuzz_world.loops[loop]);
  fuzz_world.running = (int)loop;
  if (turns) fuzz_begin_turn(loop);
  uv_run(&fuzz_world.loops[loop], UV_RUN_NOWAIT);
  fuzz_world.running = -1;
  if (turns) fuzz_end_turn(loop);
  fuzz_sweep();
}

static void turn_until_quiet(void) {
  unsigned int quiet = 0;
  unsigned int turns;
  for (turns = 0; quiet < QUIET_TURNS; turns++) {
    unsigned int before = fuzz_world.callbacks;
    must(turns < MOST_TURNS);
    turn(0);
    turn(1);
    quiet = fuzz_world.callbacks == before ? quiet + 1 : 0;
  }
}

static void turn_until_dead(unsigned int loop) {
  unsigned int turns;
  for (turns = 0; uv_loop_alive(&fuzz_world.loops[loop]); turns++) {
    must(turns < MOST_TURNS);
    turn(loop);
  }
}

static void open_loop(unsigned int loop) { must(uv_loop_init(&fuzz_world.loops[loop]) == 0); }

static void count_handle(uv_handle_t* handle, void* arg) {
  (void)handle;
  ++*(unsigned int*)arg;
}

static unsigned int count_handles(unsigned int loop) {
  unsigned int n = 0;
  uv_walk(&fuzz_world.loops[loop], count_handle, &n);
  return n;
}

/* ---- At rest --------------------------------------------------------------------------------- */

/* Whether a receiver on the channel may be told of a value and not come to take it: it is
 * unreferenced on a loop that does not turn, since nothing keeps that alive; or a ticker of the
 * other loop has sent in the very last turn. */
static int has_deaf(const fuzz_channel_t* c) {
  size_t i;
  if (c->had_ticker) return 1;
  for (i = 0; i < FUZZ_RECEIVERS; i++) {
    const fuzz_receiver_t* receiver = fuzz_world.receivers[i];
    if (receiver == NULL || receiver->c != c || !receiver->is_active) continue;
    if (receiver->is_deaf && !FUZZ_DEAF_ARE_PASSED_OVER) return 1;
    if (!receiver->is_deaf && !uv_loop_alive(&fuzz_world.loops[receiver->loop])) return 1;
  }
  return 0;
}

/* An unreferenced one has had its turns only where something else keeps the loop alive. */
static void check_receiver(const fuzz_receiver_t* receiver) {
  if (!receiver->is_active || receiver->is_deaf || has_deaf(receiver->c)) return;
  if (!uv_loop_alive(&fuzz_world.loops[receiver->loop])) {
    must(receiver->is_unreferenced);
    return;
  }
  must(uvchan_len(receiver->handle.channel) == 0);
  must(!receiver->c->is_closed);
}

static void check_request(const fuzz_request_t* request) {
  unsigned int i;
  if (request->is_deaf) return;
  must(!request->is_cancelled && !request->is_too_late);
  must(request->kind != FUZZ_NOTIFY || !request->is_decided);
  for (i = 0; i < request->ncases; i++) {
    const fuzz_case_t* one = &request->cases[i];
    fuzz_ready_t ready;
    must(!one->is_filled);
    if (one->c == NULL || has_deaf(one->c)) continue;
    ready = fuzz_ready(one->c);
    must(!ready.is_closed);
    if (one->op == UVCHAN_RECV) must(uvchan_len(one->c->ch) == 0);
    if (one->op == UVCHAN_SEND)
      must(one->c->capacity == 0 || uvchan_len(one->c->ch) == one->c->capacity);
  }
}

/* Tickers aside, whose timers count too. */
static void check_alive(unsigned int loop) {
  int expected = 0;
  size_t i;
  for (i = 0; i < FUZZ_TICKERS; i++) {
    if (fuzz_world.tickers[i] != NULL && fuzz_world.tickers[i]->loop == loop) return;
  }
  for (i = 0; i < FUZZ_RECEIVERS; i++) {
    const fuzz_receiver_t* receiver = fuzz_world.receivers[i];
    if (receiver == NULL || receiver->loop != loop || receiver->is_deaf) continue;
    expected |= receiver->is_active && !receiver->is_unreferenced;
  }
  for (i = 0; i < FUZZ_REQUESTS; i++) {
    const fuzz_request_t* request = fuzz_world.requests[i];
    expected |= request != NULL && request->loop == loop && !request->is_deaf;
  }
  must((uv_loop_alive(&fuzz_world.loops[loop]) != 0) == expected);
}

static void check_at_rest(void) {
  size_t i;
  turn_until_quiet();
  for (i = 0; i < FUZZ_RECEIVERS; i++) {
    if (fuzz_world.receivers[i] != NULL) check_receiver(fuzz_world.receivers[i]);
  }
  for (i = 0; i < FUZZ_REQUESTS; i++) {
    if (fuzz_world.requests[i] != NULL) check_request(fuzz_world.requests[i]);
  }
  for (i = 0; i < FUZZ_CHANNELS; i++) {
    if (fuzz_channel_lives(&fuzz_channels[i])) fuzz_channel_check(&fuzz_channels[i]);
  }
  check_alive(0);
  check_alive(1);
}

/* ---- Strangers, and the loops' ends ---------------------------------------------------------- */

static void close_handle(uv_handle_t* handle, void* arg) {
  (void)arg;
  if (!uv_is_closing(handle)) uv_close(handle, NULL);
}

static void stranger(unsigned int loop) {
  if (strangers == 0) return;
  strangers--;
  uv_walk(&fuzz_world.loops[loop], close_handle, NULL);
  fuzz_deafen(loop);
}

/* The loop is closed, and made again at the same place. */
static void renew(unsigned int loop) {
  fuzz_world.is_ending = 1;
  fuzz_close_all(loop);
  turn_until_dead(loop);
  fuzz_world.is_ending = 0;
  must(count_handles(loop) == 0);
  must(uv_loop_close(&fuzz_world.loops[loop]) == 0);
  memset(&fuzz_world.loops[loop], 0x5a, sizeof(fuzz_world.loops[loop]));
  open_loop(loop);
}

/* A stranger closes the handles and the loop, which never turns again; then the library's users are
 * finished, within their calls. */
static void abandon(unsigned int loop) {
  if (!FUZZ_LOOPS_ARE_ABANDONED || strangers == 0) return;
  fuzz_world.is_ending = 1;
  stranger(loop);
  turn_until_dead(loop);
  must(uv_loop_close(&fuzz_world.loops[loop]) == 0);
  memset(&fuzz_world.loops[loop], 0x5a, sizeof(fuzz_world.loops[loop]));
  fuzz_close_all(loop);
  fuzz_world.is_ending = 0;
  must(!fuzz_has_parties(loop));
  open_loop(loop);
}

/* ---- A run ----------------------------------------------------------------------------------- */

static void begin(const uint8_t* data, size_t size) {
  unsigned int n;
  fuzz_input(data, size);
  fuzz_clock_start();
  fuzz_fail_never();
  if (!are_open) {
    fuzz_allocator_install();
    open_loop(0);
    open_loop(1);
    are_open = 1;
  }
  strangers = MOST_STRANGERS;
  fuzz_ledger_begin();
  fuzz_parties_begin();
  fuzz_calls_begin();
  for (n = 1 + fuzz_below(4); n > 0; n--) fuzz_channel_make();
}

/* What is done between calls. */
static void step(unsigned int what) {
  switch (what & 31) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
      turn(what & 1);
      break;
    case 6:
      check_at_rest();
      break;
    case 7:
      if (what == 7 || what == 39) stranger(what >> 5 & 1);
      if (what == 71 || what == 103) renew(what >> 5 & 1);
      if (what == 135 || what == 167) abandon(what >> 5 & 1);
      break;
    default:
      fuzz_call();
      break;
  }
}

static void end(void) {
  size_t i;
  check_at_rest();
  fuzz_world.is_ending = 1;
  fuzz_fail_never();
  fuzz_close_all(0);
  fuzz_close_all(1);
  turn_until_dead(0);
  turn_until_dead(1);
  for (i = 0; i < FUZZ_RECEIVERS; i++) must(fuzz_world.receivers[i] == NULL);
  for (i = 0; i < FUZZ_REQUESTS; i++) must(fuzz_world.requests[i] == NULL);
  for (i = 0; i < FUZZ_CHANNELS; i++) {
    if (fuzz_channels[i].refs > 0) fuzz_channel_check(&fuzz_channels[i]);
    while (fuzz_channels[i].refs > 0) fuzz_channel_release(&fuzz_channels[i]);
  }
  fuzz_ledger_end();
  while (fuzz_world.ngarbage > 0) free(fuzz_world.garbage[--fuzz_world.ngarbage]);
  must(count_handles(0) == 0 && count_handles(1) == 0);
  must(fuzz_allocations() == 0);
  fuzz_clock_stop();
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  begin(data, size);
  while (fuzz_has_input()) step(fuzz_byte());
  end();
  return 0;
}
