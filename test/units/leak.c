/* SPDX-License-Identifier: MIT */
/* A channel that is never released: the list of all channels does not keep a leak checker from
 * seeing it. */
#include <uvchan.h>

int main(void) {
  uvchan_t* ch;

  return uvchan_create(&ch, 8, 4);
}
