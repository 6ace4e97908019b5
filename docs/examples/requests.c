/* SPDX-License-Identifier: MIT */
/* Requests: a loop that sends and receives one value, and waits its turn without blocking. */
#include <stdio.h>
#include <uvchan.h>

static uvchan_t* box;
static uvchan_recv_t receiving;
static int received;
static uvchan_recv_t in_vain;
static int nothing;

static void on_cancelled(uvchan_recv_t* req, int status) {
  (void)req;
  puts(uv_err_name(status)); /* nothing was taken */
}

static void on_received(uvchan_recv_t* req, int status) {
  printf("received %d\n", status == 0 ? received : status);
  uvchan_recv(req->loop, &in_vain, box, &nothing, on_cancelled);
  uvchan_cancel((uvchan_req_t*)&in_vain);
}

static void on_sent(uvchan_send_t* req, int status) {
  (void)req;
  printf("sent: %d\n", status);
}

int main(void) {
  uv_loop_t* loop = uv_default_loop();
  static const int value = 42; /* in place until the callback */
  uvchan_send_t sending;

  if (uvchan_create(&box, sizeof(int), 0) != 0) return 1; /* unbuffered: they meet */
  if (uvchan_send(loop, &sending, box, &value, on_sent) != 0) return 1;
  if (uvchan_recv(loop, &receiving, box, &received, on_received) != 0) return 1;
  uv_run(loop, UV_RUN_DEFAULT);
  uvchan_release(box);
  return uv_loop_close(loop);
}
