/* SPDX-License-Identifier: MIT */
/* What a request says, once it is whole. Types alone: nothing of the library that parses shows. */
#ifndef REQUEST_H
#define REQUEST_H

#include "http/bytes.h"

typedef enum { METHOD_GET, METHOD_HEAD, METHOD_POST, METHOD_OPTIONS, METHOD_OTHER } method_t;
typedef enum { CONTENT_NONE, CONTENT_JSON, CONTENT_FORM, CONTENT_OTHER } content_t;

typedef struct {
  method_t method;
  const char* method_name; /* as it was sent; NULL until its line was read */
  bytes_t target;          /* a path, with a query perhaps; or "*", with OPTIONS alone */
  bytes_t body;
  content_t content;
  int is_old; /* HTTP/1.0 */
  int keeps_alive;
} request_t;

#endif /* REQUEST_H */
