/* SPDX-License-Identifier: MIT */
/* Values of any size: an encoder makes bytes of what an element points to, a decoder the reverse.
 * What is in nobody's hands is freed by one of the two, or by `undo`: leaks are told by the
 * sanitizer, and what is free twice too. */
#include "ends.h"

/* ---- Words, which are elements that point to memory ------------------------------------------ */

static char* make_word(uint64_t number) {
  size_t n = (size_t)(number % 100);
  char* word = malloc(n + 32);

  must(word != NULL);
  memset(word, 'a', n);
  snprintf(word + n, 32, "%u", (unsigned int)number);
  return word;
}

/* Its end does not travel. A word that begins with 'x' is refused. */
static ssize_t encode(uvchan_redis_sink_t* sink, const void* value, void* bytes, size_t size) {
  char* word;
  size_t n;

  memcpy(&word, value, sizeof(word));
  n = strlen(word);
  must(sink->channel != NULL);
  if (n <= size) memcpy(bytes, word, n);
  if (word[0] == 'x') n = (size_t)UV_EINVAL;
  free(word);
  return (ssize_t)n;
}

static int decode(uvchan_redis_source_t* source, const char* format, const void* bytes, size_t size,
                  void* value) {
  char* word;

  must(source->channel != NULL);
  if (strcmp(format, "word/1") != 0) return UV_EPROTONOSUPPORT;
  word = malloc(size + 1);
  must(word != NULL);
  memcpy(word, bytes, size);
  word[size] = '\0';
  memcpy(value, &word, sizeof(word));
  return 0;
}

static unsigned int undone;

static void undo(uvchan_redis_source_t* source, void* value) {
  char* word;

  (void)source;
  memcpy(&word, value, sizeof(word));
  free(word);
  undone++;
}

/* ---- Ends ------------------------------------------------------------------------------------ */

typedef struct {
  uvchan_redis_ticket_t ticket;
  char* word;
} worded_t;

static uvchan_redis_sink_options_t word_options(void) {
  uvchan_redis_sink_options_t options = out_options("one");

  options.encode = encode;
  options.format = "word/1";
  return options;
}

static void open_words_out(out_t* out, size_t capacity,
                           const uvchan_redis_sink_options_t* options) {
  memset(out, 0, sizeof(*out));
  out->ch = support_channel(sizeof(char*), capacity);
  must(uvchan_redis_sink_init(&scene.loop, &out->handle, out->ch, options) == 0);
}

static void send_words(out_t* out, uint64_t from, uint64_t to) {
  for (; from < to; from++) {
    char* word = make_word(from);
    must(uvchan_try_send(out->ch, &word) == 0);
  }
}

/* A word comes with a ticket, is the next one, and is done with. */
static void on_word(uvchan_receiver_t* receiver, int status, const void* value) {
  in_t* in = receiver->data;
  char* expected;
  worded_t element;

  if (status < 0) {
    in->ends++;
    in->end = status;
    return;
  }
  memcpy(&element, value, sizeof(element));
  expected = make_word(in->next++);
  ck_assert_str_eq(element.word, expected);
  free(expected);
  free(element.word);
  in->values++;
  must(uvchan_redis_done(&element.ticket) == 0);
}

static void open_words_in(in_t* in, size_t capacity, uvchan_redis_source_options_t* options) {
  if (options->decode == NULL) options->decode = decode;
  options->undo = undo;
  undone = 0;
  memset(in, 0, sizeof(*in));
  in->ch = support_channel(sizeof(worded_t), capacity);
  must(uvchan_redis_source_init(&scene.loop, &in->handle, in->ch, options) == 0);
  must(uvchan_receiver_init(&scene.loop, &in->receiver, in->ch) == 0);
  in->receiver.data = in;
}

static void out_release(out_t* out) {
  out_close(out);
  uvchan_release(out->ch);
}

/* ---- Tests ----------------------------------------------------------------------------------- */

START_TEST(words_of_any_size_go_through_in_order) {
  uvchan_redis_source_options_t in_with = in_options("one");
  uvchan_redis_sink_options_t out_with = word_options();
  uint64_t sent = 0;
  out_t out;
  in_t in;

  out_with.in_flight = 7;
  out_with.batch = 3;
  in_with.in_flight = 5;
  in_with.batch = 2;
  open_words_out(&out, 10, &out_with);
  open_words_in(&in, 4, &in_with);
  must(uvchan_recv_start(&in.receiver, on_word) == 0);
  while (in.next < 1000) {
    while (sent < 1000 && uvchan_len(out.ch) < 10) {
      send_words(&out, sent, sent + 1);
      sent++;
    }
    uv_run(&scene.loop, UV_RUN_ONCE);
  }
  must(uvchan_close(out.ch) == 0);
  run_to_end(&out, &in);
  ck_assert_int_eq(out.status, 0);
  ck_assert_int_eq(in.end, UV_EOF);
  ck_assert_uint_eq(in.values, 1000);
  ck_assert_uint_eq(undone, 0);
  out_release(&out);
  in_close(&in);
}
END_TEST

START_TEST(what_the_encoder_refuses_is_counted_and_goes_nowhere) {
  uvchan_redis_sink_options_t with = word_options();
  char* word = strdup("x");
  out_t out;

  with.encoded_bytes = 50;
  open_words_out(&out, 16, &with);
  must(uvchan_try_send(out.ch, &word) == 0);
  send_words(&out, 45, 48); /* of 47, 48 and 49 bytes */
  send_words(&out, 49, 51); /* of 51 and 52: too long */
  send_words(&out, 100, 102);
  must(uvchan_close(out.ch) == 0);
  run_until(&scene.loop, out.ends == 1);
  ck_assert_int_eq(out.status, 0);
  ck_assert_uint_eq(out_stats(&out).refused, 3);
  ck_assert_uint_eq(out_stats(&out).values, 5);
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:stream"), 5);
  out_release(&out);
}
END_TEST

START_TEST(an_encoder_needs_a_format) {
  static const char* const formats[] = {
      NULL,
      "",
      "1",
      "64",
      "-a",
      " a",
      "a123456789012345678901234567890123456789012345678901234567890123"};
  uvchan_redis_sink_options_t with = word_options();
  uvchan_t* ch = support_channel(sizeof(char*), 1);
  uvchan_redis_sink_t sink;
  size_t i;

  for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
    with.format = formats[i];
    ck_assert_int_eq(uvchan_redis_sink_init(&scene.loop, &sink, ch, &with), UV_EINVAL);
  }
  uvchan_release(ch);
}
END_TEST

/* One that the decoder can't read goes to the dead letters with its word for it. */
START_TEST(what_the_decoder_refuses_is_dead) {
  uvchan_redis_source_options_t in_with = in_options("one");
  uvchan_redis_sink_options_t out_with = word_options();
  redisContext* context;
  redisReply* reply;
  out_t out;
  in_t in;

  server_do("XADD uvchan:{orders}:stream * f 1;word/2 p x n 1 v later");
  context = server_connect();
  reply = redisCommand(context, "XADD uvchan:{orders}:stream * f %s p x n 2 v other", "1 word/2");
  must(reply != NULL && reply->type == REDIS_REPLY_STRING);
  freeReplyObject(reply);
  open_words_out(&out, 16, &out_with);
  open_words_in(&in, 4, &in_with);
  must(uvchan_recv_start(&in.receiver, on_word) == 0);
  send_words(&out, 0, 3);
  must(uvchan_close(out.ch) == 0);
  run_until(&scene.loop, in_stats(&in).dead == 2 && out.ends == 1 && in.source_ends == 1);
  ck_assert_uint_eq(in.values, 3);
  reply = redisCommand(context, "XRANGE uvchan:{orders}:dead - +");
  must(reply != NULL && reply->elements == 2);
  ck_assert_str_eq(reply->element[0]->element[1]->element[1]->str, "EPROTO");
  ck_assert_str_eq(reply->element[1]->element[1]->element[1]->str, "EPROTONOSUPPORT");
  freeReplyObject(reply);
  redisFree(context);
  out_release(&out);
  in_close(&in);
}
END_TEST

static int failures_left;

static int decode_later(uvchan_redis_source_t* source, const char* format, const void* bytes,
                        size_t size, void* value) {
  if (failures_left > 0) return failures_left-- % 2 == 0 ? UV_ENOMEM : UV_EAGAIN;
  return decode(source, format, bytes, size, value);
}

/* One that it can't read for the moment is no dead letter. */
START_TEST(what_the_decoder_puts_off_comes_again) {
  uvchan_redis_source_options_t in_with = in_options("one");
  uvchan_redis_sink_options_t out_with = word_options();
  out_t out;
  in_t in;

  in_with.claim_after_ms = 10;
  in_with.decode = decode_later;
  failures_left = 4;
  open_words_out(&out, 16, &out_with);
  open_words_in(&in, 4, &in_with);
  must(uvchan_recv_start(&in.receiver, on_word) == 0);
  send_words(&out, 0, 1);
  must(uvchan_close(out.ch) == 0);
  run_until(&scene.loop, out.ends == 1 && in.source_ends == 1);
  ck_assert_int_eq(failures_left, 0);
  ck_assert_uint_eq(in.values, 1);
  ck_assert_uint_eq(in_stats(&in).dead, 0);
  out_release(&out);
  in_close(&in);
}
END_TEST

/* Of six in slots two are in the channel, and four wait for room in it: those are undone. */
static void leave_by_channel(in_t* in) {
  must(uvchan_close(in->ch) == 0);
  run_until(&scene.loop, undone == 4);
  must(uvchan_recv_start(&in->receiver, on_word) == 0);
  run_until(&scene.loop, in->source_ends == 1 && in->values == 2);
  ck_assert_int_eq(in->status, UV_EPIPE);
  in_close(in);
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:stream"), 8);
}

static void leave_by_source(in_t* in) {
  worded_t element;

  uvchan_redis_source_close(&in->handle, in_on_close);
  uvchan_receiver_close(&in->receiver, in_on_receiver_close);
  run_until(&scene.loop, in->closes == 2);
  ck_assert_uint_eq(undone, 4);
  while (uvchan_try_recv(in->ch, &element) == 0) {
    free(element.word);
    must(uvchan_redis_forget(&element.ticket) == 0);
  }
  uvchan_release(in->ch);
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:stream"), 10);
}

static void check_undone(int is_channel_closed) {
  uvchan_redis_source_options_t in_with = in_options("one");
  uvchan_redis_sink_options_t out_with = word_options();
  out_t out;
  in_t in;

  open_words_out(&out, 16, &out_with);
  send_words(&out, 0, 10);
  run_until(&scene.loop, out_stats(&out).values == 10);
  in_with.in_flight = 6;
  open_words_in(&in, 2, &in_with);
  run_until(&scene.loop, uvchan_len(in.ch) == 2 && in_stats(&in).held == 6);
  if (is_channel_closed) {
    leave_by_channel(&in);
  } else {
    leave_by_source(&in);
  }
  out_release(&out);
}

START_TEST(what_a_closed_channel_does_not_take_is_undone) { check_undone(1); }
END_TEST

START_TEST(what_a_closed_source_has_is_undone) { check_undone(0); }
END_TEST

/* ---- Closing in the callbacks ---------------------------------------------------------------- */

static ssize_t encode_and_close(uvchan_redis_sink_t* sink, const void* value, void* bytes,
                                size_t size) {
  uvchan_redis_sink_close(sink, out_on_close);
  return encode(sink, value, bytes, size);
}

static int decode_and_close(uvchan_redis_source_t* source, const char* format, const void* bytes,
                            size_t size, void* value) {
  uvchan_redis_source_close(source, in_on_close);
  return decode(source, format, bytes, size, value);
}

START_TEST(a_sink_may_be_closed_in_its_encoder) {
  uvchan_redis_sink_options_t with = word_options();
  uint64_t before;
  out_t out;

  with.encode = encode_and_close;
  for (before = 0; before < 2; before++) { /* by the request, and by what is there at once */
    open_words_out(&out, 16, &with);
    send_words(&out, 0, before);
    run_until(&scene.loop, before == 1 || out_stats(&out).state == UVCHAN_REDIS_RUNNING);
    send_words(&out, before, 1);
    run_until(&scene.loop, out.closes == 1);
    uvchan_release(out.ch);
  }
}
END_TEST

START_TEST(a_source_may_be_closed_in_its_decoder) {
  uvchan_redis_source_options_t in_with = in_options("one");
  uvchan_redis_sink_options_t out_with = word_options();
  out_t out;
  in_t in;

  open_words_out(&out, 16, &out_with);
  send_words(&out, 0, 10);
  run_until(&scene.loop, out_stats(&out).values == 10);
  in_with.decode = decode_and_close;
  in_with.undo = undo;
  undone = 0;
  memset(&in, 0, sizeof(in));
  in.ch = support_channel(sizeof(worded_t), 4);
  must(uvchan_redis_source_init(&scene.loop, &in.handle, in.ch, &in_with) == 0);
  run_until(&scene.loop, in.closes == 1);
  ck_assert_uint_eq(undone, 1);
  uvchan_release(in.ch);
  out_release(&out);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("redis-codec");
  TCase* tcase = redis_tcase(suite, "codec");

  tcase_add_test(tcase, words_of_any_size_go_through_in_order);
  tcase_add_test(tcase, what_the_encoder_refuses_is_counted_and_goes_nowhere);
  tcase_add_test(tcase, an_encoder_needs_a_format);
  tcase_add_test(tcase, what_the_decoder_refuses_is_dead);
  tcase_add_test(tcase, what_the_decoder_puts_off_comes_again);
  tcase_add_test(tcase, what_a_closed_channel_does_not_take_is_undone);
  tcase_add_test(tcase, what_a_closed_source_has_is_undone);
  tcase_add_test(tcase, a_sink_may_be_closed_in_its_encoder);
  tcase_add_test(tcase, a_source_may_be_closed_in_its_decoder);
  return support_main(suite);
}
