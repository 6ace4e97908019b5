/* SPDX-License-Identifier: MIT */
/* The access log: a line for each request, in the common log format with the seconds that it took.
 *
 *   desks --records, which are dropped where it is full--> a thread that writes
 *
 * A loop makes one record for each request, and never waits for the file. Threads: the desks',
 * but for access_log_open() and access_log_close(), which the main thread calls before they begin
 * and after they have ended. */
#ifndef ACCESSLOG_H
#define ACCESSLOG_H

#include <uv.h>
#include <uvchan/typed.h>

#include "http/connection.h"
#include "http/request.h"
#include "shop/board.h"

/* Made by a desk, and freed by the thread that writes. */
typedef struct {
  peer_t peer;
  int64_t at_s; /* of the calendar */
  uint64_t begun_ns;
  uint64_t took_ns;
  int status;
  size_t len; /* of the answer's body */
  const char* method;
  int is_old;
  size_t target_len;
  char target[];
} record_t;

UVCHAN_TYPED(records, record_t*) /* a value goes with its memory */

typedef struct {
  int is_open;
  int fd;
  board_t* board; /* where lines are counted */
  records_t records;
  uv_thread_t thread;
  int is_given_up; /* of the thread: nobody takes what is written */
} access_log_t;

/*   path   of the file, which is added to; "-": the standard output; NULL: no log */
void access_log_open(access_log_t* log, const char* path, board_t* board);

/* A request has come: its exchange gets a record. */
void access_log_begin(const access_log_t* log, exchange_t* exchange, const request_t* request);

/* The exchange is answered, or goes unanswered: its record is written. */
void access_log_end(access_log_t* log, exchange_t* exchange, int status, size_t len);

/* What was sent is written, or given up where nobody takes it. */
void access_log_close(access_log_t* log);

#endif /* ACCESSLOG_H */
