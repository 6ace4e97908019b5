/* SPDX-License-Identifier: MIT */
/* A plugin with a copy of the library of its own, as extensions of other languages have. Its
 * allocator does not free what another one has made, nor another one what it has made: there is
 * something in front of each piece. */
#include "plugin.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#define MARK 0x706c7567696e2121u

typedef struct {
  _Alignas(max_align_t) uint64_t mark;
} front_t;

static atomic_size_t allocations;

static void* own_malloc(size_t size) {
  front_t* front = malloc(sizeof(front_t) + size);
  if (front == NULL) return NULL;
  atomic_fetch_add(&allocations, 1);
  front->mark = MARK;
  return front + 1;
}

static void own_free(void* memory) {
  front_t* front = (front_t*)memory - 1;
  assert(front->mark == MARK);
  front->mark = 0;
  atomic_fetch_sub(&allocations, 1);
  free(front);
}

static void* own_realloc(void* memory, size_t size) {
  (void)memory;
  (void)size;
  return NULL;
}

static void* own_calloc(size_t n, size_t size) {
  (void)n;
  (void)size;
  return NULL;
}

static int use_own_memory(void) {
  return uvchan_replace_allocator(own_malloc, own_realloc, own_calloc, own_free);
}

static size_t count_allocations(void) { return atomic_load(&allocations); }

__attribute__((visibility("default"))) const plugin_t plugin = {
    uvchan_create,         uvchan_release,       uvchan_close,          uvchan_try_send,
    uvchan_send_wait,      uvchan_recv_wait,     uvchan_recv_timedwait, uvchan_select_wait,
    uvchan_waitgroup_wait, uvchan_receiver_init, uvchan_recv_start,     uvchan_receiver_close,
    uvchan_send,           uvchan_cancel,        uvchan_pool_submit,    uvchan_replace_allocator,
    use_own_memory,        count_allocations};
