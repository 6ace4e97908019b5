/* SPDX-License-Identifier: MIT */
/* What is in the process's channels, for people and for tools. */
#include <stdio.h>
#include <string.h>
#include <uvchan/inspect.h>

typedef struct {
  size_t n;
  char bytes[20000];
} text_t;

static int keep(void* arg, const char* bytes, size_t n) { /* UV_ENOBUFS ends it */
  text_t* text = arg;

  if (n >= sizeof(text->bytes) - text->n) return UV_ENOBUFS;
  memcpy(text->bytes + text->n, bytes, n);
  text->n += n;
  text->bytes[text->n] = '\0';
  return 0;
}

static void print_line(const char* begin) {
  const char* end = begin == NULL ? NULL : strchr(begin, '\n');

  if (end != NULL) printf("%.*s\n", (int)(end - begin), begin);
}

int main(void) {
  static const uvchan_format_t formats[] = {UVCHAN_TEXT, UVCHAN_JSON};
  static text_t text;
  const uvchan_options_t options = {.elem_size = sizeof(int), .capacity = 4, .name = "orders"};
  uvchan_write_cb write = keep;
  uvchan_t* orders;

  if (uvchan_create_ex(&orders, &options) != 0) return 1;
  for (int i = 0; i < 3; i++) uvchan_try_send(orders, &i);
  uvchan_print_all(NULL, stderr); /* all; or those of one loop */
  for (int i = 0; i < 2; i++) {
    text.n = 0;
    if (uvchan_inspect(NULL, formats[i], write, &text) != 0) return 1;
    printf("orders: %d\n", strstr(text.bytes, "\"orders\"") != NULL);
  }
  text.n = 0;
  if (uvchan_write_metrics(write, &text) != 0) return 1; /* for Prometheus */
  print_line(strstr(text.bytes, "uvchan_channel_length{"));
  uvchan_release(orders);
  return 0;
}
