/* SPDX-License-Identifier: MIT */
/* Records on their way to the thread that writes. It takes as many as there are and writes them
 * together, as much at a time as a pipe takes whole: so it waits for a slow reader in poll() alone,
 * and there with a limit once the log is closed. */
#include "shop/accesslog.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "http/bytes.h"
#include "must.h"

#define CAPACITY 8192
#define BATCH 256
#define LAST_WAIT_MS 500 /* for a reader, when the log is closed */

/* ---- Lines ----------------------------------------------------------------------------------- */

static const char* text_of_peer(const peer_t* peer, char* text, size_t size) {
  int r = peer->any.sa_family == AF_INET6 ? uv_ip6_name(&peer->six, text, size)
                                          : uv_ip4_name(&peer->four, text, size);

  return r == 0 ? text : "-";
}

/* What a client writes can't end the line, nor the quotes. */
static void add_escaped(bytes_t* out, const char* text, size_t len) {
  for (size_t i = 0; i < len; i++) {
    unsigned char byte = (unsigned char)text[i];

    if (byte < 0x20 || byte > 0x7e || byte == '"' || byte == '\\') {
      bytes_printf(out, "\\x%02X", byte);
    } else {
      bytes_add(out, &byte, 1);
    }
  }
}

static void add_time(bytes_t* out, int64_t at_s) {
  static const char* const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  time_t at = (time_t)at_s;
  struct tm parts;

  if (gmtime_r(&at, &parts) == NULL) return;
  bytes_printf(out, "[%02d/%s/%d:%02d:%02d:%02d +0000]", parts.tm_mday, months[parts.tm_mon],
               parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

/* A message that was refused before it was whole has no method. */
static void add_request(bytes_t* out, const record_t* record) {
  if (record->method == NULL) {
    bytes_add_text(out, " \"-\"");
    return;
  }
  bytes_printf(out, " \"%s ", record->method);
  add_escaped(out, record->target, record->target_len);
  bytes_printf(out, " HTTP/1.%d\"", record->is_old ? 0 : 1);
}

/* 499 is what others write too where the client left before its answer. */
static void add_line(bytes_t* out, const record_t* record) {
  char peer[64];

  bytes_printf(out, "%s - - ", text_of_peer(&record->peer, peer, sizeof(peer)));
  add_time(out, record->at_s);
  add_request(out, record);
  bytes_printf(out, " %d %zu %.6f\n", record->status == 0 ? 499 : record->status, record->len,
               (double)record->took_ns / 1e9);
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* Waits for whoever reads a pipe; once the log is closed, not for long, and not again. */
static int is_writable(access_log_t* log) {
  struct pollfd fd = {.fd = log->fd, .events = POLLOUT};

  while (!log->is_given_up) {
    int is_closed = uvchan_is_closed(records_channel(log->records));

    if (poll(&fd, 1, LAST_WAIT_MS) > 0) return 1;
    log->is_given_up = is_closed;
  }
  return 0;
}

/* Answers whether all was written. */
static int write_all(access_log_t* log, const bytes_t* lines) {
  for (size_t at = 0; at < lines->len;) {
    size_t left = lines->len - at;
    ssize_t n;

    if (!is_writable(log)) return 0;
    n = write(log->fd, lines->data + at, left < PIPE_BUF ? left : PIPE_BUF);
    if (n < 0 && errno != EINTR && errno != EAGAIN) return 0;
    if (n > 0) at += (size_t)n;
  }
  return 1;
}

static void write_records(access_log_t* log, record_t* const* records, size_t n, bytes_t* lines) {
  bytes_clear(lines);
  for (size_t i = 0; i < n; i++) add_line(lines, records[i]);
  for (size_t i = 0; i < n; i++) free(records[i]);
  atomic_fetch_add_explicit(
      write_all(log, lines) && !lines->has_failed ? &log->board->lines : &log->board->lines_dropped,
      n, memory_order_relaxed); /* they count */
  if (lines->has_failed) bytes_free(lines);
}

static void run_writer(void* arg) {
  access_log_t* log = arg;
  record_t* records[BATCH];
  bytes_t lines = {.data = NULL};
  ssize_t n;

  while ((n = uvchan_recv_wait_n(records_channel(log->records), records, BATCH)) > 0)
    write_records(log, records, (size_t)n, &lines);
  bytes_free(&lines);
}

/* ---- Records --------------------------------------------------------------------------------- */

static record_t* make_record(const char* target, size_t len) {
  record_t* record = malloc(sizeof(*record) + len);

  if (record == NULL) return NULL;
  *record = (record_t){.at_s = (int64_t)time(NULL), .begun_ns = uv_hrtime(), .target_len = len};
  if (len > 0) memcpy(record->target, target, len);
  return record;
}

void access_log_begin(const access_log_t* log, exchange_t* exchange, const request_t* request) {
  record_t* record;

  if (!log->is_open) return;
  record = make_record(request->target.data, request->target.len);
  if (record == NULL) return;
  record->method = request->method_name;
  record->is_old = request->is_old;
  exchange->record = record;
}

static void drop(const access_log_t* log, record_t* record) {
  board_add(&log->board->lines_dropped);
  free(record);
}

void access_log_end(access_log_t* log, exchange_t* exchange, int status, size_t len) {
  record_t* record = exchange->record;

  if (!log->is_open) return;
  exchange->record = NULL;
  if (record == NULL) record = make_record(NULL, 0);
  if (record == NULL) {
    board_add(&log->board->lines_dropped);
    return;
  }
  record->peer = connection_of(exchange)->peer;
  record->took_ns = uv_hrtime() - record->begun_ns;
  record->status = status;
  record->len = len;
  if (records_try_send(records_sendonly(log->records), record) != 0) drop(log, record);
}

/* ---- Life ------------------------------------------------------------------------------------ */

void access_log_open(access_log_t* log, const char* path, board_t* board) {
  *log = (access_log_t){.is_open = path != NULL, .board = board};
  if (path == NULL) return;
  log->fd = strcmp(path, "-") == 0 ? STDOUT_FILENO
                                   : open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  must("open the access log", log->fd < 0 ? uv_translate_sys_error(errno) : 0);
  must("create the records channel", records_create(&log->records, CAPACITY));
  must("start the access log", uv_thread_create(&log->thread, run_writer, log));
}

void access_log_close(access_log_t* log) {
  if (!log->is_open) return;
  must("close the records", records_close(records_sendonly(log->records)));
  must("wait for the access log", uv_thread_join(&log->thread));
  records_release(log->records);
  if (log->fd != STDOUT_FILENO) close(log->fd);
}
