/* SPDX-License-Identifier: MIT */
/* Values of any size: a channel of strings goes through a stream, written by an encoder and made
 * anew by a decoder. The argument is the server's unix socket; without one it is at 127.0.0.1. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uvchan/redis.h>

typedef struct {
  uvchan_redis_ticket_t ticket; /* first */
  char* text;
} element_t;

static uvchan_redis_stats_t sent; /* at the sink's end */

/* The value is the encoder's own: the channel has no other use for it. */
static ssize_t encode(uvchan_redis_sink_t* sink, const void* value, void* bytes, size_t size) {
  char* text = *(char* const*)value;
  size_t length = strlen(text);

  (void)sink;
  if (length <= size) memcpy(bytes, text, length);
  free(text);
  return (ssize_t)length; /* more than size: it goes nowhere, and is counted */
}

static int decode(uvchan_redis_source_t* source, const char* format, const void* bytes, size_t size,
                  void* value) {
  char* text;

  (void)source;
  if (strcmp(format, "text/1") != 0) return UV_EPROTO; /* to the dead letters */
  text = malloc(size + 1);
  if (text == NULL) return UV_ENOMEM;
  memcpy(text, bytes, size);
  text[size] = '\0';
  *(char**)value = text;
  return 0;
}

/* A text that the channel will not have: its entry stays in the stream. */
static void undo(uvchan_redis_source_t* source, void* value) {
  (void)source;
  free(*(char**)value);
}

/* Each text is done when this returns. */
static void on_element(uvchan_receiver_t* receiver, int status, const void* value) {
  const element_t* element = value;

  if (status < 0) {
    uvchan_receiver_close(receiver, NULL);
    return;
  }
  printf("\"%s\"\n", element->text);
  free(element->text);
}

static void on_sink_end(uvchan_redis_sink_t* sink, int status) {
  (void)status;
  uvchan_redis_sink_stats(sink, &sent);
  uvchan_redis_sink_close(sink, NULL);
}

static void on_source_end(uvchan_redis_source_t* source, int status) {
  (void)status;
  uvchan_redis_source_close(source, NULL);
}

static void say(uvchan_t* ch, const char* words) {
  char* text = malloc(strlen(words) + 1);

  if (text == NULL) return;
  strcpy(text, words);
  if (uvchan_try_send(ch, &text) != 0) free(text);
}

int main(int argc, char** argv) {
  const uvchan_redis_server_t server = {.path = argc > 1 ? argv[1] : NULL};
  const uvchan_redis_sink_options_t out = {.server = server,
                                           .stream = "words",
                                           .producer = "one",
                                           .encode = encode,
                                           .format = "text/1",
                                           .encoded_bytes = 20, /* of one value, at most */
                                           .on_end = on_sink_end};
  const uvchan_redis_source_options_t in = {.server = server,
                                            .stream = "words",
                                            .consumer = "one",
                                            .decode = decode,
                                            .undo = undo,
                                            .on_end = on_source_end};
  uv_loop_t* loop = uv_default_loop();
  uvchan_redis_sink_t sink;
  uvchan_redis_source_t source;
  uvchan_redis_receiver_t receiver;
  uvchan_t *here, *there; /* which may be another machine */

  if (uvchan_create(&here, sizeof(char*), 8) != 0) return 1;
  if (uvchan_create(&there, sizeof(element_t), 8) != 0) return 1;
  say(here, "a short one");
  say(here, "");
  say(here, "one that is too long by far");
  say(here, "the last one");
  uvchan_close(here);
  if (uvchan_redis_sink_init(loop, &sink, here, &out) != 0) return 1;
  if (uvchan_redis_source_init(loop, &source, there, &in) != 0) return 1;
  if (uvchan_receiver_init(loop, &receiver.receiver, there) != 0) return 1;
  if (uvchan_redis_recv_start(&receiver, on_element) != 0) return 1;
  uv_run(loop, UV_RUN_DEFAULT);
  printf("%d sent, %d refused\n", (int)sent.values, (int)sent.refused);
  uvchan_release(here);
  uvchan_release(there);
  return uv_loop_close(loop);
}
