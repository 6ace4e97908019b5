/* SPDX-License-Identifier: MIT */
/* Histories: what a few threads did to one or two channels at once, and whether a sequential
 * channel could have answered the same.
 *
 *   script.c   draws a history's operations from a seed
 *   run.c      has threads and loops do them (perform.c, started.c), and writes down what came of
 *              each, with stamps of one clock where it began and ended
 *   model.c    the sequential channel: one step of one operation
 *   check.c    looks for an order of steps that explains the history
 *   print.c    shows a history as a table by thread
 *   examples.c histories written by hand, to check the checker
 *
 * An operation takes effect in steps, each at one moment between its begin and its end. Most have
 * one. A call that waits may have two: it takes its place in a queue, and somebody else's step
 * finishes it there, or it withdraws. The _n forms are a step for each value, as the header says:
 * others may come in between.
 *
 * Values are numbers from 1 on, each sent by one case of one operation, so that a value tells who
 * sent it. */
#ifndef HISTORY_H
#define HISTORY_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <uv.h>
#include <uvchan.h>

#define HISTORY_CHANNELS 2
#define HISTORY_WORKERS 4
#define HISTORY_THREADS \
  (HISTORY_WORKERS +    \
   1) /* the last is the one that starts the others and ends what waits for ever */
#define HISTORY_OPS 112
#define HISTORY_VALUES 64
#define HISTORY_CASES 3
#define HISTORY_MANY 4 /* values that an operation moves at most */
#define HISTORY_RESCUES 5
#define HISTORY_HAD_EFFECT 1 /* it was not started yet, or still was */
#define HISTORY_IN_CALLBACK 2
#define HISTORY_YIELDS 254
#define HISTORY_TURNS 255                /* its loop, once */
#define HISTORY_RECEIVERS 2              /* of a thread */
#define HISTORY_QUEUED 32                /* operations that wait at once */
#define HISTORY_NOWHERE HISTORY_CHANNELS /* the channel NULL */

typedef enum {
  HISTORY_MOVE, /* sends or receives: one value, several, or a select */
  HISTORY_CLOSE,
  HISTORY_ABORT,
  HISTORY_ADD,
  HISTORY_DONE,
  HISTORY_LEN,
  HISTORY_IS_CLOSED,
  HISTORY_CANCEL,
  HISTORY_START,  /* of a started receiver */
  HISTORY_STOP,   /* the same */
  HISTORY_TAKE,   /* the same: its callback gets values, or the end */
  HISTORY_REST,   /* the same, unbuffered: its callback has returned */
  HISTORY_CUT,    /* the same: a value had grown too old in its turn, and was dropped */
  HISTORY_RELEASE /* of the last reference, when all else is over */
} history_kind_t;

typedef enum { HISTORY_ONE, HISTORY_SEVERAL, HISTORY_SELECT } history_form_t;
typedef enum { HISTORY_TRY, HISTORY_WAIT, HISTORY_TIMED, HISTORY_REQUEST } history_mode_t;

typedef struct {
  unsigned char channel;
  unsigned char sends;
  unsigned char value; /* sent; or received, 0 before */
  int status;          /* of a select's chosen case */
} history_case_t;

typedef struct {
  /* What to do. */
  history_kind_t kind;
  history_form_t form;
  history_mode_t mode;
  unsigned char thread;
  unsigned char ncases; /* a select's; of the others there is one */
  /* values that an _n form is to move; senders to add; a started receiver's budget; 1 */
  unsigned char n;
  /* before it: as long as so many looks; or one of the two above */
  unsigned char pause;
  /* in a callback of the thread's loop, where there is one in time */
  unsigned char inside;
  /* of a cancel, the operation; of start and stop, which of the thread's receivers */
  unsigned char target;
  history_case_t cases[HISTORY_CASES]; /* of all that is no move, the first names the channel */
  /* the status of a close; when the request to cancel began; of start and stop the two below */
  int argument;
  uint64_t timeout;
  /* What came of it. */
  int result;                            /* as the call or the callback answered */
  unsigned char values[HISTORY_MANY];    /* of an _n form: sent, or received */
  unsigned char dropped[HISTORY_VALUES]; /* in this call, in order */
  unsigned char ndropped;
  unsigned int begin;
  unsigned int settled; /* of a request, when the call that started it returned; else as end */
  unsigned int end;
} history_op_t;

/* UINT64_MAX: each operation takes the lock, and who waits comes before started receivers. 1
 * nanosecond: what is buffered has grown too old when somebody looks next. */
typedef struct {
  size_t capacity;
  uvchan_overflow_t overflow;
  uint64_t max_age;
} history_channel_t;

typedef struct {
  uint32_t seed;
  unsigned int nthreads;
  unsigned int nchannels;
  size_t elem_size;
  history_channel_t channels[HISTORY_CHANNELS];
  unsigned int nops;
  history_op_t ops[HISTORY_OPS]; /* thread after thread, each in its order */
  /* What the last thread does, one after the other, while others wait and nothing happens; the
   * last of them close all channels. Those that were done are operations too, behind all others. */
  unsigned int nrescues;
  history_op_t rescues[HISTORY_RESCUES];
} history_t;

/* ---- script.c -------------------------------------------------------------------------------- */

/* Same seed, same script. */
void history_script(history_t* history, uint32_t seed);
unsigned int history_nthreads(uint32_t seed); /* the same for all seeds of a run of HISTORY_RUN */
#define HISTORY_RUN 256

/* ---- run.c ----------------------------------------------------------------------------------- */

/* The calls under test: the library's, or a faulty one in their place, to see that it is found. */
typedef struct {
  int (*try_send)(uvchan_t* ch, const void* value);
  int (*try_recv)(uvchan_t* ch, void* value);
  int (*send_wait)(uvchan_t* ch, const void* value);
  int (*try_select)(uvchan_case_t* cases, size_t ncases);
  int (*abort)(uvchan_t* ch, int status);
  size_t (*len)(const uvchan_t* ch);
} history_calls_t;

extern const history_calls_t history_calls;

typedef struct history_pool_s history_pool_t;

history_pool_t* history_pool_start(unsigned int nthreads, const history_calls_t* calls);
void history_pool_stop(history_pool_t* pool);
void history_run(history_pool_t* pool, history_t* history);
void history_yield(void);

/* ---- model.c --------------------------------------------------------------------------------- */

typedef struct {
  int status; /* the end; 0: open */
  unsigned char counted;
  unsigned char len;
  unsigned char nsenders;
  unsigned char nreceivers;
  unsigned char started; /* receivers */
  unsigned char resting; /* of them, where unbuffered, those that are not in their callback */
  unsigned char values[HISTORY_VALUES];
  unsigned char senders[HISTORY_QUEUED]; /* operations that wait, in order */
  unsigned char receivers[HISTORY_QUEUED];
} model_channel_t;

/* What has been done of an operation: how many values of its own it has moved, and the marks. */
#define MODEL_MOVED 0x0f
#define MODEL_QUEUED 0x10
#define MODEL_WITNESSED 0x20 /* an _n form has seen that there is no more */
#define MODEL_DONE 0x80

/* Unused bytes are 0, so that equal states have equal bytes. */
typedef struct {
  model_channel_t channels[HISTORY_CHANNELS];
  unsigned char progress[HISTORY_OPS];
} model_t;

typedef enum {
  MODEL_GO,       /* moves its next value, or does what else it does */
  MODEL_STORE,    /* the same, where it leaves its value to a started receiver though others wait */
  MODEL_SERVE,    /* who waits gets a value that a started receiver was told of */
  MODEL_QUEUE,    /* begins to wait */
  MODEL_WITNESS,  /* an _n form sees that there is no more */
  MODEL_WITHDRAW, /* its time is over */
  MODEL_CUT,      /* drops a value that has grown too old, on its way */
  MODEL_NSTEPS
} model_step_t;

/* Takes the step, as the history tells its outcome; answers 0, with the model in any state, where
 * a channel in this state could not have answered so. */
int model_step(model_t* model, const history_t* history, size_t op, model_step_t step);

/* ---- check.c --------------------------------------------------------------------------------- */

typedef enum { HISTORY_LEGAL, HISTORY_ILLEGAL, HISTORY_TOO_HARD } history_verdict_t;

typedef struct {
  unsigned char op;
  unsigned char step;
} history_move_t;

#define HISTORY_MOVES (4 * HISTORY_OPS)

/* The longest order of steps that was found; the whole of it where the history is legal. */
typedef struct {
  unsigned int n;
  history_move_t moves[HISTORY_MOVES];
} history_order_t;

history_verdict_t history_check(const history_t* history, history_order_t* order);

/* ---- print.c --------------------------------------------------------------------------------- */

void history_print(FILE* out, const history_t* history, const history_order_t* order);

#endif /* HISTORY_H */
