/* SPDX-License-Identifier: MIT */
/* The command line of the bakers. Knows nothing of channels. */
#ifndef BAKERS_OPTIONS_H
#define BAKERS_OPTIONS_H

#include <stdint.h>

#include "shop/parcel.h"

typedef struct {
  const char* redis;
  char name[PARTY_BYTES];
  unsigned int threads;
  unsigned int in_flight; /* orders that are here, with those that wait for a thread, at most */
  uint64_t bake_ms;
  uint64_t claim_ms; /* then an order that nobody is done with goes to others */
  uint64_t drain_ms; /* after a signal, for what is under way */
} bakers_options_t;

/* Answers what the command line asks for. Ends the program with exit code 0 after --help, and with
 * a message on stderr and exit code 2 after a wrong argument. */
bakers_options_t bakers_options_parse(int argc, char** argv);

#endif /* BAKERS_OPTIONS_H */
