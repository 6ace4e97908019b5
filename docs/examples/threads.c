/* SPDX-License-Identifier: MIT */
/* Threads that wait, for a time or for ever, and move many values at once. */
#include <stdio.h>
#include <uvchan.h>

enum { N = 1000 };

static void produce(void* arg) {
  uvchan_t* numbers = arg;
  int values[N];

  for (int i = 0; i < N; i++) values[i] = i;
  /* waits until all are in, however small the channel is */
  if (uvchan_send_wait_n(numbers, values, N - 1) != N - 1) return;
  uvchan_send_wait(numbers, &values[N - 1]);
  uvchan_close(numbers);
}

static void be_patient_for_a_while(void) {
  uvchan_t* quiet;
  int value = 7;

  if (uvchan_create(&quiet, sizeof(int), 1) != 0) return;
  puts(uv_err_name(uvchan_recv_timedwait(quiet, &value, 1000000))); /* a millisecond */
  uvchan_send_timedwait(quiet, &value, 1000000);
  puts(uv_err_name(uvchan_send_timedwait(quiet, &value, 0))); /* full, and no time */
  uvchan_release(quiet);
}

static void try_many(void) {
  uvchan_t* few;
  int values[5] = {1, 2, 3, 4, 5};

  if (uvchan_create(&few, sizeof(int), 3) != 0) return;
  printf("%d went in\n", (int)uvchan_try_send_n(few, values, 5));
  printf("%d came out\n", (int)uvchan_try_recv_n(few, values, 5));
  uvchan_release(few);
}

int main(void) {
  uv_thread_t producer;
  uvchan_t* numbers;
  int values[64];
  long sum = 0;
  ssize_t n;

  if (uvchan_create(&numbers, sizeof(int), 16) != 0) return 1;
  if (uv_thread_create(&producer, produce, numbers) != 0) return 1;
  if (uvchan_recv_wait(numbers, values) == 0) sum += values[0];
  while ((n = uvchan_recv_wait_n(numbers, values, 64)) > 0) { /* until the end */
    for (ssize_t i = 0; i < n; i++) sum += values[i];
  }
  uv_thread_join(&producer);
  printf("%ld, then %s\n", sum, uv_err_name((int)n));
  uvchan_release(numbers);
  be_patient_for_a_while();
  try_many();
  return 0;
}
