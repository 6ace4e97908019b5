/* SPDX-License-Identifier: MIT */
/* Is there an order of steps of the sequential channel that explains the history? The search of
 * Wing and Gong: an operation may take its next step if no other one ended before it began and is
 * not done yet. With Lowe's memory: what has been done of each operation, with the channels'
 * state, is not tried twice. */
#include <string.h>

#include "history.h"

#define MEMORY_BITS 18
#define MEMORY ((size_t)1 << MEMORY_BITS)
#define MOST_STATES (MEMORY / 2)

/* One history at a time, on one thread. The memory keeps 64 bits of a state: that two states of
 * one history have the same is not to be expected in 10^10 histories. An entry counts only with
 * this search's number. */
typedef struct {
  uint64_t hash;
  uint64_t search;
} seen_t;

static seen_t memory[MEMORY];
static uint64_t searches;
static size_t nstates;

typedef struct {
  const history_t* history;
  history_order_t* longest;
  history_order_t path;
} search_t;

/* ---- The memory ------------------------------------------------------------------------------ */

static uint64_t mix(uint64_t x) {
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93u;
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93u;
  return x ^ x >> 32;
}

static uint64_t hash_bytes(uint64_t hash, const void* bytes, size_t n) {
  const unsigned char* from = bytes;
  uint64_t word;

  for (; n >= sizeof(word); n -= sizeof(word), from += sizeof(word)) {
    memcpy(&word, from, sizeof(word));
    hash = mix(hash + word);
  }
  word = 0;
  memcpy(&word, from, n);
  return mix(hash + word + n);
}

static uint64_t hash_channel(uint64_t hash, const model_channel_t* ch) {
  uint64_t head = (uint64_t)(uint32_t)ch->status << 32 | (uint64_t)ch->counted << 24 |
                  (uint64_t)ch->started << 16 | (uint64_t)ch->resting << 8;

  hash = mix(hash + head + ch->len);
  hash = hash_bytes(hash, ch->values, ch->len);
  hash = hash_bytes(hash, ch->senders, ch->nsenders);
  return hash_bytes(hash, ch->receivers, ch->nreceivers);
}

static uint64_t hash_of(const model_t* model, const history_t* history) {
  uint64_t hash = 1;
  unsigned int i;

  for (i = 0; i < history->nchannels; i++) hash = hash_channel(hash, &model->channels[i]);
  return hash_bytes(hash, model->progress, history->nops);
}

/* Answers 0 where it was there already. */
static int remember(const model_t* model, const history_t* history) {
  uint64_t hash = hash_of(model, history);
  size_t at = (size_t)(hash >> (64 - MEMORY_BITS));

  while (memory[at].search == searches) {
    if (memory[at].hash == hash) return 0;
    at = (at + 1) % MEMORY;
  }
  memory[at].hash = hash;
  memory[at].search = searches;
  nstates++;
  return 1;
}

/* ---- The search ------------------------------------------------------------------------------ */

/* When something of the operation has to have happened by: a request is queued, or decided, when
 * the call that starts it returns. */
static unsigned int deadline(const history_t* history, const model_t* model, size_t i) {
  return model->progress[i] == 0 ? history->ops[i].settled : history->ops[i].end;
}

static unsigned int first_deadline(const history_t* history, const model_t* model) {
  unsigned int first = ~0u;
  size_t i;

  for (i = 0; i < history->nops; i++) {
    if ((model->progress[i] & MODEL_DONE) == 0 && deadline(history, model, i) < first)
      first = deadline(history, model, i);
  }
  return first;
}

static void push_move(search_t* search, size_t op, model_step_t step) {
  history_order_t* path = &search->path;

  path->moves[path->n].op = (unsigned char)op;
  path->moves[path->n].step = (unsigned char)step;
  path->n++;
  if (search->longest != NULL && path->n > search->longest->n) *search->longest = *path;
}

static int explains(search_t* search, const model_t* model);

static int explains_after(search_t* search, const model_t* model, size_t op, model_step_t step) {
  model_t next = *model;
  int found;

  if (!model_step(&next, search->history, op, step)) return 0;
  push_move(search, op, step);
  found = explains(search, &next);
  search->path.n--;
  return found;
}

static int explains(search_t* search, const model_t* model) {
  unsigned int before = first_deadline(search->history, model);
  size_t i;
  int step;

  if (before == ~0u) return 1;
  if (nstates >= MOST_STATES || !remember(model, search->history)) return 0;
  for (i = 0; i < search->history->nops; i++) {
    if ((model->progress[i] & MODEL_DONE) != 0 || search->history->ops[i].begin > before) continue;
    for (step = 0; step < MODEL_NSTEPS; step++) {
      if (explains_after(search, model, i, (model_step_t)step)) return 1;
    }
  }
  return 0;
}

/* ---- The ledger ------------------------------------------------------------------------------ */

static int count_once(unsigned char* had, unsigned char value) {
  return value < HISTORY_VALUES && had[value]++ == 0;
}

static int receives_once(const history_op_t* op, unsigned char* had) {
  int i;

  if (op->kind != HISTORY_MOVE && op->kind != HISTORY_TAKE) return 1;
  for (i = 0; i < op->ncases; i++) {
    if (!op->cases[i].sends && op->cases[i].value != 0 && !count_once(had, op->cases[i].value))
      return 0;
  }
  if (op->form != HISTORY_SEVERAL || op->cases[0].sends) return 1;
  for (i = 0; i < op->result; i++) {
    if (!count_once(had, op->values[i])) return 0;
  }
  return 1;
}

/* No value is received or dropped twice: the search alone would take it for two that are alike. */
static int all_at_most_once(const history_t* history) {
  unsigned char had[HISTORY_VALUES] = {0};
  unsigned int i, k;

  for (i = 0; i < history->nops; i++) {
    const history_op_t* op = &history->ops[i];

    if (!receives_once(op, had)) return 0;
    for (k = 0; k < op->ndropped; k++) {
      if (!count_once(had, op->dropped[k])) return 0;
    }
  }
  return 1;
}

history_verdict_t history_check(const history_t* history, history_order_t* order) {
  search_t search;
  model_t model;

  memset(&model, 0, sizeof(model));
  search.history = history;
  search.longest = order;
  search.path.n = 0;
  if (order != NULL) order->n = 0;
  if (!all_at_most_once(history)) return HISTORY_ILLEGAL;
  searches++;
  nstates = 0;
  if (explains(&search, &model)) return HISTORY_LEGAL;
  return nstates < MOST_STATES ? HISTORY_ILLEGAL : HISTORY_TOO_HARD;
}
