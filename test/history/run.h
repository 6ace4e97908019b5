/* SPDX-License-Identifier: MIT */
/* What the rooms share that run a history: run.c (threads), perform.c (operations) and started.c
 * (receivers).
 *
 * An operation is written by its own thread alone, and read by the last thread when the workers
 * have finished. All atomics here are sequentially consistent: what one thread did before it took
 * a stamp is done for whoever takes a later one. */
#ifndef RUN_H
#define RUN_H

#include <stdatomic.h>

#include "history.h"
#include "support.h"

#define MOST_BYTES 1100 /* in a value */

typedef struct worker_s worker_t;

/* What an operation needs in memory, until its end. */
typedef struct {
  union {
    uvchan_req_t req;
    uvchan_send_t send;
    uvchan_recv_t recv;
    uvchan_select_t select;
  } u;
  uvchan_case_t cases[HISTORY_CASES];
  max_align_t values[(HISTORY_MANY * MOST_BYTES) / sizeof(max_align_t) + 1];
  history_op_t* op;
  worker_t* worker;
} room_t;

typedef struct {
  uvchan_receiver_t handle; /* first */
  worker_t* worker;
  int is_open;
  int in_callback; /* with a value */
} sink_t;

struct worker_s {
  history_pool_t* pool;
  unsigned int index;
  unsigned int pending; /* requests */
  unsigned int next;    /* operation */
  unsigned int since;   /* the stamp after which what the loop does next began */
  /* a receiver's callback has returned, and nothing is known yet of the time after */
  history_op_t* resting;
  int in_turn; /* of its loop, in some callback */
  sink_t sinks[HISTORY_RECEIVERS];
  /* of those, started ones, once it does nothing but turn its loop */
  atomic_uint idle[HISTORY_CHANNELS];
  uv_loop_t loop;
  uv_thread_t thread;
};

/* Whose values are dropped. */
typedef struct {
  history_pool_t* pool;
  unsigned char channel;
} dropping_t;

struct history_pool_s {
  const history_calls_t* calls;
  unsigned int nthreads;
  history_t* history;
  unsigned int nops; /* of the script */
  uvchan_t* channels[HISTORY_CHANNELS];
  dropping_t droppings[HISTORY_CHANNELS];
  atomic_uint next_op;  /* behind those of the script */
  atomic_uint clock;    /* of the stamps */
  atomic_uint round;    /* histories begun */
  atomic_uint arrived;  /* workers that know of this one */
  atomic_uint finished; /* workers that have done their part of it */
  atomic_int leaves;
  worker_t workers[HISTORY_WORKERS];
  worker_t last; /* no thread, and no loop: whoever calls history_run() */
  room_t rooms[HISTORY_OPS];
};

/* ---- run.c ----------------------------------------------------------------------------------- */

unsigned int stamp(worker_t* worker);
void begin_turn(worker_t* worker); /* what its loop does next began after this */
int run_loop(worker_t* worker, uv_run_mode mode);
history_op_t* new_op(worker_t* worker, history_kind_t kind, unsigned char channel);

/* ---- perform.c ------------------------------------------------------------------------------- */

void begin_to_perform(worker_t* worker); /* on its thread, for what is dropped in its turns */
void perform(worker_t* worker, history_op_t* op);
void pause_before(worker_t* worker, unsigned char pause);
int is_next_its_own(const worker_t* worker);
void perform_next(worker_t* worker);
void perform_inside(worker_t* worker); /* a callback: the next one, where it is for there */
unsigned char number_in(const void* value, size_t elem_size);
void on_drop(void* value, uvchan_drop_reason_t reason, void* dropping);

/* ---- started.c ------------------------------------------------------------------------------- */

void sink_prepare(worker_t* worker, history_op_t* op);
int sink_start(worker_t* worker, const history_op_t* op);
int sink_stop(worker_t* worker, const history_op_t* op);
int sinks_are_active(const worker_t* worker);
void sinks_note_idle(worker_t* worker);
void sinks_close(worker_t* worker);

#endif /* RUN_H */
