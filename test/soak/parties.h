/* SPDX-License-Identifier: MIT */
/* The threads of the soak, each with a random state of its own. */
#ifndef PARTIES_H
#define PARTIES_H

#include "soak.h"

typedef struct {
  uv_thread_t thread;
  unsigned int sender;
  uint64_t random;
  atomic_int has_ended;
} party_t;

/* They end soon after it is set. */
extern atomic_int is_over;

/* Jobs of wait groups, for whoever is a plain thread. */
extern uvchan_t* jobs;
void do_jobs(void);

/* The bodies of threads; each takes a party_t. */
void run_plain(void* party);
void run_loops(void* party);

#endif /* PARTIES_H */
