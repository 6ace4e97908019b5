/* SPDX-License-Identifier: MIT */
/* Writing JSON values into growing memory. */
#ifndef JSON_H
#define JSON_H

#include <jansson.h>

#include "http/bytes.h"

/* Adds the value as one line of text without its end, and gives back the reference; for NULL, or
 * without memory, *out is marked failed. */
void json_add(bytes_t* out, json_t* value);

/* The same number with three digits behind the point. */
double json_ms(double ms);

#endif /* JSON_H */
