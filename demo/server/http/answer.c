/* SPDX-License-Identifier: MIT */
/* Answers: a line with the status, headers, a body. */
#include "http/answer.h"

typedef struct {
  int status;
  const char* reason;
  const char* why; /* NULL where whoever refuses says it */
} status_t;

/* The last answers for all others. */
static const status_t statuses[] = {
    {200, "OK", NULL},
    {400, "Bad Request", "the request is malformed"},
    {404, "Not Found", NULL},
    {405, "Method Not Allowed", NULL},
    {408, "Request Timeout", "it took too long"},
    {413, "Content Too Large", "the body is too large"},
    {414, "URI Too Long", "the request line is too long"},
    {415, "Unsupported Media Type", NULL},
    {417, "Expectation Failed", "this can not be expected here"},
    {421, "Misdirected Request", "this is another server"},
    {431, "Request Header Fields Too Large", "the headers are too large"},
    {501, "Not Implemented", "the method, or the coding, is not known here"},
    {503, "Service Unavailable", NULL},
    {505, "HTTP Version Not Supported", "HTTP/1.1 is spoken here"},
    {500, "Internal Server Error", "out of memory"},
};

static const status_t* find_status(int status) {
  const status_t* last = &statuses[sizeof(statuses) / sizeof(*statuses) - 1];
  const status_t* found = statuses;

  while (found != last && found->status != status) found++;
  return found;
}

const char* answer_why(int status) { return find_status(status)->why; }

static void write_connection(bytes_t* out, const answer_t* answer) {
  if (!answer->keeps_alive) {
    bytes_add_text(out, "Connection: close\r\n");
  } else if (answer->is_old) {
    bytes_add_text(out, "Connection: keep-alive\r\n");
  }
}

void answer_write(bytes_t* out, const answer_t* answer, const char* date) {
  bytes_printf(
      out, "HTTP/1.1 %d %s\r\nDate: %s\r\nContent-Type: %s\r\nX-Content-Type-Options: nosniff\r\n",
      answer->status, find_status(answer->status)->reason, date, answer->type);
  write_connection(out, answer);
  if (answer->headers != NULL) bytes_add_text(out, answer->headers);
  if (!answer->is_stream) bytes_printf(out, "Content-Length: %zu\r\n", answer->len);
  bytes_add_text(out, "\r\n");
  if (!answer->is_head) bytes_add(out, answer->body, answer->len);
}
