/* SPDX-License-Identifier: MIT */
/* The channels of a fuzzed run, each with the ledger of its values: a value has a number, and the
 * ledger knows what its send answered and whether it left the channel. Knows nothing of loops. One
 * thread.
 *
 * What is checked: a value whose send answered 0 leaves the channel once, and no other ever does;
 * values leave in the order in which one sender sent them, all that is called from outside of drop
 * callbacks being one sender, and each depth of these another; no value is changed; the channel's
 * figures agree with the ledger. */
#ifndef FUZZ_LEDGER_H
#define FUZZ_LEDGER_H

#include <uvchan.h>

#include "ground.h"

/* Each of these switches leaves a check, or a sequence of calls, out while it is 0. */
#ifndef FUZZ_DROPS_ARE_ALIGNED
#define FUZZ_DROPS_ARE_ALIGNED 1 /* drop_cb gets every value aligned as malloc aligns */
#endif
#ifndef FUZZ_DEAF_ARE_PASSED_OVER
#define FUZZ_DEAF_ARE_PASSED_OVER \
  1 /* a receiver that a stranger made deaf holds nobody up on its channel */
#endif
#ifndef FUZZ_LOOPS_ARE_ABANDONED
#define FUZZ_LOOPS_ARE_ABANDONED \
  1 /* a stranger closes the loop too; what he made deaf is finished without it */
#endif

#define FUZZ_CHANNELS 6
#define FUZZ_VALUES 255 /* sent to one channel */
#define FUZZ_DEPTHS 4   /* of drop callbacks in calls in drop callbacks */
#define FUZZ_MOST_BYTES 5000

typedef enum { FUZZ_UNUSED, FUZZ_OFFERED, FUZZ_SENT, FUZZ_REFUSED } fuzz_fate_t;

typedef struct {
  uvchan_t* ch; /* NULL: not made yet */
  size_t elem_size;
  size_t capacity;
  uvchan_overflow_t overflow;
  int has_drop_cb;
  int grows_old;         /* what is buffered may be dropped when somebody looks */
  unsigned int refs;     /* the run's own */
  unsigned int holders;  /* receivers, tickers and pending requests, which hold references too */
  unsigned int requests; /* of these the pending requests */
  unsigned int busy;     /* calls under way */
  int had_ticker;
  int is_closed;
  int end;
  unsigned int counted;
  /* The ledger. */
  unsigned int last; /* the number of the newest value */
  uint8_t fate[FUZZ_VALUES + 1];
  uint8_t has_left[FUZZ_VALUES + 1];
  uint8_t depth[FUZZ_VALUES + 1];
  unsigned int last_left[FUZZ_DEPTHS];
  unsigned int nsent;
  unsigned int nrefused;
  unsigned int nreceived;
  unsigned int ndropped;
  uint8_t fresh[FUZZ_VALUES]; /* have left since the last settling */
  unsigned int nfresh;
} fuzz_channel_t;

extern fuzz_channel_t fuzz_channels[FUZZ_CHANNELS];
extern unsigned int fuzz_depth; /* of drop callbacks */

void fuzz_ledger_begin(void);
void fuzz_channel_make(void); /* as the input says, in the first place that is free */
/* one that the run holds a reference to; NULL where it holds none */
fuzz_channel_t* fuzz_channel_pick(void);
int fuzz_channel_lives(const fuzz_channel_t* c);
/* one reference, unless it is the last one of a call that is under way */
void fuzz_channel_release(fuzz_channel_t* c);
void fuzz_channel_check(const fuzz_channel_t* c);
void fuzz_ledger_end(void); /* all references are given back */

/* A new number, offered; 0 where there are none left. The last of n, where n are side by side. */
unsigned int fuzz_offer(fuzz_channel_t* c, unsigned int n);
void fuzz_put(const fuzz_channel_t* c, void* value, unsigned int number);
void fuzz_sent(fuzz_channel_t* c, unsigned int number);
void fuzz_refused(fuzz_channel_t* c, unsigned int number);

/* The value has left the channel: to somebody who received it, or to nobody. Which of those that
 * left in one step was first is not known to who looks between steps: fuzz_settle() comes after
 * each. Of a request it may be known before it is received. */
void fuzz_left(fuzz_channel_t* c, const void* value);
void fuzz_received(fuzz_channel_t* c);
void fuzz_settle(void);
/* of one that a send put there; else a tick */
int fuzz_is_value(const fuzz_channel_t* c, const void* value);
void fuzz_check_value(const fuzz_channel_t* c, const void* value);

/* What runs in a callback, after a step of the library's that is not over: set once, by the
 * calls. */
extern void (*fuzz_nested)(void);

/* ---- What a call may answer ------------------------------------------------------------------ */

typedef struct {
  int is_closed;
  int will_send; /* no send would wait */
  int may_send;
  int will_receive; /* a value, not the end */
  int may_receive;
  /* in between no drop callback may run that makes another call, which changes it */
  int is_sure;
  unsigned int failures;
} fuzz_ready_t;

fuzz_ready_t fuzz_ready(const fuzz_channel_t* c);
void fuzz_check_send(const fuzz_ready_t* ready, int answer);
void fuzz_check_receive(const fuzz_ready_t* ready, const fuzz_channel_t* c, int answer);

#endif /* FUZZ_LEDGER_H */
