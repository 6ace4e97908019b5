/* SPDX-License-Identifier: MIT */
/* Random numbers: the SplitMix64 generator (Steele, Lea, Flood 2014). Threads: each has one of its
 * own. */
#ifndef CHANCE_H
#define CHANCE_H

#include <stdint.h>

typedef struct {
  uint64_t state;
} chance_t;

chance_t chance_new(void);

/* A number from 0 to below. */
uint64_t chance_below(chance_t* chance, uint64_t below);

#endif /* CHANCE_H */
