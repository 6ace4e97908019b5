/* SPDX-License-Identifier: MIT */
/* A loop that receives: one value a callback, or as many as there are. */
#include <assert.h>
#include <stdio.h>
#include <uvchan.h>

static int singly;
static int in_batches;

static void on_batch(uvchan_receiver_t* receiver, ssize_t nvalues, const void* values) {
  const int* numbers = values;

  if (nvalues < 0) { /* the end */
    uvchan_receiver_close(receiver, NULL);
    return;
  }
  for (ssize_t i = 0; i < nvalues; i++) in_batches += numbers[i] > 0;
}

/* After three values it goes on in batches. */
static void on_number(uvchan_receiver_t* receiver, int status, const void* value) {
  if (status != 0) return;
  printf("%d\n", *(const int*)value);
  if (++singly < 3) return;
  uvchan_recv_stop(receiver); /* what is left stays in the channel */
  uvchan_recv_start_batch(receiver, on_batch);
}

int main(void) {
  uv_loop_t* loop = uv_default_loop();
  uvchan_receiver_t receiver;
  uvchan_t* numbers;

  if (uvchan_create(&numbers, sizeof(int), 100) != 0) return 1;
  for (int i = 1; i <= 100; i++) uvchan_try_send(numbers, &i);
  uvchan_close(numbers);

  if (uvchan_receiver_init(loop, &receiver, numbers) != 0) return 1;
  uvchan_receiver_set_budget(&receiver, 16); /* values, before sockets have their turn */
  uvchan_receiver_set_spin(&receiver, 0);    /* microseconds: the loop sleeps at once */
  uvchan_recv_start(&receiver, on_number);
  assert(uvchan_receiver_is_active(&receiver));

  uvchan_receiver_unref(&receiver); /* the loop would not wait for it */
  assert(!uvchan_receiver_has_ref(&receiver));
  uvchan_receiver_ref(&receiver);

  uv_run(loop, UV_RUN_DEFAULT); /* until it is closed */
  assert(uvchan_receiver_is_closing(&receiver));
  printf("and %d more\n", in_batches);
  uvchan_release(numbers);
  return uv_loop_close(loop);
}
