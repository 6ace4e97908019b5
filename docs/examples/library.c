/* SPDX-License-Identifier: MIT */
/* The library itself: its version, and whose memory it uses. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uvchan.h>

static int pieces;

static void* counting_malloc(size_t size) {
  pieces++;
  return malloc(size);
}

int main(void) {
  char expected[32];
  uvchan_t* channel;

  /* before any other call of the library */
  if (uvchan_replace_allocator(counting_malloc, realloc, calloc, free) != 0) return 1;
  if (uvchan_create(&channel, 64, 1000) != 0) return 1;
  printf("a channel is one piece of memory: %d\n", pieces);
  uvchan_release(channel);

  snprintf(expected, sizeof(expected), "%d.%d.%d", UVCHAN_VERSION_MAJOR, UVCHAN_VERSION_MINOR,
           UVCHAN_VERSION_PATCH);
  printf("linked as compiled: %d\n", strcmp(expected, uvchan_version_string()) == 0 &&
                                         uvchan_version() >> 16 == UVCHAN_VERSION_MAJOR);
  return 0;
}
