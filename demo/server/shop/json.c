/* SPDX-License-Identifier: MIT */
/* JSON as the JSON library writes it: compact, and numbers with at most nine digits, which is what
 * a time of three decimals needs. */
#include "shop/json.h"

static int add(const char* text, size_t len, void* data) {
  bytes_t* out = data;

  bytes_add(out, text, len);
  return out->has_failed ? -1 : 0;
}

void json_add(bytes_t* out, json_t* value) {
  if (json_dump_callback(value, add, out, JSON_COMPACT | JSON_REAL_PRECISION(9)) != 0)
    out->has_failed = 1;
  json_decref(value);
}

double json_ms(double ms) { return (double)(long long)(ms * 1000 + 0.5) / 1000; }
