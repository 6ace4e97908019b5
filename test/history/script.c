/* SPDX-License-Identifier: MIT */
/* Draws what a history's threads do, from a seed: kinds of channels, and two to four operations
 * for each thread. Each history has a taste, so that all of them together are about everything,
 * and each of them about little. */
#include <string.h>

#include "history.h"
#include "support.h"

typedef struct {
  history_t* history;
  uint32_t random;
  unsigned char nvalues; /* sent so far */
  unsigned int first;    /* operation of this thread */
  unsigned char thread;
  int on_loop;  /* it makes requests too */
  int receives; /* and has receivers, of these channels: */
  unsigned char channels[HISTORY_RECEIVERS];
} script_t;

static uint32_t draw(script_t* script, uint32_t n) { return support_random(&script->random) % n; }

static int chance(script_t* script, uint32_t percent) { return draw(script, 100) < percent; }

static unsigned char new_value(script_t* script) { return ++script->nvalues; }

/* ---- Channels -------------------------------------------------------------------------------- */

static void draw_channel(script_t* script, history_channel_t* ch) {
  static const size_t capacities[] = {0, 0, 0, 1, 1, 1, 2, 2, 3, UVCHAN_UNBOUNDED};

  ch->capacity = capacities[draw(script, 10)];
  ch->overflow = UVCHAN_WAIT;
  if (ch->capacity == 0 || ch->capacity == UVCHAN_UNBOUNDED || chance(script, 50)) return;
  ch->overflow = chance(script, 50) ? UVCHAN_DROP_OLDEST : UVCHAN_DROP_NEWEST;
}

static void draw_age(script_t* script, history_channel_t* ch) {
  static const uint64_t ages[] = {0, 0, 0, 0, 1, UINT64_MAX};

  ch->max_age = ages[draw(script, 6)];
}

static void draw_channels(script_t* script) {
  static const size_t elem_sizes[] = {8, 8, 8, 8, 4, 24, 1100};
  unsigned int i;

  script->history->elem_size = elem_sizes[draw(script, 7)];
  script->history->nchannels = 1 + draw(script, HISTORY_CHANNELS);
  for (i = 0; i < script->history->nchannels; i++)
    draw_channel(script, &script->history->channels[i]);
  for (i = 0; i < script->history->nchannels; i++) draw_age(script, &script->history->channels[i]);
}

static unsigned char any_channel(script_t* script) {
  return (unsigned char)draw(script, script->history->nchannels);
}

/* ---- Operations ------------------------------------------------------------------------------ */

static void draw_case(script_t* script, history_case_t* c) {
  c->channel = any_channel(script);
  c->sends = (unsigned char)draw(script, 2);
  if (c->sends) c->value = new_value(script);
}

static void draw_mode(script_t* script, history_op_t* op) {
  op->mode = (history_mode_t)draw(script, script->on_loop ? 5 : 3);
  if (op->mode > HISTORY_REQUEST) op->mode = HISTORY_REQUEST;
  if (op->mode == HISTORY_TIMED) op->timeout = draw(script, 3) * 10000;
}

static void draw_one(script_t* script, history_op_t* op) {
  op->kind = HISTORY_MOVE;
  op->form = HISTORY_ONE;
  draw_mode(script, op);
  draw_case(script, &op->cases[0]);
}

static void draw_several(script_t* script, history_op_t* op) {
  unsigned char i;

  op->kind = HISTORY_MOVE;
  op->form = HISTORY_SEVERAL;
  op->mode = chance(script, 50) ? HISTORY_TRY : HISTORY_WAIT;
  op->n = (unsigned char)(1 + draw(script, 3));
  op->cases[0].channel = any_channel(script);
  op->cases[0].sends = (unsigned char)draw(script, 2);
  if (!op->cases[0].sends) return;
  for (i = 0; i < op->n; i++) op->values[i] = new_value(script);
}

static void draw_select(script_t* script, history_op_t* op) {
  unsigned char i;

  op->kind = HISTORY_MOVE;
  op->form = HISTORY_SELECT;
  draw_mode(script, op);
  op->ncases = (unsigned char)(1 + draw(script, HISTORY_CASES));
  for (i = 0; i < op->ncases; i++) draw_case(script, &op->cases[i]);
  if (op->ncases > 1 && chance(script, 10)) op->cases[0].channel = HISTORY_NOWHERE;
}

static int draw_end(script_t* script) {
  static const int ends[] = {UV_EOF, UV_ECONNABORTED, UV_EIO};

  return ends[draw(script, 3)];
}

static void draw_question(script_t* script, history_op_t* op) {
  op->kind = chance(script, 75) ? HISTORY_LEN : HISTORY_IS_CLOSED;
  op->cases[0].channel = any_channel(script);
}

static void draw_ending(script_t* script, history_op_t* op) {
  static const history_kind_t kinds[] = {HISTORY_CLOSE, HISTORY_CLOSE, HISTORY_ABORT, HISTORY_ABORT,
                                         HISTORY_DONE,  HISTORY_DONE,  HISTORY_ADD};

  op->kind = kinds[draw(script, 7)];
  op->cases[0].channel = any_channel(script);
  op->argument = draw_end(script);
  op->n = 1;
}

/* Cancels a request of this thread, where there is one. */
static void draw_cancel(script_t* script, history_op_t* op) {
  unsigned int i;

  for (i = script->history->nops; i > script->first; i--) {
    if (script->history->ops[i - 1].mode != HISTORY_REQUEST) continue;
    op->kind = HISTORY_CANCEL;
    op->target = (unsigned char)(i - 1);
    return;
  }
  draw_one(script, op);
}

static void draw_which(script_t* script, history_op_t* op) {
  op->target = (unsigned char)(chance(script, 70) ? 0 : 1);
  op->cases[0].channel = script->channels[op->target];
}

/* Starts a receiver, first of all, or stops it. */
static void draw_receiver(script_t* script, history_op_t* op) {
  op->kind =
      script->history->nops == script->first || chance(script, 40) ? HISTORY_START : HISTORY_STOP;
  draw_which(script, op);
  op->form = chance(script, 50) ? HISTORY_SEVERAL : HISTORY_ONE;
  op->n = (unsigned char)(1 + draw(script, HISTORY_MANY));
  op->timeout = draw(script, 3) == 0 ? 20 : 0;
}

/* How often, in 100, each is drawn; the rest are single sends and receives. */
typedef struct {
  unsigned char selects;
  unsigned char several;
  unsigned char questions;
  unsigned char endings;
} taste_t;

static void draw_op(script_t* script, history_op_t* op, const taste_t* taste) {
  uint32_t drawn = draw(script, 100);

  if (script->receives && chance(script, script->history->nops == script->first ? 100 : 30)) {
    draw_receiver(script, op);
  } else if (script->on_loop && chance(script, 20)) {
    draw_cancel(script, op);
  } else if (drawn < taste->selects) {
    draw_select(script, op);
  } else if ((drawn -= taste->selects) < taste->several) {
    draw_several(script, op);
  } else if ((drawn -= taste->several) < taste->questions) {
    draw_question(script, op);
  } else if (drawn - taste->questions < taste->endings) {
    draw_ending(script, op);
  } else {
    draw_one(script, op);
  }
}

static history_op_t blank(script_t* script) {
  history_op_t op;

  memset(&op, 0, sizeof(op));
  op.thread = script->thread;
  op.ncases = 1;
  op.n = 1;
  op.inside = (unsigned char)(script->on_loop && chance(script, 40));
  switch (draw(script, 8)) {
    case 0:
      op.pause = HISTORY_YIELDS;
      break;
    case 1:
    case 2:
      op.pause = (unsigned char)draw(script, 100);
      break;
    case 3:
      op.pause = script->on_loop ? HISTORY_TURNS : 0;
      break;
    default:
      break;
  }
  return op;
}

/* ---- Threads --------------------------------------------------------------------------------- */

/* Those that are not stopped here get the end. */
static void draw_last_stop(script_t* script) {
  history_op_t op = blank(script);

  op.kind = HISTORY_STOP;
  op.inside = 0;
  draw_which(script, &op);
  script->history->ops[script->history->nops++] = op;
}

static void draw_worker(script_t* script, unsigned char thread, const taste_t* taste) {
  history_t* history = script->history;
  uint32_t n = 2 + draw(script, history->nthreads > 3 ? 2 : 3);
  size_t i;

  script->thread = thread;
  script->first = history->nops;
  script->on_loop = chance(script, 30);
  script->receives = script->on_loop && chance(script, 50);
  for (i = 0; i < HISTORY_RECEIVERS; i++) script->channels[i] = any_channel(script);
  while (n-- > 0) {
    history_op_t op = blank(script);

    draw_op(script, &op, taste);
    history->ops[history->nops++] = op;
  }
  if (script->receives && chance(script, 50)) draw_last_stop(script);
}

/* What helps one of those that wait, or all. */
static void draw_rescue(script_t* script, history_op_t* op) {
  if (chance(script, 30)) {
    draw_ending(script, op);
    return;
  }
  draw_one(script, op);
  op->mode = HISTORY_TRY;
  op->timeout = 0;
}

static void draw_rescues(script_t* script) {
  history_t* history = script->history;
  uint32_t n = draw(script, HISTORY_RESCUES - HISTORY_CHANNELS + 1);
  unsigned char i;

  script->thread = HISTORY_THREADS - 1;
  script->on_loop = script->receives = 0;
  while (n-- > 0) {
    history_op_t op = blank(script);

    draw_rescue(script, &op);
    history->rescues[history->nrescues++] = op;
  }
  for (i = 0; i < history->nchannels; i++) {
    history_op_t op = blank(script);

    op.kind = chance(script, 80) ? HISTORY_CLOSE : HISTORY_ABORT;
    op.cases[0].channel = i;
    op.argument = draw_end(script);
    history->rescues[history->nrescues++] = op;
  }
}

unsigned int history_nthreads(uint32_t seed) {
  return 2 + seed / HISTORY_RUN % (HISTORY_WORKERS - 1);
}

void history_script(history_t* history, uint32_t seed) {
  static const taste_t tastes[] = {{0, 0, 0, 0},    {10, 15, 15, 10}, {50, 0, 10, 5},
                                   {15, 15, 5, 30}, {0, 60, 10, 5},   {0, 10, 30, 5}};
  script_t script;
  const taste_t* taste;
  unsigned char thread;

  memset(history, 0, sizeof(*history));
  memset(&script, 0, sizeof(script));
  script.history = history;
  script.random = seed * 2654435761u + 1;
  if (script.random == 0) script.random = 1;
  draw(&script, 2);
  history->seed = seed;
  history->nthreads = history_nthreads(seed);
  draw_channels(&script);
  taste = &tastes[draw(&script, 6)];
  for (thread = 0; thread < history->nthreads; thread++) draw_worker(&script, thread, taste);
  draw_rescues(&script);
}
