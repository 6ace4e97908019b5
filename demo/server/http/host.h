/* SPDX-License-Identifier: MIT */
/* What a connection sees of who accepted it, and whom it hands its requests to: a small table of
 * calls. Types alone.
 *
 *   service   answers requests; knows what they are about
 *   host      has the loop and the connections; a desk is one
 *
 * Threads: all is called in the host's. */
#ifndef HOST_H
#define HOST_H

#include <uv.h>

#include "http/request.h"

#define SWEEP_MS 100 /* a host looks at each connection's time once in so long */

struct connection_s;
struct exchange_s;
typedef struct host_s host_t;

typedef struct {
  /* Answers the exchange, or sees to it that it will be answered. The request is lent for as long
   * as the call takes. */
  void (*handle)(struct exchange_s* exchange, const request_t* request);
  /* The exchange goes unanswered, and it has work under way: its client is gone. */
  void (*forget)(struct exchange_s* exchange);
  /* The exchange is answered, so many bytes long; or it goes unanswered, and the status is 0.
   * Called once for each; or NULL. */
  void (*record)(struct exchange_s* exchange, int status, size_t len);
  /* An answer that goes on has its turn: from here on the service writes to the connection, and
   * sets its stream. NULL, as the next, where no answer is begun by exchange_stream(). */
  void (*stream)(struct connection_s* connection);
  /* The connection has a stream, and goes. */
  void (*end_stream)(struct connection_s* connection);
  /* Whether the newest answer of a connection is to say that it is the last. */
  int (*is_closing)(const host_t* host);
  /* The loop is closed; or NULL. */
  void (*left)(host_t* host);
} service_t;

struct host_s {
  uv_loop_t* loop;          /* fixed, as all here but is_served */
  const service_t* service; /* of this host */
  void* data;               /* the service's */
  /* The date as HTTP writes it. */
  const char* (*date)(host_t* host);
  /* The connection's handle is closed, and nothing knows of it: the host has its memory back. */
  void (*closed)(struct connection_s* connection);
  uint64_t idle_ms;
  size_t body_bytes; /* of a request, at most */
  char* scratch;     /* one buffer to read into: what is not parsed at once is copied */
  size_t scratch_bytes;
  int is_served; /* nothing more will be answered late: what is left has to be quick */
};

#endif /* HOST_H */
