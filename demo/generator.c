/* SPDX-License-Identifier: MIT */
/* Generator: a function that hands back values one by one, at the pace of whoever takes them.
 *
 * The generator owns a channel and a thread. The thread sends 0 to 19, never more than one ahead of
 * the consumer since the channel holds one value, and closes the channel: it alone knows when the
 * last value was sent. The consumer gets an end that can only receive; the compiler refuses to send
 * to it or to close it. On the loop each value comes as a callback, and the end of the stream as
 * one more. With the receiver closed nothing is left to wait for, and the loop ends by itself. */
#include <stdio.h>
#include <uv.h>
#include <uvchan/typed.h>

#include "must.h"

UVCHAN_TYPED(ints, int)

typedef struct {
  ints_t values; /* the generator's reference; the ends borrow it */
  uv_thread_t thread;
} generator_t;

/* The generator's thread: waiting for room blocks it, and nobody else. */
static void run_generator(void* arg) {
  const generator_t* generator = arg;
  ints_sendonly_t out = ints_sendonly(generator->values);

  for (int v = 0; v < 20; v++) must("send a value", ints_send_wait(out, v));
  must("close the channel", ints_close(out));
}

/* Hands back the end to receive from, which is valid until end_generator(). */
static ints_recvonly_t start_generator(generator_t* generator) {
  must("create the channel", ints_create(&generator->values, 1));
  must("start the thread", uv_thread_create(&generator->thread, run_generator, generator));
  return ints_recvonly(generator->values);
}

static void end_generator(generator_t* generator) {
  must("join the thread", uv_thread_join(&generator->thread));
  ints_release(generator->values);
}

/* The consumer: what Go writes as `for v := range gen()`. */
static void on_value(ints_receiver_t* receiver, int status, const int* value) {
  if (status == UV_EOF) {
    ints_receiver_close(receiver, NULL);
    return;
  }
  must("receive a value", status);
  printf("%d\n", *value);
}

int main(void) {
  uv_loop_t loop;
  generator_t generator;
  ints_receiver_t receiver;

  must("make the loop", uv_loop_init(&loop));
  must("make the receiver", ints_receiver_init(&loop, &receiver, start_generator(&generator)));
  must("start the receiver", ints_recv_start(&receiver, on_value));
  must("run the loop", uv_run(&loop, UV_RUN_DEFAULT));

  end_generator(&generator);
  must("close the loop", uv_loop_close(&loop));
  must_have_printed();
  return EXIT_SUCCESS;
}
