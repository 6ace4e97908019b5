/* SPDX-License-Identifier: MIT */
/* A value goes into a channel and comes out again. */
#include <uvchan.h>

int main(void) {
  uvchan_t* ch;
  int in = 42;
  int out = 0;

  if (uvchan_create(&ch, sizeof(in), 1) != 0) return 1;
  if (uvchan_try_send(ch, &in) != 0 || uvchan_try_recv(ch, &out) != 0) return 1;
  uvchan_release(ch);
  return out == 42 && uv_version() != 0 ? 0 : 1;
}
