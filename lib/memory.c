/* The allocator behind every byte that the library asks for, and the library's version. Threads: the functions are replaced before any
 * other call, as in libuv, and are constant from then on. */
#include "memory.h"

#include <stdlib.h>
#include <uvchan.h>

static struct {
  uv_malloc_func malloc_func;
  uv_free_func free_func;
} allocator = {malloc, free};

void* uvchan__malloc(size_t size) { return allocator.malloc_func(size); }

void uvchan__free(void* memory) {
  if (memory != NULL) allocator.free_func(memory);
}

int uvchan_replace_allocator(uv_malloc_func malloc_func, uv_realloc_func realloc_func, uv_calloc_func calloc_func, uv_free_func free_func) {
  if (malloc_func == NULL || realloc_func == NULL || calloc_func == NULL || free_func == NULL) return UV_EINVAL;
  allocator.malloc_func = malloc_func;
  allocator.free_func = free_func;
  return 0;
}

#define STRINGIFY_(n) #n
#define STRINGIFY(n) STRINGIFY_(n)

unsigned int uvchan_version(void) { return UVCHAN_VERSION_MAJOR << 16 | UVCHAN_VERSION_MINOR << 8 | UVCHAN_VERSION_PATCH; }

const char* uvchan_version_string(void) {
  return STRINGIFY(UVCHAN_VERSION_MAJOR) "." STRINGIFY(UVCHAN_VERSION_MINOR) "." STRINGIFY(UVCHAN_VERSION_PATCH);
}
