/* SPDX-License-Identifier: MIT */
/* Orders: read from JSON or a form, and written as JSON. Strings are checked by
 * the JSON library: UTF-8, and here also without control characters. */
#include "shop/order.h"

#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "shop/json.h"

/* ---- What a customer asks for ---------------------------------------------------------------- */

/* A character of UTF-8 begins with any byte but those of the form 10xxxxxx. */
static size_t characters_in(const char* text, size_t len) {
  size_t n = 0;

  for (size_t i = 0; i < len; i++) n += ((unsigned char)text[i] & 0xc0) != 0x80;
  return n;
}

static int is_printable(const char* text, size_t len) {
  for (size_t i = 0; i < len; i++) {
    if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f) return 0;
  }
  return 1;
}

static int set_name(name_t* name, const json_t* value) {
  const char* text = json_string_value(value);
  size_t len = json_string_length(value);

  if (text == NULL || characters_in(text, len) > NAME_CHARACTERS || !is_printable(text, len))
    return 0;
  memcpy(name->bytes, text, len);
  name->bytes[len] = '\0';
  return 1;
}

static const char* wish_from(wish_t* wish, const json_t* pizza, const json_t* count,
                             const json_t* customer) {
  json_int_t number = json_integer_value(count);

  *wish = (wish_t){.count = 0};
  if (!set_name(&wish->pizza, pizza) || wish->pizza.bytes[0] == '\0')
    return "pizza: 1 to 40 printable characters are wanted";
  if (!json_is_integer(count) || number < 1 || number > COUNT_MAX)
    return "count: a whole number from 1 to 99 is wanted";
  wish->count = (int)number;
  if (customer != NULL && !json_is_null(customer) && !set_name(&wish->customer, customer)) {
    return "customer: at most 40 printable characters are wanted";
  }
  return NULL;
}

const char* wish_from_json(wish_t* wish, const char* text, size_t len) {
  json_t* root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
  const char* wrong = "the body is not a JSON object";

  if (json_is_object(root)) {
    wrong = wish_from(wish, json_object_get(root, "pizza"), json_object_get(root, "count"),
                      json_object_get(root, "customer"));
  }
  json_decref(root);
  return wrong;
}

/* ---- Forms ----------------------------------------------------------------------------------- */

static int hex_value(char digit) {
  if (isdigit((unsigned char)digit)) return digit - '0';
  return isxdigit((unsigned char)digit) ? tolower((unsigned char)digit) - 'a' + 10 : -1;
}

/* Decodes one name or value of a form into room for as many bytes; answers how many came out, or
 * -1. */
static int decode(const char* text, size_t len, char* out) {
  size_t n = 0;

  for (size_t i = 0; i < len; i++) {
    int high = 0, low = 0;

    if (text[i] != '%') {
      out[n++] = text[i] == '+' ? ' ' : text[i];
      continue;
    }
    if (len - i < 3 || (high = hex_value(text[i + 1])) < 0 || (low = hex_value(text[i + 2])) < 0)
      return -1;
    out[n++] = (char)(high * 16 + low);
    i += 2;
  }
  return (int)n;
}

/* The fields of a form, decoded, as JSON: a count that reads as a whole number becomes one. NULL:
 * it is no form, or memory ran out. */
static int add_field(json_t* fields, const char* pair, size_t len, char* scratch) {
  const char* equals = memchr(pair, '=', len);
  size_t name_len = equals == NULL ? len : (size_t)(equals - pair);
  int decoded_name = decode(pair, name_len, scratch);
  int decoded;
  char name[16];

  if (decoded_name < 0) return 0;
  if ((size_t)decoded_name >= sizeof(name)) return 1; /* none of ours */
  memcpy(name, scratch, (size_t)decoded_name);
  name[decoded_name] = '\0';
  decoded = equals == NULL ? 0 : decode(equals + 1, len - name_len - 1, scratch);
  if (decoded < 0) return 0;
  if (strcmp(name, "count") == 0 && decoded > 0 && decoded < 4 &&
      strspn(scratch, "0123456789") >= (size_t)decoded) {
    scratch[decoded] = '\0';
    return json_object_set_new(fields, name, json_integer(strtol(scratch, NULL, 10))) == 0;
  }
  return json_object_set_new(fields, name, json_stringn(scratch, (size_t)decoded)) == 0;
}

static json_t* read_form(const char* text, size_t len) {
  json_t* fields = json_object();
  char* scratch = malloc(len + 1);
  int is_right = fields != NULL && scratch != NULL;

  for (size_t at = 0; is_right && at < len;) {
    const char* end = memchr(text + at, '&', len - at);
    size_t pair = end == NULL ? len - at : (size_t)(end - text) - at;

    memset(scratch, 0, len + 1);
    if (pair > 0) is_right = add_field(fields, text + at, pair, scratch);
    at += pair + 1;
  }
  free(scratch);
  if (is_right) return fields;
  json_decref(fields);
  return NULL;
}

const char* wish_from_form(wish_t* wish, const char* text, size_t len) {
  json_t* fields = read_form(text, len);
  const char* wrong = "the body is not a form in UTF-8";

  if (fields != NULL) {
    wrong = wish_from(wish, json_object_get(fields, "pizza"), json_object_get(fields, "count"),
                      json_object_get(fields, "customer"));
  }
  json_decref(fields);
  return wrong;
}

/* ---- What becomes of it ---------------------------------------------------------------------- */

/* Relaxed: a hint. */
void order_take(order_t* order) {
  atomic_store_explicit(&order->is_taken, 1, memory_order_relaxed);
}

int order_is_taken(const order_t* order) {
  return atomic_load_explicit(&order->is_taken, memory_order_relaxed);
}

double order_waited_ms(const order_t* order) {
  return (double)(order->taken_ns - order->arrived_ns) / 1e6;
}

double order_baked_ms(const order_t* order) {
  return (double)(order->baked_ns - order->taken_ns) / 1e6;
}

void order_write_json(const order_t* order, bytes_t* out) {
  static const char* const reasons[] = {"", "", "out of ingredients", "the cook quit"};

  json_add(out, json_pack("{s:I, s:s, s:i, s:s, s:s, s:s, s:f, s:f}", "number",
                          (json_int_t)order->number, "pizza", order->wish.pizza.bytes, "count",
                          order->wish.count, "customer", order->wish.customer.bytes, "outcome",
                          outcome_is_ready(order->outcome) ? "ready" : "lost", "reason",
                          reasons[order->outcome], "waited_ms", json_ms(order_waited_ms(order)),
                          "baked_ms", json_ms(order_baked_ms(order))));
}
