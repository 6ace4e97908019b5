/* SPDX-License-Identifier: MIT */
/* A connection of demo/server under any bytes in any pieces: a run's input is a script of steps,
 * and then what the client sends.
 *
 *   first byte   how many steps there are
 *   steps        the client sends a piece, takes a piece of an answer, sends no more, is gone; the
 *                service answers one of those that wait, finds room, or adds to an answer
 *                that goes on; time passes; the house closes
 *   the rest     the client's bytes
 *
 * What is checked: the answers are to the requests that were handed on, in their order, and nothing
 * follows a refusal; what a client makes the server hold stays within its bounds (connection.h,
 * I1); each exchange is answered or forgotten, once; when all is sent, taken and answered, nothing
 * waits any more, and the connection ends with its client. And where no step decided the end, the
 * same bytes in large pieces, with a service that answers at once, are answered the same. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/connection.h"
#include "socket.h"

#define HEADER_BYTES 400
#define BODY_BYTES 100
#define LARGE 20000 /* bytes of an answer to a target with an L */
#define IDLE_MS 1000
#define SWEEPS_TO_CUT 12 /* at the soonest, by IDLE_MS */
#define REQUESTS_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

#define check(holds) ((holds) ? (void)0 : fail(#holds, __LINE__))

static void fail(const char* what, int line) {
  fprintf(stderr, "target.c:%d: this does not hold: %s\n", line, what);
  abort();
}

/* ---- A run ----------------------------------------------------------------------------------- */

typedef struct {
  exchange_t* exchange; /* while it waits for the service */
  int is_head;
  int wants_room;
} asked_t;

typedef struct {
  const uint8_t* steps;
  size_t nsteps;
  const char* bytes; /* that the client has not sent yet */
  size_t nbytes;
  int is_quick; /* all is answered at once */
  host_t host;
  connection_t* connection; /* NULL when it is closed */
  asked_t asked[REQUESTS_MAX];
  size_t nasked;
  size_t nwaiting;
  unsigned int nsweeps;
  int house_closes;
  int is_cut; /* something but the client's bytes has decided on the end */
} run_t;

static run_t run;
static char scratch[4096];

static uint8_t next_step(void) {
  if (run.nsteps == 0) return 0;
  run.nsteps--;
  return *run.steps++;
}

/* ---- The service ----------------------------------------------------------------------------- */

static uint32_t add_to(uint32_t sum, const void* data, size_t len) {
  for (size_t i = 0; i < len; i++) sum = (sum ^ ((const uint8_t*)data)[i]) * 16777619u;
  return sum;
}

/* All that the request says. */
static uint32_t sum_of(const request_t* request) {
  const int said[] = {(int)request->method, (int)request->content, request->is_old,
                      request->keeps_alive};
  uint32_t sum = add_to(2166136261u, said, sizeof(said));

  sum = add_to(sum, request->target.data, request->target.len);
  return add_to(add_to(sum, "\n", 1), request->body.data, request->body.len);
}

static char large[LARGE];
static int are_streams[REQUESTS_MAX];

static void answer(exchange_t* exchange, size_t number, uint32_t sum, int is_large) {
  size_t len;

  if (are_streams[number]) { /* the last answer, as HEAD's is too */
    run.is_cut = 1;
    exchange_stream(exchange, "text/plain");
    return;
  }
  memset(large, '.', sizeof(large));
  len = (size_t)snprintf(large, sizeof(large), "%zu %08x", number, sum);
  large[len] = '.';
  exchange_answer(exchange, 200, "text/plain", NULL, large, is_large ? sizeof(large) : len);
}

/* What a late answer needs of the request. */
static uint32_t sums[REQUESTS_MAX];
static int are_large[REQUESTS_MAX];

static void give(asked_t* asked) {
  exchange_t* exchange = asked->exchange;
  size_t number = (size_t)(asked - run.asked);

  asked->exchange = NULL;
  answer(exchange, number, sums[number], are_large[number]);
}

static void wait(asked_t* asked, exchange_t* exchange, int wants_room) {
  exchange->work = asked;
  run.nwaiting++;
  asked->wants_room = wants_room;
  if (wants_room) connection_wants_room(run.connection);
}

static void handle(exchange_t* exchange, const request_t* request) {
  const exchanges_t* queue = &run.connection->exchanges;
  size_t number = run.nasked++;
  asked_t* asked = &run.asked[number];
  uint8_t how = run.is_quick ? 0 : next_step() % 4;

  check(number < REQUESTS_MAX);
  check(!run.connection->wants_room && queue->n <= EXCHANGES_MAX);
  check(queue->nkept + queue->out.len + run.connection->flight.len < OUT_MAX);
  check(request->target.len > 0 && request->body.len <= BODY_BYTES);
  *asked = (asked_t){.exchange = exchange, .is_head = request->method == METHOD_HEAD};
  sums[number] = sum_of(request);
  are_large[number] = memchr(request->target.data, 'L', request->target.len) != NULL;
  are_streams[number] = memchr(request->target.data, 'S', request->target.len) != NULL;
  if (how < 2) {
    give(asked);
  } else {
    wait(asked, exchange, how == 3);
  }
}

static void forget(exchange_t* exchange) {
  asked_t* asked = exchange->work;

  check(asked->exchange == exchange);
  asked->exchange = NULL;
  run.nwaiting--;
}

static void record(exchange_t* exchange, int status, size_t len) {
  (void)len;
  check((status != 0) == exchange->is_answered);
}

/* When it begins and ends, and how much of it there is, the steps decide. */
static void begin_stream(connection_t* connection) {
  check(connection == run.connection && connection->stream == NULL);
  connection->stream = &run;
}

static void end_stream(connection_t* connection) {
  check(connection->stream == &run);
  connection->stream = NULL;
}

static const char event[] = "event\n";

static void write_event(int is_last) {
  connection_t* connection = run.connection;

  if (connection->stream == NULL || connection_is_writing(connection)) return;
  bytes_add_text(connection_out(connection), event);
  if (is_last) {
    connection_finish(connection);
    connection->stream = NULL;
  }
  connection_settle(connection);
}

static int is_closing(const host_t* host) {
  (void)host;
  return run.house_closes;
}

static const service_t service = {.handle = handle,
                                  .forget = forget,
                                  .record = record,
                                  .stream = begin_stream,
                                  .end_stream = end_stream,
                                  .is_closing = is_closing};

/* The k-th of those that wait, where it may be told of room first, or be answered without. */
static void answer_waiting(size_t k, int is_room_first) {
  asked_t* asked = run.asked;

  if (run.nwaiting == 0 || run.connection == NULL) return;
  for (k %= run.nwaiting; asked->exchange == NULL || k-- > 0; asked++) continue;
  if (asked->wants_room && is_room_first) {
    asked->wants_room = 0;
    connection_found_room(run.connection);
    return;
  }
  if (asked->wants_room) connection_wants_no_room(run.connection);
  asked->exchange->work = NULL;
  run.nwaiting--;
  give(asked);
  connection_settle(run.connection);
}

/* ---- The host -------------------------------------------------------------------------------- */

static const char* date(host_t* host) {
  (void)host;
  return "Thu, 01 Jan 1970 00:00:00 GMT";
}

static void closed(connection_t* connection) {
  check(connection == run.connection && run.nwaiting == 0);
  free(connection);
  run.connection = NULL;
}

static void open_run(const uint8_t* steps, size_t nsteps, const uint8_t* bytes, size_t nbytes,
                     size_t at_once) {
  run = (run_t){.steps = steps,
                .nsteps = nsteps,
                .bytes = (const char*)bytes,
                .nbytes = nbytes,
                .is_quick = nsteps == 0,
                .host = {.service = &service,
                         .date = date,
                         .closed = closed,
                         .idle_ms = IDLE_MS,
                         .body_bytes = BODY_BYTES,
                         .scratch = scratch,
                         .scratch_bytes = at_once}};
  run.connection = calloc(1, sizeof(*run.connection));
  check(run.connection != NULL);
  connection_open(run.connection, &run.host);
}

/* ---- Steps ----------------------------------------------------------------------------------- */

static int send_some(size_t len) {
  size_t n = socket_send(run.bytes, len < run.nbytes ? len : run.nbytes);

  run.bytes += n;
  run.nbytes -= n;
  return n > 0;
}

/* Its time begins anew, however little it takes. */
static void take(size_t len) {
  if (fuzz_socket.write != NULL) run.nsweeps = 0;
  socket_take(len);
}

static void sweep(void) {
  if (++run.nsweeps >= SWEEPS_TO_CUT) run.is_cut = 1;
  connection_check_time(run.connection);
}

static void take_step(uint8_t step) {
  uint8_t how_much = step / 16;

  switch (step % 16) {
    case 0:
      send_some(how_much * 64u + 1);
      break;
    case 1:
      take(SIZE_MAX);
      break;
    case 2:
      take(how_much * 2048u + 1);
      break;
    case 3:
    case 4:
      answer_waiting(how_much, step % 16 == 3);
      break;
    case 5:
      sweep();
      break;
    case 6: /* what it has not sent yet does not come */
      if (how_much < 12) break;
      if (run.nbytes > 0) run.is_cut = 1;
      run.nbytes = 0;
      if (!fuzz_socket.has_ended) socket_end();
      break;
    case 7:
      if (how_much < 14) break;
      fuzz_socket.is_gone = run.is_cut = 1;
      break;
    case 8:
      if (how_much < 12) break;
      run.house_closes = run.is_cut = 1;
      if (how_much > 13) connection_end(run.connection);
      break;
    case 9:
      write_event(how_much > 13);
      break;
    default:
      send_some(step % 16u - 9u);
      break;
  }
}

static void check_bounds(void) {
  const connection_t* connection = run.connection;
  const exchanges_t* queue = &connection->exchanges;
  size_t nkept = 0;

  for (const exchange_t* one = queue->first; one != NULL; one = one->next) nkept += one->answer.len;
  check(nkept == queue->nkept);
  check(queue->n <= EXCHANGES_MAX + 1); /* a refusal is one more */
  check(connection->rest.len <= run.host.scratch_bytes);
  check(connection->rest.len == 0 || fuzz_socket.on_read == NULL || queue->is_last);
}

static void play(void) {
  while (run.nsteps > 0 && run.connection != NULL) {
    take_step(next_step());
    socket_turn();
    if (run.connection != NULL) check_bounds();
  }
}

/* All is sent, taken and answered, until nothing moves any more. */
static void play_out(void) {
  int moves = 1;

  while (moves && run.connection != NULL) {
    moves = send_some(SIZE_MAX);
    while (run.nwaiting > 0) {
      moves = 1;
      answer_waiting(0, 0);
    }
    if (fuzz_socket.write != NULL) moves = 1;
    socket_take(SIZE_MAX);
    if (run.connection->stream != NULL && !moves) {
      moves = 1;
      write_event(1);
    }
    if (socket_turn()) moves = 1;
    if (run.connection != NULL) check_bounds();
  }
}

static void end_run(void) {
  int is_at_rest;

  play_out();
  if (run.connection == NULL) return;
  is_at_rest = run.connection->exchanges.first == NULL && fuzz_socket.write == NULL;
  check(is_at_rest && run.nbytes == 0);
  if (fuzz_socket.on_read != NULL) socket_end();
  play_out();
  check(run.connection == NULL);
}

/* ---- What the client has --------------------------------------------------------------------- */

static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";

static const char* find(const char* at, size_t len, const char* text) {
  size_t n = strlen(text);

  for (; len >= n; at++, len--) {
    if (memcmp(at, text, n) == 0) return at;
  }
  return NULL;
}

/* Of the last event there may be a part. */
static void check_stream(const char* at, const char* end, size_t number) {
  check(number < run.nasked && are_streams[number]);
  for (size_t i = 0; at < end; at++, i++) check(*at == event[i % strlen(event)]);
}

/* Checks one answer, which is to the number-th request; answers its length, 0 where it is not
 * whole. */
static size_t check_answer(const char* at, size_t len, size_t number, int* is_refusal) {
  const char* end = find(at, len, "\r\n\r\n");
  const char* length = end == NULL ? NULL : find(at, (size_t)(end - at), "Content-Length: ");
  char begin[40];
  size_t head, body;

  if (end == NULL) return 0;
  head = (size_t)(end - at) + 4;
  if (length == NULL) { /* nothing but the end of the connection ends it */
    check_stream(at + head, at + len, number);
    return len;
  }
  body = strtoul(length + strlen("Content-Length: "), NULL, 10);
  *is_refusal = memcmp(at, "HTTP/1.1 200 OK\r\n", 17) != 0;
  if (*is_refusal) {
    check(number == run.nasked && find(at, head, "Connection: close\r\n") != NULL);
    return len == head ? head : head + body;
  }
  check(number < run.nasked);
  if (run.asked[number].is_head) return head;
  if (len < head + body) return 0;
  snprintf(begin, sizeof(begin), "%zu %08x", number, sums[number]);
  check(memcmp(at + head, begin, strlen(begin)) == 0);
  return head + body;
}

/* Takes interim answers out, since whether there is one depends on when something was sent. */
static void check_taken(bytes_t* finals) {
  const char* at = fuzz_socket.taken.data;
  size_t left = fuzz_socket.taken.len;
  size_t number = 0;
  int is_refusal = 0;

  while (left > 0) {
    size_t n = strlen(interim);

    if (left >= n && memcmp(at, interim, n) == 0) {
      check(!is_refusal);
    } else {
      check(!is_refusal);
      n = check_answer(at, left, number++, &is_refusal);
      if (n == 0 || n > left) { /* the client was gone within it, or cut off */
        check(run.is_cut);
        return;
      }
      bytes_add(finals, at, n);
    }
    at += n;
    left -= n;
  }
  check(run.is_cut || number == run.nasked + (size_t)is_refusal);
}

static size_t run_once(const uint8_t* steps, size_t nsteps, const uint8_t* bytes, size_t nbytes,
                       size_t at_once, bytes_t* finals) {
  open_run(steps, nsteps, bytes, nbytes, at_once);
  play();
  end_run();
  check_taken(finals);
  bytes_free(&fuzz_socket.taken);
  return run.nasked;
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  size_t nsteps = size == 0 ? 0 : data[0];
  bytes_t pieces = {.data = NULL}, whole = {.data = NULL};
  int is_cut;

  if (nsteps + 1 > size) return 0;
  parse_set_limits(HEADER_BYTES);
  run_once(data + 1, nsteps, data + 1 + nsteps, size - 1 - nsteps, 200, &pieces);
  is_cut = run.is_cut;
  run_once(NULL, 0, data + 1 + nsteps, size - 1 - nsteps, sizeof(scratch), &whole);
  if (!is_cut) {
    check(pieces.len == whole.len);
    check(pieces.len == 0 || memcmp(pieces.data, whole.data, pieces.len) == 0);
  }
  bytes_free(&pieces);
  bytes_free(&whole);
  return 0;
}
