/* SPDX-License-Identifier: MIT */
/* Runs of values go straight into the window; those for an encoder come one by one. */
#include "redis/taking.h"

#include <stdlib.h>

/* ---- Into the window ------------------------------------------------------------------------- */

/* The element becomes bytes in the place at tail, unless it is refused. */
static void keep_encoded(uvchan__redis_taking_t* taking) {
  uvchan__redis_window_t* window = &taking->window;
  void* bytes = uvchan__redis_window_at(window, window->tail);
  ssize_t n = taking->encode(taking->handle, taking->value, bytes, window->stride);

  if (n < 0 || (size_t)n > window->stride) {
    taking->refused++;
  } else {
    window->lengths[window->tail % window->size] = (size_t)n;
    window->tail++;
  }
}

static int has_room(const uvchan__redis_taking_t* taking) {
  return !taking->is_stopped && uvchan__redis_window_free(&taking->window) > 0;
}

static void take_and_encode(uvchan__redis_taking_t* taking) {
  while (has_room(taking) && uvchan_try_recv(taking->handle->channel, taking->value) == 0)
    keep_encoded(taking);
}

static void take_runs(uvchan__redis_taking_t* taking) {
  uvchan__redis_window_t* window = &taking->window;
  ssize_t n = 1;

  while (n > 0 && has_room(taking)) {
    n = uvchan_try_recv_n(taking->handle->channel, uvchan__redis_window_at(window, window->tail),
                          uvchan__redis_window_side_by_side(window));
    if (n > 0) window->tail += (uint64_t)n;
  }
}

/* ---- The request ----------------------------------------------------------------------------- */

/* Cancelled, or without memory, it has taken nothing. */
static void on_received(uvchan_recv_t* request, int status) {
  uvchan__redis_taking_t* taking = request->data;
  int was_stopped = taking->is_stopped;

  taking->is_receiving = 0;
  if (status == 0 && taking->encode != NULL) {
    keep_encoded(taking);
  } else if (status == 0) {
    taking->window.tail++;
  } else if (status != UV_ECANCELED && status != UV_ENOMEM) {
    taking->has_ended = 1;
    taking->end_status = status;
  }
  if (was_stopped) {
    taking->parted(taking->owner);
  } else if (!taking->is_stopped) {
    taking->came(taking->owner);
  }
}

static int ask(uvchan__redis_taking_t* taking) {
  uvchan__redis_window_t* window = &taking->window;
  void* to = taking->encode == NULL ? uvchan__redis_window_at(window, window->tail) : taking->value;
  int r =
      uvchan_recv(taking->handle->loop, &taking->request, taking->handle->channel, to, on_received);

  if (r == 0) taking->is_receiving = 1;
  return r;
}

int uvchan__redis_taking_take(uvchan__redis_taking_t* taking) {
  if (taking->is_receiving || taking->has_ended) return 0;
  if (taking->encode == NULL) {
    take_runs(taking);
  } else {
    take_and_encode(taking);
  }
  return has_room(taking) ? ask(taking) : 0;
}

int uvchan__redis_taking_stop(uvchan__redis_taking_t* taking) {
  if (!taking->is_stopped && taking->is_receiving) uvchan_cancel((uvchan_req_t*)&taking->request);
  taking->is_stopped = 1;
  return taking->is_receiving;
}

/* ---- Its life -------------------------------------------------------------------------------- */

int uvchan__redis_taking_init(uvchan__redis_taking_t* taking,
                              const uvchan_redis_sink_options_t* options, size_t elem_size) {
  uvchan__redis_window_t* window = &taking->window;

  window->size = options->in_flight;
  window->stride = options->encode == NULL ? elem_size : options->encoded_bytes;
  window->bytes = calloc((size_t)window->size, window->stride);
  taking->request.data = taking;
  taking->encode = options->encode;
  if (options->encode != NULL) {
    window->lengths = calloc((size_t)window->size, sizeof(*window->lengths));
    taking->value = malloc(elem_size);
  }
  if (window->bytes != NULL &&
      (options->encode == NULL || (window->lengths != NULL && taking->value != NULL)))
    return 0;
  uvchan__redis_taking_free(taking);
  return UV_ENOMEM;
}

void uvchan__redis_taking_free(uvchan__redis_taking_t* taking) {
  free(taking->window.bytes);
  free(taking->window.lengths);
  free(taking->value);
}
