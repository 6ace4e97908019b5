/* SPDX-License-Identifier: MIT */
/* Ticks as values: the time, every two milliseconds. */
#include <stdio.h>
#include <uvchan.h>

static uvchan_ticker_t ticker;
static int ticks;

static void on_tick(uvchan_receiver_t* receiver, int status, const void* value) {
  (void)value; /* uv_now(), as a uint64_t */
  if (status != 0 || ++ticks < 3) return;
  uvchan_ticker_stop(&ticker);
  uvchan_ticker_close(&ticker, NULL);
  uvchan_receiver_close(receiver, NULL);
}

int main(void) {
  uv_loop_t* loop = uv_default_loop();
  uvchan_receiver_t receiver;
  uvchan_t* times;

  if (uvchan_create(&times, sizeof(uint64_t), 1) != 0) return 1;
  if (uvchan_ticker_init(loop, &ticker, times) != 0) return 1;
  if (uvchan_receiver_init(loop, &receiver, times) != 0) return 1;
  uvchan_recv_start(&receiver, on_tick);
  uvchan_ticker_start(&ticker, 2, 2);
  uvchan_ticker_unref(&ticker); /* the receiver keeps the loop alive */
  uvchan_ticker_ref(&ticker);
  uv_run(loop, UV_RUN_DEFAULT);
  printf("%d ticks, and %s missed\n", ticks, uvchan_ticker_missed(&ticker) < 1000 ? "few" : "many");
  uvchan_release(times);
  return uv_loop_close(loop);
}
