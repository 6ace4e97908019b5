/* SPDX-License-Identifier: MIT */
/* Who is on the two loops of a fuzzed run: receivers, requests, tickers, and wait groups; each in
 * memory of its own, which is gone with its last callback. Knows the ledger. One thread.
 *
 * What is checked: callbacks run on their loop, in its turn, never inside a call, once for a
 * request and for a start's end, and never after a stop or a close; a request ends as its
 * cancellation said; memory that is the library's meanwhile is not touched. */
#ifndef FUZZ_PARTIES_H
#define FUZZ_PARTIES_H

#include "ledger.h"

#define FUZZ_LOOPS 2
#define FUZZ_RECEIVERS 6
#define FUZZ_REQUESTS 8
#define FUZZ_CASES 6
#define FUZZ_TICKERS 2
#define FUZZ_GROUPS 2

typedef struct {
  uvchan_receiver_t handle; /* first */
  fuzz_channel_t* c;
  unsigned int loop;
  int is_active;
  int is_closing;
  int is_deaf; /* a stranger has closed its loop's handles */
  int is_batch;
  int* is_finished; /* set in its close callback, where the close is under way */
  int is_unreferenced;
  unsigned int turns; /* 2 or more: its loop has made a whole turn since it was made */
  unsigned int budget;
} fuzz_receiver_t;

typedef enum { FUZZ_SEND, FUZZ_RECV, FUZZ_SELECT, FUZZ_NOTIFY } fuzz_kind_t;

/* One operation on one channel: of a request to send or to receive, or a case of a select. */
typedef struct {
  fuzz_channel_t* c; /* NULL: a case without a channel */
  uvchan_op_t op;
  unsigned int number; /* that it offers */
  void* value;
  int is_filled; /* its value has left the channel for it */
} fuzz_case_t;

typedef struct {
  union {
    uvchan_req_t any;
    uvchan_send_t send;
    uvchan_recv_t recv;
    uvchan_select_t select;
    uvchan_notify_t notify;
  } req; /* first */
  fuzz_kind_t kind;
  unsigned int loop;
  unsigned int group; /* of a notify */
  int is_decided;     /* of a notify: it is known */
  int is_deaf;
  int is_starting; /* within the call that starts it */
  int is_cancelled;
  int is_too_late; /* a cancel answered UV_EBUSY */
  unsigned int ncases;
  fuzz_case_t cases[FUZZ_CASES];
  uvchan_case_t select_cases[FUZZ_CASES];
  unsigned int failures;
} fuzz_request_t;

typedef struct {
  uvchan_ticker_t handle; /* first */
  fuzz_channel_t* c;
  unsigned int loop;
  int is_deaf;
} fuzz_ticker_t;

typedef struct {
  uv_loop_t loops[FUZZ_LOOPS];
  int is_ending; /* a loop, or the run: nothing new is begun */
  int running;   /* which loop turns; -1: none */
  /* of the library that are under way and were not made in a callback of a turn */
  unsigned int calls;
  unsigned int callbacks;                     /* so far */
  fuzz_receiver_t* receivers[FUZZ_RECEIVERS]; /* NULL: a free place */
  fuzz_request_t* requests[FUZZ_REQUESTS];
  fuzz_ticker_t* tickers[FUZZ_TICKERS];
  uvchan_waitgroup_t groups[FUZZ_GROUPS];
  int counts[FUZZ_GROUPS];
  void* garbage[64]; /* memory of what was closed without a callback */
  unsigned int ngarbage;
} fuzz_world_t;

extern fuzz_world_t fuzz_world;

void fuzz_parties_begin(void);

void fuzz_receiver_make(unsigned int loop, fuzz_channel_t* c);
void fuzz_receiver_start(fuzz_receiver_t* receiver, int is_batch);
void fuzz_receiver_stop(fuzz_receiver_t* receiver);
void fuzz_receiver_close(fuzz_receiver_t* receiver, int with_callback);

/* Fills in the cases of a select, as the input says; for a send or a receive the one case. Answers
 * whether there is room in the ledger. */
int fuzz_request_lay_out(fuzz_request_t* request, fuzz_kind_t kind);
void fuzz_request_make(unsigned int loop, fuzz_kind_t kind);
void fuzz_request_cancel(fuzz_request_t* request);
/* how a select, sent or received as the index says, ended */
void fuzz_request_settle(fuzz_request_t* request, int answer);
/* its channels are in a call; or by -1 no longer */
void fuzz_request_busy(fuzz_request_t* request, int by);
void fuzz_request_free(fuzz_request_t* request);

void fuzz_ticker_make(unsigned int loop, fuzz_channel_t* c);
void fuzz_ticker_close(fuzz_ticker_t* ticker, int with_callback);

void fuzz_group_add(unsigned int group, int delta);

/* What pending requests were handed meanwhile has left its channels; and then the order is checked.
 * After each step. */
void fuzz_sweep(void);

/* Whatever is on the loop is deaf from here on; or is closed and cancelled, to be called back. */
void fuzz_deafen(unsigned int loop);
void fuzz_close_all(unsigned int loop);
int fuzz_has_parties(unsigned int loop); /* receivers or requests */

void fuzz_begin_turn(unsigned int loop);
void fuzz_end_turn(unsigned int loop);

#endif /* FUZZ_PARTIES_H */
