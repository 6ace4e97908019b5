/* SPDX-License-Identifier: MIT */
/* The staff: which bakers elsewhere a server has heard of, and when last. Who says nothing for some
 * seconds is taken for gone. Plain values, to be copied: knows neither channels nor clocks.
 * Threads: its owner's. */
#ifndef STAFF_H
#define STAFF_H

#include <stddef.h>
#include <stdint.h>

#include "shop/parcel.h"

#define STAFF_MAX 32 /* further ones bake unseen */
#define STAFF_SILENCE_MS 5000

typedef struct {
  char name[PARTY_BYTES];
  uint32_t threads;
  uint32_t busy;
  uint64_t baked;
  uint64_t seen_ms;
} member_t;

typedef struct {
  size_t n;
  member_t members[STAFF_MAX]; /* by their names */
} staff_t;

/* Bakers have told something: they are there, or they leave. */
void staff_hear(staff_t* staff, const report_t* report, uint64_t now_ms);

/* Those who said nothing for too long are gone. */
void staff_look(staff_t* staff, uint64_t now_ms);

/* How many bake at once. */
uint64_t staff_threads(const staff_t* staff);

#endif /* STAFF_H */
