/* The allocator: the C library's, or the one given to uvchan_replace_allocator(). What one copy of
 * the library has made, any may free. */
#ifndef UVCHAN_MEMORY_H
#define UVCHAN_MEMORY_H

#include <stddef.h>

#define UVCHAN__MEMORY_HEADER _Alignof(max_align_t) /* bytes more that each piece takes */

void* uvchan__malloc(size_t size); /* NULL where there is none */
void uvchan__free(void* memory);   /* NULL is allowed */

#endif /* UVCHAN_MEMORY_H */
