/* SPDX-License-Identifier: MIT */
/* How a channel and a pool are told, in each format. Knows glances; does not know walks. Threads:
 * the caller's, with no lock held. */
#ifndef UVCHAN_SHOW_H
#define UVCHAN_SHOW_H

#include "channel/glance.h"
#include "inspect/writer.h"
#include "pool/glance.h"

/* A format: what stands around the channels and the pools, and each of them. is_first: in its
 * list. */
typedef struct {
  const char* begin;
  void (*channel)(uvchan__writer_t* writer, const uvchan__glance_t* glance, int is_first);
  const char* between;
  void (*pool)(uvchan__writer_t* writer, const uvchan__pool_glance_t* glance, int is_first);
  const char* end;
} uvchan__show_t;

extern const uvchan__show_t uvchan__text;
extern const uvchan__show_t uvchan__json;

/* The end that a closed channel has, as libuv calls it. */
void uvchan__put_status(uvchan__writer_t* writer, int status);

#endif /* UVCHAN_SHOW_H */
