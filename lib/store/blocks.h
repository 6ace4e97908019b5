/* SPDX-License-Identifier: MIT */
/* The store without a bound: a list of blocks, each with room for some values side by side. Knows
 * nothing of channels, waiters or loops.
 *
 * Threads: whichever holds the channel's lock; but a block is made and freed outside of it, where
 * the user's allocator may take its time. So a push has to be brought a block along where there is
 * no room, and a pop gives one out to be freed.
 *
 * I1  The oldest value is the first in the first block; a block that is empty has left the list.
 * I2  At most `keep` blocks stay when their values have gone, and of an unbounded channel only a
 *     small one: after a burst the memory goes back, and where few values are under way, sends need
 *     none.
 * I3  A value of UVCHAN__ALONE_BYTES or more has a block to itself, and is aligned there as malloc
 *     aligns; smaller ones lie side by side, and the first of a block alone is aligned.
 *
 * Where values grow old, a stamp lies behind each of them: a number of its user's, who sets it when
 * he has pushed the value, and reads it before he pops it.
 *
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
  size_t len;             /* values */
  uint64_t popped;        /* values in all that have left */
  size_t peak;            /* the most at once */
  uvchan__block_t* first; /* with the oldest value; NULL where there is none, as last */
  uvchan__block_t* last;
  uvchan__block_t* spare; /* empty, in any order */
  size_t total;           /* blocks in the list and spare */
  uint32_t keep;          /* see I2 */
  /* Fixed. */
  unsigned char is_single;   /* a block has room for one value */
  unsigned char stamp_bytes; /* behind each value: 0, or of a stamp */
  size_t elem_size;
  size_t keep_bytes; /* a larger block is not kept */
} uvchan__blocks_t;

void uvchan__blocks_init_unbounded(uvchan__blocks_t* blocks, size_t elem_size, int has_stamps);
void uvchan__blocks_init_unbuffered(uvchan__blocks_t* blocks, size_t elem_size, int has_stamps);

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

/* With stamps: of the value that was pushed last, which is still there; of the oldest of at least
 * one. */
void uvchan__blocks_stamp_newest(uvchan__blocks_t* blocks, uint64_t stamp);
uint64_t uvchan__blocks_oldest_stamp(const uvchan__blocks_t* blocks);

/* Takes everything out: the blocks with values, for uvchan__block_each() and
 * uvchan__block_free_all(). */
uvchan__block_t* uvchan__blocks_take_all(uvchan__blocks_t* blocks);
uvchan__block_t* uvchan__blocks_take_spare(uvchan__blocks_t* blocks); /* all of the spare ones */

typedef void (*uvchan__value_func)(void* value, void* arg);
/* Calls func for each value of a list that was taken out, the oldest first; without the lock. */
void uvchan__block_each(uvchan__block_t* list, const uvchan__blocks_t* blocks,
                        uvchan__value_func func, void* arg);

#endif /* UVCHAN_BLOCKS_H */
