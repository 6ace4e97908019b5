/* SPDX-License-Identifier: MIT */
/* One operation of a history: what is called, and what came of it. A request's operation ends in
 * its callback, on the same thread. */
#include <string.h>

#include "run.h"

#define GARBLED (HISTORY_VALUES - 1) /* no value that was sent: its bytes are another's */

const history_calls_t history_calls = {uvchan_try_send,   uvchan_try_recv, uvchan_send_wait,
                                       uvchan_try_select, uvchan_abort,    uvchan_len};

/* ---- Values ---------------------------------------------------------------------------------- */

static _Thread_local history_op_t* current; /* for what it drops; NULL in a loop's turn */
static _Thread_local worker_t* self;

void begin_to_perform(worker_t* worker) { self = worker; }

static void* place(room_t* room, size_t elem_size, size_t i) {
  return (unsigned char*)room->values + i * elem_size;
}

unsigned char number_in(const void* value, size_t elem_size) {
  uint32_t number;

  memcpy(&number, value, sizeof(number));
  return number < GARBLED && support_matches(value, elem_size, number) ? (unsigned char)number
                                                                       : GARBLED;
}

/* In a turn it was at some moment since the thread was last seen. */
static history_op_t* cut_in_turn(unsigned char channel) {
  history_op_t* op = new_op(self, HISTORY_CUT, channel);

  op->begin = self->since;
  op->settled = op->end = stamp(self);
  return op;
}

void on_drop(void* value, uvchan_drop_reason_t reason, void* arg) {
  const dropping_t* of = arg;
  history_op_t* op = current != NULL ? current : cut_in_turn(of->channel);

  (void)reason;
  if (op->ndropped < HISTORY_VALUES)
    op->dropped[op->ndropped++] = number_in(value, of->pool->history->elem_size);
}

static void fill(room_t* room, const history_t* history) {
  history_op_t* op = room->op;
  unsigned char i;

  memset(room->values, 0xee, HISTORY_MANY * history->elem_size);
  if (op->form == HISTORY_SEVERAL) {
    for (i = 0; i < op->n; i++)
      support_fill(place(room, history->elem_size, i), history->elem_size, op->values[i]);
    return;
  }
  for (i = 0; i < op->ncases; i++)
    support_fill(place(room, history->elem_size, i), history->elem_size, op->cases[i].value);
}

/* What was received; a select's status too. */
static void read_back(room_t* room, const history_t* history) {
  history_op_t* op = room->op;
  int i;

  if (op->form == HISTORY_SELECT) {
    if (op->result < 0) return;
    op->cases[op->result].status = room->cases[op->result].status;
    if (op->cases[op->result].sends || op->cases[op->result].status != 0) return;
    op->cases[op->result].value =
        number_in(place(room, history->elem_size, (size_t)op->result), history->elem_size);
    return;
  }
  if (op->cases[0].sends) return;
  for (i = 0; i < op->result && op->form == HISTORY_SEVERAL; i++) {
    op->values[i] = number_in(place(room, history->elem_size, (size_t)i), history->elem_size);
  }
  if (op->form == HISTORY_ONE && op->result == 0)
    op->cases[0].value = number_in(room->values, history->elem_size);
}

/* ---- Moves ----------------------------------------------------------------------------------- */

static uvchan_t* channel_of(const worker_t* worker, const history_op_t* op) {
  return worker->pool->channels[op->cases[0].channel];
}

static int send_one(room_t* room) {
  const history_calls_t* calls = room->worker->pool->calls;
  uvchan_t* ch = channel_of(room->worker, room->op);

  switch (room->op->mode) {
    case HISTORY_TRY:
      return calls->try_send(ch, room->values);
    case HISTORY_WAIT:
      return calls->send_wait(ch, room->values);
    default:
      return uvchan_send_timedwait(ch, room->values, room->op->timeout);
  }
}

static int receive_one(room_t* room) {
  uvchan_t* ch = channel_of(room->worker, room->op);

  switch (room->op->mode) {
    case HISTORY_TRY:
      return room->worker->pool->calls->try_recv(ch, room->values);
    case HISTORY_WAIT:
      return uvchan_recv_wait(ch, room->values);
    default:
      return uvchan_recv_timedwait(ch, room->values, room->op->timeout);
  }
}

static int move_several(room_t* room) {
  const history_op_t* op = room->op;
  uvchan_t* ch = channel_of(room->worker, op);

  if (op->cases[0].sends) {
    return (int)(op->mode == HISTORY_TRY ? uvchan_try_send_n : uvchan_send_wait_n)(ch, room->values,
                                                                                   op->n);
  }
  return (int)(op->mode == HISTORY_TRY ? uvchan_try_recv_n : uvchan_recv_wait_n)(ch, room->values,
                                                                                 op->n);
}

static void lay_out_cases(room_t* room, const history_t* history) {
  const history_op_t* op = room->op;
  unsigned char i;

  memset(room->cases, 0, sizeof(room->cases));
  for (i = 0; i < op->ncases; i++) {
    if (op->cases[i].channel != HISTORY_NOWHERE)
      room->cases[i].ch = room->worker->pool->channels[op->cases[i].channel];
    room->cases[i].op = op->cases[i].sends ? UVCHAN_SEND : UVCHAN_RECV;
    room->cases[i].value = place(room, history->elem_size, i);
  }
}

static int select_one(room_t* room) {
  const history_op_t* op = room->op;

  switch (op->mode) {
    case HISTORY_TRY:
      return room->worker->pool->calls->try_select(room->cases, op->ncases);
    case HISTORY_WAIT:
      return uvchan_select_wait(room->cases, op->ncases);
    default:
      return uvchan_select_timedwait(room->cases, op->ncases, op->timeout);
  }
}

/* ---- Requests -------------------------------------------------------------------------------- */

static void complete(room_t* room, int result) {
  room->op->end = stamp(room->worker);
  room->op->result = result;
  read_back(room, room->worker->pool->history);
  room->worker->pending--;
  perform_inside(room->worker);
  begin_turn(room->worker);
}

static void on_sent(uvchan_send_t* req, int status) { complete(req->data, status); }
static void on_received(uvchan_recv_t* req, int status) { complete(req->data, status); }
static void on_selected(uvchan_select_t* req, int index) { complete(req->data, index); }

static int request(room_t* room) {
  const history_op_t* op = room->op;
  uv_loop_t* loop = &room->worker->loop;

  if (op->form == HISTORY_SELECT)
    return uvchan_select(loop, &room->u.select, room->cases, op->ncases, on_selected);
  if (op->cases[0].sends)
    return uvchan_send(loop, &room->u.send, channel_of(room->worker, op), room->values, on_sent);
  return uvchan_recv(loop, &room->u.recv, channel_of(room->worker, op), room->values, on_received);
}

static void begin_request(room_t* room) {
  memset(&room->u, 0, sizeof(room->u));
  room->u.req.data = room;
  room->worker->pending++;
  room->op->begin = stamp(room->worker);
  must(request(room) == 0);
  room->op->settled = stamp(room->worker);
}

/* ---- One operation --------------------------------------------------------------------------- */

static int move(room_t* room) {
  if (room->op->form == HISTORY_SELECT) return select_one(room);
  if (room->op->form == HISTORY_SEVERAL) return move_several(room);
  return room->op->cases[0].sends ? send_one(room) : receive_one(room);
}

static int end_channel(room_t* room) {
  const history_op_t* op = room->op;
  uvchan_t* ch = channel_of(room->worker, op);

  if (op->kind == HISTORY_ABORT) return room->worker->pool->calls->abort(ch, op->argument);
  return op->argument == UV_EOF ? uvchan_close(ch) : uvchan_close_with(ch, op->argument);
}

static int release(room_t* room) {
  uvchan_release(channel_of(room->worker, room->op));
  return 0;
}

static int do_it(room_t* room) {
  const history_op_t* op = room->op;

  switch (op->kind) {
    case HISTORY_MOVE:
      return move(room);
    case HISTORY_CLOSE:
    case HISTORY_ABORT:
      return end_channel(room);
    case HISTORY_ADD:
      return uvchan_sender_add(channel_of(room->worker, op), op->n);
    case HISTORY_DONE:
      return uvchan_sender_done(channel_of(room->worker, op));
    case HISTORY_LEN:
      return (int)room->worker->pool->calls->len(channel_of(room->worker, op));
    case HISTORY_IS_CLOSED:
      return uvchan_is_closed(channel_of(room->worker, op));
    case HISTORY_CANCEL:
      return uvchan_cancel(&room->worker->pool->rooms[op->target].u.req);
    case HISTORY_START:
      return sink_start(room->worker, op);
    case HISTORY_STOP:
      return sink_stop(room->worker, op);
    default:
      return release(room);
  }
}

void pause_before(worker_t* worker, unsigned char pause) {
  unsigned char i;

  if (pause == HISTORY_YIELDS) {
    history_yield();
  } else if (pause == HISTORY_TURNS) {
    if (!worker->in_turn) run_loop(worker, UV_RUN_NOWAIT);
  } else {
    for (i = 0; i < pause; i++) atomic_load(&worker->pool->round);
  }
}

static void perform_in(room_t* room) {
  worker_t* worker = room->worker;
  history_pool_t* pool = worker->pool;
  history_op_t* op = room->op;

  if (op->mode == HISTORY_REQUEST) {
    begin_request(room);
    return;
  }
  if (op->kind == HISTORY_CANCEL) op->argument = (int)pool->history->ops[op->target].begin;
  if (op->kind == HISTORY_START || op->kind == HISTORY_STOP) sink_prepare(worker, op);
  op->begin = stamp(worker);
  op->result = do_it(room);
  op->end = op->settled = stamp(worker);
  if (op->kind == HISTORY_MOVE) read_back(room, pool->history);
}

void perform(worker_t* worker, history_op_t* op) {
  history_pool_t* pool = worker->pool;
  room_t* room = &pool->rooms[op - pool->history->ops];

  room->op = op;
  room->worker = worker;
  fill(room, pool->history);
  if (op->form == HISTORY_SELECT) lay_out_cases(room, pool->history);
  current = op;
  perform_in(room);
  current = NULL;
}

int is_next_its_own(const worker_t* worker) {
  return worker->next < worker->pool->nops &&
         worker->pool->history->ops[worker->next].thread == worker->index;
}

void perform_next(worker_t* worker) {
  perform(worker, &worker->pool->history->ops[worker->next++]);
}

void perform_inside(worker_t* worker) {
  if (!is_next_its_own(worker) || !worker->pool->history->ops[worker->next].inside) return;
  worker->in_turn = 1;
  perform_next(worker);
  worker->in_turn = 0;
}
