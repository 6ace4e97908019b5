/* SPDX-License-Identifier: MIT */
/* The allocator: the C library's, or the one given to uvchan_replace_allocator(). What one copy of
 * the library has made, any may free. Never under a lock: the functions are the user's, and may
 * take long. Threads: any. Knows libuv's types of functions alone. */
#ifndef UVCHAN_MEMORY_H
#define UVCHAN_MEMORY_H

#include <stddef.h>

#define UVCHAN__MEMORY_HEADER _Alignof(max_align_t) /* bytes more that each piece takes */

void* uvchan__malloc(size_t size); /* NULL where there is none */
void uvchan__free(void* memory);   /* NULL is allowed */

#endif /* UVCHAN_MEMORY_H */
