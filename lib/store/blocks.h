/* The store without a bound: a list of blocks, each with room for a run of values side by side.
 * Everything is called with the channel's lock held, but for making and freeing a block, which is
 * done outside of it: so a push may have to ask for a block first.
 *
 * I1  The oldest value is the first in the first block; a block that is empty has left the list.
 * I2  At most `keep` blocks stay when their values have gone, and of an unbounded channel only a
 *     small one: after a burst the memory goes back, and where few values are under way, sends need
 *     none.
 * I3  A value of UVCHAN__ALONE_BYTES or more has a block to itself, and is aligned there as malloc
 *     aligns; smaller ones lie side by side, and the first of a block alone is aligned.
 * An unbuffered channel keeps in it what was handed to started receivers, with one value to a block
 * and `keep` as many as there are open receivers: these blocks are made with the receivers, so that
 * its sends need no memory. */
#ifndef UVCHAN_BLOCKS_H
#define UVCHAN_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

#include "ground/tuning.h"

typedef struct uvchan__block_s uvchan__block_t;

typedef struct {
  /* Under the channel's lock. */
  size_t len;
  uint64_t popped;
  size_t peak;
  uvchan__block_t* first;
  uvchan__block_t* last;
  uvchan__block_t* spare;
  size_t total;  /* blocks in the list and spare */
  uint32_t keep; /* see I2 */
  /* Fixed. */
  uint32_t per_block; /* most values in a block */
  size_t elem_size;
  size_t keep_bytes; /* a larger block is not kept */
} uvchan__blocks_t;

void uvchan__blocks_init_unbounded(uvchan__blocks_t* blocks, size_t elem_size);
void uvchan__blocks_init_unbuffered(uvchan__blocks_t* blocks, size_t elem_size);

/* A block to give to uvchan__blocks_add(), of so many bytes; NULL without memory. Without the lock,
 * as uvchan__block_free_all(). */
uvchan__block_t* uvchan__block_new(size_t bytes);
void uvchan__block_free_all(uvchan__block_t* list); /* a list, or NULL */
uvchan__block_t* uvchan__block_next(const uvchan__block_t* block);

/* Bytes of the block to bring along for the next value; of any that may be needed. SIZE_MAX where
 * it is more than that. */
size_t uvchan__blocks_next_bytes(const uvchan__blocks_t* blocks);
size_t uvchan__blocks_most_bytes(const uvchan__blocks_t* blocks);

void uvchan__blocks_add(uvchan__blocks_t* blocks, uvchan__block_t* block);
/* one less to keep; answers the block to free, or NULL */
uvchan__block_t* uvchan__blocks_shrink(uvchan__blocks_t* blocks);

/* for one more, without a further block */
int uvchan__blocks_has_room(const uvchan__blocks_t* blocks);
/* only where there is room */
void uvchan__blocks_push(uvchan__blocks_t* blocks, const void* value);

/* Takes the oldest of at least one value. A block that has become superfluous is put in front of
 * *superfluous. */
void uvchan__blocks_pop(uvchan__blocks_t* blocks, void* value, uvchan__block_t** superfluous);

/* Takes everything out: the blocks with values, for uvchan__block_each() and
 * uvchan__block_free_all(). */
uvchan__block_t* uvchan__blocks_take_all(uvchan__blocks_t* blocks);
uvchan__block_t* uvchan__blocks_take_spare(uvchan__blocks_t* blocks);
typedef void (*uvchan__value_func)(void* value, void* arg);
void uvchan__block_each(uvchan__block_t* list, const uvchan__blocks_t* blocks,
                        uvchan__value_func func, void* arg);

#endif /* UVCHAN_BLOCKS_H */
