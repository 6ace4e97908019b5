/* SPDX-License-Identifier: MIT */
/* The world of the soak: channels that come and go under everyone's hands, each with a ledger that
 * has to be exact in the end. Knows no loops. Threads: any.
 *
 * A value is a number: its sender, a thread, and its place in what that thread sent to the channel.
 * The ledger keeps how many numbers were sent, received and dropped, and the sums of their
 * mixtures: so a value that is lost, or comes twice, or was never sent, is seen. */
#ifndef SOAK_H
#define SOAK_H

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>
#include <uvchan.h>

#define must(expr) ((expr) ? (void)0 : soak_failed(__FILE__, __LINE__, #expr))

_Noreturn void soak_failed(const char* file, int line, const char* expr);

#define CHANNELS 6
#define SENDERS 6
#define MOST_BYTES 1500
#define MOST_AT_ONCE 8
#define MOST_BUFFERED 300 /* in an unbounded channel, about */

/* ---- Random numbers: one state for each thread ----------------------------------------------- */

static inline uint64_t mix(uint64_t x) {
  x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
  return x ^ x >> 31;
}

static inline uint32_t draw(uint64_t* random, uint32_t n) {
  *random += UINT64_C(0x9e3779b97f4a7c15);
  return (uint32_t)(mix(*random) >> 32) % n;
}

/* ---- What was done --------------------------------------------------------------------------- */

typedef struct {
  atomic_uint_fast64_t sent, received, dropped, channels, loops, threads, requests, cancels, ticks,
      groups;
} done_t;

extern done_t done;

static inline void count(atomic_uint_fast64_t* counter, uint64_t n) {
  atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

/* ---- The allocator --------------------------------------------------------------------------- */

extern atomic_size_t allocated; /* bytes */

void use_counting_allocator(void);

/* ---- Channels with their ledgers ------------------------------------------------------------- */

typedef struct epoch_s epoch_t;

/* The life of one channel. */
struct epoch_s {
  uvchan_t* ch;
  size_t elem_size;
  int is_counted; /* its one counted sender closes it */
  /* who may still send or receive; each holds a reference to the channel as well */
  atomic_uint users;
  atomic_uint_fast64_t places[SENDERS]; /* the next one of each; only that thread draws from it */
  atomic_uint_fast64_t nsent, nhad;     /* had: received or dropped */
  atomic_uint_fast64_t sum_sent, sum_had;
  uint64_t retired_at;
  epoch_t* next; /* of those that are retired */
};

epoch_t* epoch_make(uint64_t* random);

/* Whoever uses one leaves it once. */
void epoch_leave(epoch_t* epoch);
void epoch_close(epoch_t* epoch, uint64_t* random);

/* Nobody touches it any more, and its ledger is exact. */
int is_settled(const epoch_t* epoch);
int has_room(const epoch_t* epoch);

uint64_t next_number(epoch_t* epoch, unsigned int sender);
void* nth(const epoch_t* epoch, void* values, size_t i);
void put(const epoch_t* epoch, void* value, uint64_t number);
void note_sent(epoch_t* epoch, uint64_t number);

/* What one receiver has seen of each sender: a value of one never comes behind a later one. */
typedef struct {
  uint64_t last[SENDERS];
} order_t;

void note_received(epoch_t* epoch, order_t* order, const void* value);

int is_end(ssize_t status);

void set_case(uvchan_case_t* one, const epoch_t* epoch, uvchan_op_t op, void* value);

/* ---- The table of the channels of the moment ------------------------------------------------- */

typedef struct {
  uv_mutex_t lock;
  epoch_t* epochs[CHANNELS];
} table_t;

extern table_t table;

/* Answers one that the caller uses from here on, until epoch_leave(). */
epoch_t* epoch_pick(uint64_t* random);

/* Puts a new one in its place, and answers the old one, of which the caller is a user. */
epoch_t* epoch_replace(size_t place, epoch_t* fresh);

#endif /* SOAK_H */
