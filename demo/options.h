/* SPDX-License-Identifier: MIT */
/* The command line of the pizzeria. Knows nothing of channels. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdint.h>

typedef struct {
  int orders;
  uint64_t seed; /* of all that happens by chance; the same seed gives the same run */
  double speed;  /* how many times faster than real time */
} options_t;

/* Answers what the command line asks for. Ends the program with exit code 0 after --help, and with
 * a message on stderr and exit code 2 after a wrong argument. */
options_t options_parse(int argc, char** argv);

#endif /* OPTIONS_H */
