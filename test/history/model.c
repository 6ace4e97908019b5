/* SPDX-License-Identifier: MIT */
/* The sequential channel: hand off, else buffer, else wait, with everything in one place and
 * nothing at the same time.
 *
 * The outcome of each step is known from the history; the model says whether it may be so. An
 * operation that is finished by another's step must have been told what that step gives it, else
 * the step is refused: so the first who waits is always the one who is served. */
#include <string.h>

#include "history.h"

typedef struct {
  model_t* model;
  const history_t* history;
  int prefers_store; /* a step of MODEL_STORE */
} world_t;

static model_channel_t* channel_of(world_t w, unsigned char ch) { return &w.model->channels[ch]; }

static const history_op_t* op_of(world_t w, size_t op) { return &w.history->ops[op]; }

static unsigned char moved(world_t w, size_t op) { return w.model->progress[op] & MODEL_MOVED; }

static int has(world_t w, size_t op, unsigned char mark) {
  return (w.model->progress[op] & mark) != 0;
}

static void set(world_t w, size_t op, unsigned char mark) { w.model->progress[op] |= mark; }

/* ---- What an operation was told -------------------------------------------------------------- */

/* The case that was chosen; NULL where there was none. *status: the case's; or why there was
 * none. */
static const history_case_t* chosen(const history_op_t* op, int* status) {
  *status = op->result;
  if (op->form == HISTORY_SELECT && op->result >= 0) {
    *status = op->cases[op->result].status;
    return &op->cases[op->result];
  }
  if (op->result > 0) *status = 0; /* an _n form */
  if (*status == UV_EAGAIN || *status == UV_ETIMEDOUT || *status == UV_ECANCELED ||
      *status == UV_EBUSY)
    return NULL;
  if (op->form == HISTORY_SELECT) return NULL;
  return &op->cases[0];
}

/* How many values it moved in all. */
static unsigned char moves(const history_op_t* op) {
  int status;

  if (op->form == HISTORY_SEVERAL) return op->result > 0 ? (unsigned char)op->result : 0;
  return chosen(op, &status) != NULL && status == 0 ? 1 : 0;
}

/* The value that it moves next by a case, which it chose. */
static unsigned char next_value(world_t w, size_t i, const history_case_t* c) {
  return op_of(w, i)->form == HISTORY_SEVERAL ? op_of(w, i)->values[moved(w, i)] : c->value;
}

/* ---- Queues ---------------------------------------------------------------------------------- */

static void append(unsigned char* list, unsigned char* n, size_t item) {
  unsigned char i;

  for (i = 0; i < *n; i++) {
    if (list[i] == item) return;
  }
  list[(*n)++] = (unsigned char)item;
}

static void erase(unsigned char* list, unsigned char* n, size_t item) {
  unsigned char i;

  for (i = 0; i < *n && list[i] != item; i++) continue;
  if (i == *n) return;
  memmove(list + i, list + i + 1, (size_t)(*n - i - 1));
  list[--*n] = 0;
}

static void unqueue(world_t w, size_t i) {
  unsigned int ch;

  for (ch = 0; ch < HISTORY_CHANNELS; ch++) {
    erase(w.model->channels[ch].senders, &w.model->channels[ch].nsenders, i);
    erase(w.model->channels[ch].receivers, &w.model->channels[ch].nreceivers, i);
  }
  w.model->progress[i] &= (unsigned char)~MODEL_QUEUED;
}

/* ---- The store ------------------------------------------------------------------------------- */

static size_t capacity_of(world_t w, unsigned char ch) {
  size_t capacity = w.history->channels[ch].capacity;

  return capacity == 0 ? channel_of(w, ch)->resting : capacity;
}

static int is_unbuffered(world_t w, unsigned char ch) {
  return w.history->channels[ch].capacity == 0;
}

static int has_room(world_t w, unsigned char ch) {
  return channel_of(w, ch)->len < capacity_of(w, ch);
}

static int grows_old(world_t w, unsigned char ch) { return w.history->channels[ch].max_age > 0; }

static int is_soon_old(world_t w, unsigned char ch) { return w.history->channels[ch].max_age == 1; }

static void push(model_channel_t* ch, unsigned char value) { ch->values[ch->len++] = value; }

static unsigned char pop(model_channel_t* ch) {
  unsigned char value = ch->values[0];

  memmove(ch->values, ch->values + 1, (size_t)(ch->len - 1));
  ch->values[--ch->len] = 0;
  return value;
}

/* ---- Whether an operation could go on -------------------------------------------------------- */

static int waits_for_room(world_t w, unsigned char ch) {
  return w.history->channels[ch].overflow == UVCHAN_WAIT;
}

static int is_unready(world_t w, const history_case_t* c) {
  const model_channel_t* ch;

  if (c->channel == HISTORY_NOWHERE) return 1;
  ch = channel_of(w, c->channel);
  if (ch->status != 0) return 0;
  if (!c->sends) return ch->len == 0 && ch->nsenders == 0;
  if (!waits_for_room(w, c->channel)) return 0;
  return ch->nreceivers == 0 && !has_room(w, c->channel);
}

static int all_unready(world_t w, const history_op_t* op) {
  unsigned char i;

  for (i = 0; i < op->ncases; i++) {
    if (!is_unready(w, &op->cases[i])) return 0;
  }
  return 1;
}

/* ---- Who waits is finished ------------------------------------------------------------------- */

/* An operation has moved one more value, or has got the end of the channel in its place. */
static void advance(world_t w, size_t i) {
  const history_op_t* op = op_of(w, i);

  w.model->progress[i]++;
  if (moved(w, i) == moves(op) &&
      (op->form != HISTORY_SEVERAL || op->result == op->n || has(w, i, MODEL_WITNESSED))) {
    set(w, i, MODEL_DONE);
  }
}

/* Answers 0 where it was told something else. */
static int finish(world_t w, size_t i, unsigned char channel, unsigned char sends,
                  unsigned char value) {
  int status;
  const history_case_t* c = chosen(op_of(w, i), &status);

  if (c == NULL || c->channel != channel || c->sends != sends || status != 0) return 0;
  if (moved(w, i) == moves(op_of(w, i)) || next_value(w, i, c) != value) return 0;
  unqueue(w, i);
  advance(w, i);
  return 1;
}

/* The value that a waiting operation sends on this channel; 0 where it was told something else. */
static unsigned char offered(world_t w, size_t i, unsigned char channel) {
  int status;
  const history_case_t* c = chosen(op_of(w, i), &status);

  if (c == NULL || c->channel != channel || !c->sends || status != 0 ||
      moved(w, i) == moves(op_of(w, i)))
    return 0;
  return next_value(w, i, c);
}

/* A value that is in the store already is older than all others. Requests of a loop may wait behind
 * a started receiver of theirs, and are passed over then. */
static int serve_first(world_t w, unsigned char channel) {
  model_channel_t* ch = channel_of(w, channel);
  unsigned char value = pop(ch);
  size_t i;

  for (i = 0; i < ch->nreceivers; i++) {
    if (finish(w, ch->receivers[i], channel, 0, value)) return 1;
    if (ch->started == 0 || grows_old(w, channel) ||
        op_of(w, ch->receivers[i])->mode != HISTORY_REQUEST)
      return 0;
  }
  return 0;
}

/* A close finishes who waits on the channel, on either side of it. */
static int finish_by_close(world_t w, size_t i, unsigned char channel, unsigned char sends) {
  int expected = sends ? UV_EPIPE : channel_of(w, channel)->status;
  int status;
  const history_case_t* c = chosen(op_of(w, i), &status);

  unqueue(w, i);
  set(w, i, MODEL_DONE);
  /* an _n form tells of the values only */
  if (moved(w, i) > 0) return moved(w, i) == moves(op_of(w, i));
  return c != NULL && c->channel == channel && c->sends == sends && status == expected;
}

/* ---- Sending and receiving ------------------------------------------------------------------- */

static int drops(const history_op_t* op, unsigned char value) {
  return memchr(op->dropped, value, op->ndropped) != NULL;
}

static int overflow(world_t w, const history_op_t* op, unsigned char channel, unsigned char value) {
  model_channel_t* ch = channel_of(w, channel);

  if (w.history->channels[channel].overflow == UVCHAN_DROP_NEWEST) return drops(op, value);
  if (!drops(op, pop(ch))) return 0;
  push(ch, value);
  return 1;
}

/* Of a loop's requests and started receivers, the first who waits is the first served; all other
 * waiters come before started receivers, and so do those where values grow old. */
static int waits_behind_started(world_t w, unsigned char channel) {
  const model_channel_t* ch = channel_of(w, channel);

  return ch->started > 0 && ch->nreceivers > 0 && !grows_old(w, channel) &&
         op_of(w, ch->receivers[0])->mode == HISTORY_REQUEST;
}

/* Of an _n form's values, one that it has put in the store. */
static int may_drop_its_own(world_t w, unsigned char channel) {
  return w.history->channels[channel].overflow == UVCHAN_DROP_OLDEST || is_soon_old(w, channel);
}

static int send_value(world_t w, const history_op_t* op, unsigned char channel,
                      unsigned char value) {
  model_channel_t* ch = channel_of(w, channel);

  if (ch->status != 0) return 0;
  if (w.prefers_store && (!waits_behind_started(w, channel) || !has_room(w, channel))) return 0;
  if (ch->nreceivers > 0 && !w.prefers_store) {
    push(ch, value);
    return serve_first(w, channel);
  }
  if (ch->nsenders > 0) return 0;
  if (has_room(w, channel)) {
    push(ch, value);
    return may_drop_its_own(w, channel) || !drops(op, value);
  }
  return !waits_for_room(w, channel) && overflow(w, op, channel, value);
}

/* The first who waits to send fills the room that there is. */
static int admit(world_t w, unsigned char channel) {
  model_channel_t* ch = channel_of(w, channel);

  while (ch->nsenders > 0 && has_room(w, channel)) {
    size_t sender = ch->senders[0];
    unsigned char value = offered(w, sender, channel);

    if (value == 0 || !finish(w, sender, channel, 1, value)) return 0;
    push(ch, value);
  }
  return 1;
}

/* What was buffered before this step is not received any more. (Of an _n form's values all but the
 * first may have been buffered in the very step of the first.) */
static int cut_before(world_t w, const history_op_t* op, unsigned char channel) {
  model_channel_t* ch = channel_of(w, channel);

  if (!is_soon_old(w, channel) || op->form == HISTORY_SEVERAL) return 1;
  while (ch->len > 0) {
    if (!drops(op, pop(ch))) return 0;
  }
  return admit(w, channel);
}

static int receive_value(world_t w, const history_op_t* op, unsigned char channel,
                         unsigned char value) {
  model_channel_t* ch = channel_of(w, channel);

  if (!cut_before(w, op, channel)) return 0;
  if (ch->len > 0) return pop(ch) == value && admit(w, channel);
  if (ch->nsenders == 0) return 0;
  return offered(w, ch->senders[0], channel) == value &&
         finish(w, ch->senders[0], channel, 1, value);
}

static int gets_the_end(world_t w, const history_case_t* c, int status) {
  const model_channel_t* ch = channel_of(w, c->channel);

  if (c->sends) return ch->status != 0 && status == UV_EPIPE;
  return ch->status != 0 && ch->len == 0 && status == ch->status;
}

/* A started receiver is no longer at rest before room is counted; with the end it stops. */
static int begin_to_take(world_t w, const history_case_t* c, int status) {
  model_channel_t* ch = channel_of(w, c->channel);

  if (ch->started == 0) return 0;
  if (status != 0) ch->started--;
  if (!is_unbuffered(w, c->channel)) return 1;
  return ch->resting-- > 0;
}

static int go_by_case(world_t w, size_t i, const history_case_t* c, int status) {
  unsigned char value = next_value(w, i, c);

  if (op_of(w, i)->kind == HISTORY_TAKE && !begin_to_take(w, c, status)) return 0;
  if (status != 0) {
    set(w, i, MODEL_DONE);
    return moved(w, i) == 0 && gets_the_end(w, c, status);
  }
  if (moved(w, i) == moves(op_of(w, i))) return 0;
  if (!(c->sends ? send_value(w, op_of(w, i), c->channel, value)
                 : receive_value(w, op_of(w, i), c->channel, value)))
    return 0;
  advance(w, i);
  return 1;
}

static int has_started(world_t w, const history_op_t* op) {
  return channel_of(w, op->cases[0].channel)->started > 0;
}

static int go_by_itself(world_t w, size_t i) {
  int status;
  const history_case_t* c = chosen(op_of(w, i), &status);

  if (has(w, i, MODEL_QUEUED)) return 0;
  if (c != NULL) return go_by_case(w, i, c, status);
  set(w, i, MODEL_DONE);
  if (status == UV_EBUSY && !has_started(w, op_of(w, i))) return 0;
  return (status == UV_EAGAIN || status == UV_EBUSY) && all_unready(w, op_of(w, i));
}

/* Of an _n form that receives, only the first value is waited for. */
static int may_wait(world_t w, size_t i) {
  const history_op_t* op = op_of(w, i);

  if (op->mode == HISTORY_TRY || has(w, i, MODEL_QUEUED)) return 0;
  return op->form != HISTORY_SEVERAL || op->cases[0].sends || moved(w, i) == 0;
}

static int queue(world_t w, size_t i) {
  const history_op_t* op = op_of(w, i);
  unsigned char k;

  if (op->kind != HISTORY_MOVE || !may_wait(w, i) || !all_unready(w, op)) return 0;
  for (k = 0; k < op->ncases; k++) {
    const history_case_t* c = &op->cases[k];
    model_channel_t* ch;

    if (c->channel == HISTORY_NOWHERE) continue;
    ch = channel_of(w, c->channel);
    if (c->sends) {
      append(ch->senders, &ch->nsenders, i);
    } else {
      append(ch->receivers, &ch->nreceivers, i);
    }
  }
  w.model->progress[i] = MODEL_QUEUED | moved(w, i);
  return 1;
}

static int withdraw(world_t w, size_t i) {
  if (!has(w, i, MODEL_QUEUED) || op_of(w, i)->result != UV_ETIMEDOUT) return 0;
  unqueue(w, i);
  set(w, i, MODEL_DONE);
  return 1;
}

/* Fewer values than it was to move: a send found no room for more after them; a receive found just
 * what it took, at one moment of taking it, and not while it still waited for the first. */
static int witness(world_t w, size_t i) {
  const history_op_t* op = op_of(w, i);
  const history_case_t* c = &op->cases[0];
  const model_channel_t* ch = channel_of(w, c->channel);

  if (op->form != HISTORY_SEVERAL || op->result <= 0 || op->result == op->n) return 0;
  if (has(w, i, MODEL_WITNESSED | MODEL_QUEUED)) return 0;
  if (c->sends) {
    if (moved(w, i) < op->result) return 0;
    if (ch->status == 0 && (!is_unready(w, c) || (op->mode == HISTORY_WAIT && !has_started(w, op))))
      return 0;
  } else if (ch->len + ch->nsenders != op->result - moved(w, i)) {
    return 0;
  }
  set(w, i, MODEL_WITNESSED);
  if (moved(w, i) == op->result) set(w, i, MODEL_DONE);
  return 1;
}

/* One that it drops, of any of its channels; waiting senders fill the room. */
static int cut(world_t w, size_t i) {
  const history_op_t* op = op_of(w, i);
  unsigned char channel;

  for (channel = 0; channel < w.history->nchannels && op->kind == HISTORY_MOVE; channel++) {
    model_channel_t* ch = channel_of(w, channel);

    if (!is_soon_old(w, channel) || ch->len == 0 || !drops(op, ch->values[0])) continue;
    pop(ch);
    return admit(w, channel);
  }
  return 0;
}

static int cut_in_turn(world_t w, const history_op_t* op) {
  unsigned char channel = op->cases[0].channel;
  model_channel_t* ch = channel_of(w, channel);

  if (!is_soon_old(w, channel) || ch->started == 0 || ch->len == 0) return 0;
  return drops(op, pop(ch)) && admit(w, channel);
}

/* A started receiver, which was told of what is in the store, may have been stopped since. */
static int serve(world_t w, size_t i) {
  unsigned char channel;

  for (channel = 0; channel < w.history->nchannels; channel++) {
    model_channel_t* ch = channel_of(w, channel);

    if (ch->started == 0 || ch->len == 0 || ch->nreceivers == 0 || ch->receivers[0] != i) continue;
    return serve_first(w, channel) && admit(w, channel);
  }
  return 0;
}

/* ---- Started receivers ----------------------------------------------------------------------- */

static int start(world_t w, const history_op_t* op) {
  unsigned char channel = op->cases[0].channel;
  model_channel_t* ch = channel_of(w, channel);

  if ((op->argument & HISTORY_HAD_EFFECT) == 0) return op->result == UV_EALREADY;
  ch->started++;
  if (is_unbuffered(w, channel) && (op->argument & HISTORY_IN_CALLBACK) == 0) ch->resting++;
  return op->result == 0 && admit(w, channel);
}

/* What it was told of is for those who wait, if there is no other started receiver. */
static int stop(world_t w, const history_op_t* op) {
  unsigned char channel = op->cases[0].channel;
  model_channel_t* ch = channel_of(w, channel);

  if (op->result != 0 || (op->argument & HISTORY_HAD_EFFECT) == 0) return op->result == 0;
  ch->started--;
  if (is_unbuffered(w, channel) && (op->argument & HISTORY_IN_CALLBACK) == 0) ch->resting--;
  while (ch->started == 0 && ch->len > 0 && ch->nreceivers > 0) {
    if (!serve_first(w, channel)) return 0;
  }
  return admit(w, channel);
}

static int rest(world_t w, const history_op_t* op) {
  channel_of(w, op->cases[0].channel)->resting++;
  return admit(w, op->cases[0].channel);
}

/* ---- All other operations -------------------------------------------------------------------- */

static int shut(world_t w, unsigned char channel, int status) {
  model_channel_t* ch = channel_of(w, channel);

  ch->status = status;
  while (ch->nsenders > 0 || ch->nreceivers > 0) {
    unsigned char sends = ch->nsenders > 0;
    size_t waiter = sends ? ch->senders[0] : ch->receivers[0];
    int reason;
    const history_case_t* c = chosen(op_of(w, waiter), &reason);

    /* a select, at its other case */
    if (c != NULL && c->channel == channel && c->sends != sends && ch->nreceivers > 0) {
      erase(ch->senders, &ch->nsenders, waiter);
      continue;
    }
    if (!sends && ch->len > 0) {
      if (!serve_first(w, channel)) return 0;
    } else if (!finish_by_close(w, waiter, channel, sends)) {
      return 0;
    }
  }
  return 1;
}

static int close_channel(world_t w, const history_op_t* op) {
  unsigned char channel = op->cases[0].channel;

  if (channel_of(w, channel)->status != 0) return op->result == UV_EALREADY;
  return op->result == 0 && shut(w, channel, op->argument);
}

static int drop_all(model_channel_t* ch, const history_op_t* op) {
  int same = op->ndropped == ch->len && memcmp(op->dropped, ch->values, ch->len) == 0;

  memset(ch->values, 0, ch->len);
  ch->len = 0;
  return same;
}

static int add_senders(model_channel_t* ch, const history_op_t* op) {
  if (ch->status != 0) return op->result == UV_EPIPE;
  ch->counted = (unsigned char)(ch->counted + op->n);
  return op->result == 0;
}

static int sender_done(world_t w, const history_op_t* op) {
  unsigned char channel = op->cases[0].channel;
  model_channel_t* ch = channel_of(w, channel);

  if (ch->status != 0) return op->result == 0;
  if (ch->counted == 0) return op->result == UV_EINVAL;
  if (op->result != 0) return 0;
  return --ch->counted > 0 || shut(w, channel, UV_EOF);
}

static int cancel(world_t w, const history_op_t* op) {
  if (op->result == UV_EBUSY) return has(w, op->target, MODEL_DONE);
  if (op->result != 0 || !has(w, op->target, MODEL_QUEUED) ||
      op_of(w, op->target)->result != UV_ECANCELED)
    return 0;
  unqueue(w, op->target);
  set(w, op->target, MODEL_DONE);
  return 1;
}

static int go_otherwise(world_t w, const history_op_t* op) {
  model_channel_t* ch = channel_of(w, op->cases[0].channel);

  switch (op->kind) {
    case HISTORY_CLOSE:
      return close_channel(w, op);
    case HISTORY_ABORT:
      return close_channel(w, op) && drop_all(ch, op);
    case HISTORY_ADD:
      return add_senders(ch, op);
    case HISTORY_DONE:
      return sender_done(w, op);
    case HISTORY_LEN:
      return op->result == ch->len;
    case HISTORY_IS_CLOSED:
      return op->result == (ch->status != 0);
    case HISTORY_CANCEL:
      return cancel(w, op);
    case HISTORY_START:
      return start(w, op);
    case HISTORY_STOP:
      return stop(w, op);
    case HISTORY_REST:
      return rest(w, op);
    case HISTORY_CUT:
      return cut_in_turn(w, op);
    case HISTORY_RELEASE:
      return drop_all(ch, op);
    default:
      return 0;
  }
}

int model_step(model_t* model, const history_t* history, size_t op, model_step_t step) {
  world_t w = {model, history, step == MODEL_STORE};

  switch (step) {
    case MODEL_SERVE:
      return serve(w, op);
    case MODEL_QUEUE:
      return queue(w, op);
    case MODEL_WITNESS:
      return witness(w, op);
    case MODEL_WITHDRAW:
      return withdraw(w, op);
    case MODEL_CUT:
      return cut(w, op);
    default:
      break;
  }
  if (history->ops[op].kind == HISTORY_MOVE || history->ops[op].kind == HISTORY_TAKE)
    return go_by_itself(w, op);
  if (step == MODEL_STORE) return 0;
  set(w, op, MODEL_DONE);
  return go_otherwise(w, &history->ops[op]);
}
