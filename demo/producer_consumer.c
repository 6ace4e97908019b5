/* SPDX-License-Identifier: MIT */
/* Producers and a consumer: ten threads send into one unbuffered channel, and the consumer on the
 * loop takes the values one by one.
 *
 * The question is who closes the channel. No producer can, for nine others may still send; the
 * consumer can't know which value is the last. So a wait group counts: one added for each producer,
 * one done for each value processed. Its notify request calls back on the loop once the count is
 * zero, and that callback closes the channel; only then does the consumer see the end of the
 * stream. A send into an unbuffered channel completes only when the value was taken, and the loop
 * ends only when the receiver is closed, so no sleep is needed to be sure that "Done" is the last
 * line. */
#include <stdio.h>
#include <uv.h>
#include <uvchan/typed.h>

#include "must.h"

#define PRODUCERS 10

UVCHAN_TYPED(numbers, int)

typedef struct {
  /* borrowed from main(), which joins the thread before it releases the channel */
  numbers_sendonly_t out;
  int i;
  uv_thread_t thread;
} producer_t;

static void run_producer(void* arg) {
  const producer_t* producer = arg;

  must("send a number", numbers_send_wait(producer->out, producer->i * 2));
}

static void on_number(numbers_receiver_t* consumer, int status, const int* number) {
  uvchan_waitgroup_t* unprocessed = consumer->handle.data;

  if (status == UV_EOF) {
    puts("###################");
    numbers_receiver_close(consumer, NULL);
    return;
  }
  must("receive a number", status);
  printf("process %d\n", *number * 1000);
  must("count a number as done", uvchan_waitgroup_done(unprocessed));
}

static void on_all_processed(uvchan_notify_t* req, int status) {
  const numbers_sendonly_t* numbers = req->data;

  must("wait for the producers", status);
  must("close the channel", numbers_close(*numbers));
}

static void start_producers(producer_t producers[PRODUCERS], numbers_sendonly_t out,
                            uvchan_waitgroup_t* unprocessed) {
  for (int i = 0; i < PRODUCERS; i++) {
    producers[i].out = out;
    producers[i].i = i;
    must("count a producer", uvchan_waitgroup_add(unprocessed, 1));
    must("start a thread", uv_thread_create(&producers[i].thread, run_producer, &producers[i]));
  }
}

static void join_producers(producer_t producers[PRODUCERS]) {
  for (int i = 0; i < PRODUCERS; i++) must("join a thread", uv_thread_join(&producers[i].thread));
}

int main(void) {
  uv_loop_t loop;
  numbers_t numbers;
  numbers_sendonly_t out;
  uvchan_waitgroup_t unprocessed;
  producer_t producers[PRODUCERS];
  numbers_receiver_t consumer;
  uvchan_notify_t all_processed;

  must("make the loop", uv_loop_init(&loop));
  must("create the channel", numbers_create(&numbers, 0));
  must("make the wait group", uvchan_waitgroup_init(&unprocessed));
  out = numbers_sendonly(numbers);
  start_producers(producers, out, &unprocessed);

  must("make the consumer", numbers_receiver_init(&loop, &consumer, numbers_recvonly(numbers)));
  consumer.handle.data = &unprocessed;
  must("start the consumer", numbers_recv_start(&consumer, on_number));

  all_processed.data = &out;
  must("watch the wait group",
       uvchan_waitgroup_notify(&loop, &all_processed, &unprocessed, on_all_processed));

  must("run the loop", uv_run(&loop, UV_RUN_DEFAULT));

  join_producers(producers);
  uvchan_waitgroup_destroy(&unprocessed);
  numbers_release(numbers);
  must("close the loop", uv_loop_close(&loop));
  puts("Done");
  must_have_printed();
  return EXIT_SUCCESS;
}
