/* SPDX-License-Identifier: MIT */
/* The store without a bound; its invariants, and which threads enter, stand in blocks.h. */
#include "store/blocks.h"

#include <assert.h>
#include <string.h>

#include "ground/memory.h"

/*      header |       | value | value |       |       |
 *             0       begin           end             room
 *
 * Both move on only, until the block is empty; when it is filled again, they are 0. */
struct uvchan__block_s {
  uvchan__block_t* next;
  size_t bytes;   /* fixed: with the header */
  uint32_t room;  /* values that it holds at most */
  uint32_t begin; /* the oldest value */
  uint32_t end;   /* behind the newest */
  union {
    max_align_t aligned;
    unsigned char bytes[1];
  } values;
};

#define HEADER offsetof(struct uvchan__block_s, values)

/* What is asked for: with what uvchan__malloc() puts in front, tuning.h's numbers. The first block
 * is small, and is kept. */
#define LARGE_BYTES (UVCHAN__BLOCK_BYTES - UVCHAN__MEMORY_HEADER)
#define SMALL_BYTES (UVCHAN__SMALL_BLOCK_BYTES - UVCHAN__MEMORY_HEADER)

static_assert(LARGE_BYTES < HEADER + 2 * (size_t)UVCHAN__ALONE_BYTES,
              "two values of so many bytes have no room in a block");

/* Of a value with its stamp: from one to the next. */
static size_t stride_of(const uvchan__blocks_t* blocks) {
  return blocks->elem_size + blocks->stamp_bytes;
}

static unsigned char* value_at(const uvchan__blocks_t* blocks, uvchan__block_t* block, size_t i) {
  return (unsigned char*)block + HEADER + i * stride_of(blocks);
}

static unsigned char* stamp_at(const uvchan__blocks_t* blocks, uvchan__block_t* block, size_t i) {
  return value_at(blocks, block, i) + blocks->elem_size;
}

/* Values that take no room are counted by one block, all of them. */
static size_t values_in(const uvchan__blocks_t* blocks, size_t bytes) {
  if (blocks->is_single) return 1;
  return stride_of(blocks) == 0 ? UINT32_MAX : (bytes - HEADER) / stride_of(blocks);
}

/* So many, or as many as one value takes. SIZE_MAX where no memory would do. */
static size_t bytes_for(const uvchan__blocks_t* blocks, size_t bytes) {
  if (blocks->elem_size > SIZE_MAX - HEADER - blocks->stamp_bytes - sizeof(max_align_t))
    return SIZE_MAX;
  return bytes < HEADER + stride_of(blocks) ? HEADER + stride_of(blocks) : bytes;
}

static void init(uvchan__blocks_t* blocks, size_t elem_size, int has_stamps, uint32_t keep) {
  memset(blocks, 0, sizeof(*blocks));
  blocks->elem_size = elem_size;
  blocks->stamp_bytes = has_stamps ? sizeof(uint64_t) : 0;
  blocks->keep = keep;
}

void uvchan__blocks_init_unbounded(uvchan__blocks_t* blocks, size_t elem_size, int has_stamps) {
  init(blocks, elem_size, has_stamps, 1);
  blocks->keep_bytes = bytes_for(blocks, SMALL_BYTES);
}

void uvchan__blocks_init_unbuffered(uvchan__blocks_t* blocks, size_t elem_size, int has_stamps) {
  init(blocks, elem_size, has_stamps, 0);
  blocks->is_single = 1;
  blocks->keep_bytes = SIZE_MAX;
}

size_t uvchan__blocks_most_bytes(const uvchan__blocks_t* blocks) {
  return bytes_for(blocks, blocks->is_single ? sizeof(uvchan__block_t) : LARGE_BYTES);
}

size_t uvchan__blocks_next_bytes(const uvchan__blocks_t* blocks) {
  return blocks->len == 0 ? bytes_for(blocks, SMALL_BYTES) : uvchan__blocks_most_bytes(blocks);
}

uvchan__block_t* uvchan__block_new(size_t bytes) {
  uvchan__block_t* block = bytes == SIZE_MAX ? NULL : uvchan__malloc(bytes);

  if (block == NULL) return NULL;
  block->next = NULL;
  block->bytes = bytes;
  return block;
}

uvchan__block_t* uvchan__block_next(const uvchan__block_t* block) { return block->next; }

void uvchan__block_free_all(uvchan__block_t* list) {
  while (list != NULL) {
    uvchan__block_t* next = list->next;

    uvchan__free(list);
    list = next;
  }
}

/* Spare, until a push needs it. */
void uvchan__blocks_add(uvchan__blocks_t* blocks, uvchan__block_t* block) {
  block->room = (uint32_t)values_in(blocks, block->bytes);
  block->next = blocks->spare;
  blocks->spare = block;
  blocks->total++;
}

static uvchan__block_t* take_spare(uvchan__blocks_t* blocks) {
  uvchan__block_t* block = blocks->spare;

  if (block == NULL) return NULL;
  blocks->spare = block->next;
  block->next = NULL;
  blocks->total--;
  return block;
}

uvchan__block_t* uvchan__blocks_shrink(uvchan__blocks_t* blocks) {
  blocks->keep--;
  /* Where none is spare, the next one to become empty goes: see retire_first(). */
  return blocks->total > blocks->keep ? take_spare(blocks) : NULL;
}

int uvchan__blocks_has_room(const uvchan__blocks_t* blocks) {
  return blocks->spare != NULL || (blocks->last != NULL && blocks->last->end < blocks->last->room);
}

/* A block is taken when there is a value for it, so no block in the list is empty (I1). */
void uvchan__blocks_push(uvchan__blocks_t* blocks, const void* value) {
  uvchan__block_t* block = blocks->last;

  assert(uvchan__blocks_has_room(blocks));
  if (block == NULL || block->end == block->room) {
    block = take_spare(blocks);
    blocks->total++;
    block->begin = block->end = 0;
    if (blocks->last == NULL) {
      blocks->first = block;
    } else {
      blocks->last->next = block;
    }
    blocks->last = block;
  }
  if (blocks->elem_size != 0) memcpy(value_at(blocks, block, block->end), value, blocks->elem_size);
  block->end++;
  if (++blocks->len > blocks->peak) blocks->peak = blocks->len;
}

/* The first block has become empty: it leaves the list (I1), to be filled again; or to be freed by
 * the caller, without the lock, where there are more than are kept, or it is one of the large ones
 * of a burst (I2). */
static void retire_first(uvchan__blocks_t* blocks, uvchan__block_t** superfluous) {
  uvchan__block_t* block = blocks->first;

  blocks->first = block->next;
  if (blocks->first == NULL) blocks->last = NULL;
  if (blocks->total > blocks->keep || block->bytes > blocks->keep_bytes) {
    blocks->total--;
    block->next = *superfluous;
    *superfluous = block;
  } else {
    block->next = blocks->spare;
    blocks->spare = block;
  }
}

void uvchan__blocks_pop(uvchan__blocks_t* blocks, void* value, uvchan__block_t** superfluous) {
  uvchan__block_t* block = blocks->first;

  assert(blocks->len > 0);
  if (blocks->elem_size != 0 && value != NULL)
    memcpy(value, value_at(blocks, block, block->begin), blocks->elem_size);
  block->begin++;
  blocks->len--;
  blocks->popped++;
  if (block->begin == block->end) retire_first(blocks, superfluous);
}

/* Copied, since a value may have any number of bytes: a stamp lies where the last of them leaves
 * it. */
void uvchan__blocks_stamp_newest(uvchan__blocks_t* blocks, uint64_t stamp) {
  memcpy(stamp_at(blocks, blocks->last, blocks->last->end - 1), &stamp, sizeof(stamp));
}

uint64_t uvchan__blocks_oldest_stamp(const uvchan__blocks_t* blocks) {
  uint64_t stamp;

  memcpy(&stamp, stamp_at(blocks, blocks->first, blocks->first->begin), sizeof(stamp));
  return stamp;
}

uvchan__block_t* uvchan__blocks_take_all(uvchan__blocks_t* blocks) {
  uvchan__block_t* list = blocks->first;
  uvchan__block_t* block;

  for (block = list; block != NULL; block = block->next) blocks->total--;
  blocks->first = blocks->last = NULL;
  blocks->popped += blocks->len;
  blocks->len = 0;
  return list;
}

uvchan__block_t* uvchan__blocks_take_spare(uvchan__blocks_t* blocks) {
  uvchan__block_t* list = blocks->spare;

  for (; blocks->spare != NULL; blocks->spare = blocks->spare->next) blocks->total--;
  return list;
}

void uvchan__block_each(uvchan__block_t* list, const uvchan__blocks_t* blocks,
                        uvchan__value_func func, void* arg) {
  for (; list != NULL; list = list->next) {
    size_t i;

    for (i = list->begin; i < list->end; i++)
      func(blocks->elem_size == 0 ? NULL : value_at(blocks, list, i), arg);
  }
}
