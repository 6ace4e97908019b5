/* The allocator: the C library's, or the one given to uvchan_replace_allocator(). */
#ifndef UVCHAN_MEMORY_H
#define UVCHAN_MEMORY_H

#include <stddef.h>

void* uvchan__malloc(size_t size); /* NULL where there is none */
void uvchan__free(void* memory);   /* NULL is allowed */

#endif /* UVCHAN_MEMORY_H */
