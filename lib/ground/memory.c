/* SPDX-License-Identifier: MIT */
/* The allocator behind every byte that the library asks for. Threads: any; the functions are
 * replaced before any other call, as in libuv, and are constant from then on; each copy of the
 * library in a process has its own. */
#include "ground/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <uvchan.h>

static struct {
  uv_malloc_func malloc_func;
  uv_free_func free_func;
} allocator = {malloc, free};

/* What lies in front of each piece of memory: how it is freed. Another copy of the library in the
 * process, a plugin's, may have other functions, and free what this one has made: a channel's
 * blocks, or a hub's memory. */
typedef struct {
  _Alignas(max_align_t) uv_free_func free_func;
} header_t;

void* uvchan__malloc(size_t size) {
  header_t* header =
      size > SIZE_MAX - sizeof(header_t) ? NULL : allocator.malloc_func(sizeof(header_t) + size);

  if (header == NULL) return NULL;
  header->free_func = allocator.free_func;
  return header + 1;
}

void uvchan__free(void* memory) {
  header_t* header = memory;

  if (header == NULL) return;
  header--;
  header->free_func(header);
}

int uvchan_replace_allocator(uv_malloc_func malloc_func, uv_realloc_func realloc_func,
                             uv_calloc_func calloc_func, uv_free_func free_func) {
  if (malloc_func == NULL || realloc_func == NULL || calloc_func == NULL || free_func == NULL)
    return UV_EINVAL;
  allocator.malloc_func = malloc_func;
  allocator.free_func = free_func;
  return 0;
}
