/* SPDX-License-Identifier: MIT */
/* The command line of the server. Knows nothing of channels. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#define LOOPS_MAX 64

typedef enum { WHEN_FULL_REJECT, WHEN_FULL_WAIT, WHEN_FULL_BACKLOG } when_full_t;

typedef struct {
  const char* host;
  const char* port;
  size_t queue;        /* orders that wait for a baker, at most */
  unsigned int bakers; /* 0: no kitchen, the loops answer at once */
  unsigned int loops;
  uint64_t bake_ms;
  uint64_t target_ms; /* that orders wait in a queue that stands; 0: any time */
  uint64_t interval_ms;
  uint64_t max_wait_ms; /* 0: without limit */
  uint64_t idle_ms;
  uint64_t leave_ms;        /* that it goes on serving after a signal */
  uint64_t drain_ms;        /* then, for what still waits; 0: without limit */
  const char* access_log;   /* NULL: none */
  unsigned int connections; /* at most */
  size_t header_bytes;
  size_t body_bytes;
  when_full_t when_full;
  const char* redis; /* where the streams are; NULL: orders are baked here */
  const char* name;  /* of this server among those that share the streams */
  size_t stream;     /* orders of all servers in the stream, at most */
} options_t;

/* Answers what the command line asks for. Ends the program with exit code 0 after --help, and with
 * a message on stderr and exit code 2 after a wrong argument. */
options_t options_parse(int argc, char** argv);

const char* when_full_name(when_full_t when_full);

#endif /* OPTIONS_H */
