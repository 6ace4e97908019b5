/* SPDX-License-Identifier: MIT */
/* A channel's memory: how it is laid out, made, counted and freed. Knows what lies in it; does not
 * know who waits, or how a channel is closed. Threads: any. */
#include <string.h>

#include "channel/drop.h"
#include "channel/stats.h"
#include "ground/memory.h"
#include "ground/tuning.h"
#include "wake/patience.h"

static int is_valid(const uvchan_options_t* options) {
  size_t i;

  for (i = 0; i < sizeof(options->reserved) / sizeof(options->reserved[0]); i++) {
    if (options->reserved[i] != NULL) return 0;
  }
  if (!uvchan__admission_is_valid(options->admission)) return 0;
  if (options->overflow == UVCHAN_WAIT) return 1;
  if (options->overflow != UVCHAN_DROP_NEWEST && options->overflow != UVCHAN_DROP_OLDEST) return 0;
  return options->capacity != 0 && options->capacity != UVCHAN_UNBOUNDED;
}

/* The channel and all that lies behind it are one piece of memory. Its lines begin at lines of the
 * processor's cache, which malloc does not promise: so there is a little more of it. */
#define ALIGN_SLACK (UVCHAN__CACHE_LINE_BYTES - _Alignof(max_align_t) % UVCHAN__CACHE_LINE_BYTES)

static uvchan__store_kind_t kind_of(size_t capacity) {
  if (capacity == 0) return UVCHAN__UNBUFFERED;
  return capacity == UVCHAN_UNBOUNDED ? UVCHAN__WITHOUT_BOUND : UVCHAN__BOUNDED;
}

static int grow_old(const uvchan_options_t* options) {
  return options->max_age > 0 || options->admission != NULL;
}

/* What lies behind a channel, in bytes; each part begins where malloc would have it, but the name:
 *
 *      struct uvchan_s | uvchan__aging_t  slots           | uvchan__drops_t  room | name
 *                      | uvchan__store_t  uvchan__aging_t |                       |
 *      ring first      | store                            | drops                 | with its end
 *
 * The uvchan__aging_t is there where values grow old alone, the drops with a drop_cb, and the room
 * where a value may have to be dropped from the store that is too large for the stack. */
typedef struct {
  size_t store;
  size_t drops; /* with the room, or 0 */
  size_t name;
} behind_t;

/* 0 where that is more than a size_t holds. */
static size_t store_bytes(const uvchan_options_t* options) {
  size_t stamps = kind_of(options->capacity) == UVCHAN__BOUNDED ? options->capacity : 0;
  size_t bytes = sizeof(uvchan__store_t);
  size_t aging = 0;

  if (stamps > 0) bytes = uvchan__ring_bytes(options->elem_size, stamps);
  if (!grow_old(options) || bytes == 0) return bytes;
  if (stamps < SIZE_MAX / (2 * sizeof(uint64_t))) aging = uvchan__aging_bytes(stamps);
  if (aging == 0 || bytes > SIZE_MAX - aging - _Alignof(max_align_t)) return 0;
  return uvchan__round_up(bytes, _Alignof(max_align_t)) + aging;
}

/* Answers all bytes, or 0 where that is more than a size_t holds. */
static size_t lay_out_behind(behind_t* behind, const uvchan_options_t* options) {
  size_t most =
      SIZE_MAX - UVCHAN__CHANNEL_BYTES - ALIGN_SLACK - UVCHAN__DROPS_BYTES - _Alignof(max_align_t);
  size_t room = options->drop_cb == NULL
                    ? 0
                    : uvchan__room_bytes((unsigned int)options->overflow, grow_old(options),
                                         options->elem_size);

  behind->store = store_bytes(options);
  behind->name = options->name == NULL ? 0 : strlen(options->name) + 1;
  if (behind->store == 0 || behind->store > most || room > most - behind->store ||
      behind->name > most - behind->store - room)
    return 0;
  behind->drops = options->drop_cb == NULL ? 0 : UVCHAN__DROPS_BYTES + room;
  if (behind->drops + behind->name > 0)
    behind->store = uvchan__round_up(behind->store, _Alignof(max_align_t));
  return UVCHAN__CHANNEL_BYTES + behind->store + behind->drops + behind->name;
}

static void init_store(uvchan_t* ch, const uvchan_options_t* options) {
  unsigned char* at = (unsigned char*)uvchan__store(ch);

  if (uvchan__has_ring(ch)) {
    if (ch->is_aging) at += uvchan__aging_bytes(options->capacity);
    uvchan__ring_init(&ch->ring, at, options->elem_size, options->capacity, 0);
    return;
  }
  uvchan__ring_init(&ch->ring, NULL, options->elem_size, 0, 0);
  uvchan__store(ch)->available = 0;
  uvchan__store(ch)->changes = 0;
  (uvchan__is_unbuffered(ch) ? uvchan__blocks_init_unbuffered : uvchan__blocks_init_unbounded)(
      uvchan__blocks(ch), options->elem_size, ch->is_aging);
}

/* The stamps need no value: one is written before it is read. */
static void init_aging(uvchan_t* ch, const uvchan_options_t* options) {
  uvchan__aging_t* aging;

  if (!ch->is_aging) return;
  aging = uvchan__aging(ch);
  memset(aging, 0, sizeof(*aging));
  aging->max_age = options->max_age > 0 ? options->max_age : UINT64_MAX;
  uvchan__admission_init(&aging->admission, options->admission);
  uvchan__ring_mark(&ch->ring.tail, UVCHAN__SLOW);
  uvchan__ring_mark(&ch->ring.head, UVCHAN__SLOW);
}

static void init_drops(uvchan_t* ch, const uvchan_options_t* options, const behind_t* behind) {
  unsigned char* at = (unsigned char*)uvchan__store(ch) + behind->store;
  uvchan__drops_t* drops = (uvchan__drops_t*)(void*)at;

  if (behind->drops == 0) return;
  ch->has_drops = 1;
  drops->cb = options->drop_cb;
  drops->arg = options->drop_arg;
  atomic_init(&drops->room, behind->drops > UVCHAN__DROPS_BYTES ? at + UVCHAN__DROPS_BYTES : NULL);
}

/* Zeros, at a cache line; NULL without memory. */
static uvchan_t* allocate(size_t bytes) {
  unsigned char* memory = uvchan__malloc(bytes + ALIGN_SLACK);
  size_t align_offset;
  uvchan_t* made;

  if (memory == NULL) return NULL;
  align_offset = (UVCHAN__CACHE_LINE_BYTES - (uintptr_t)memory % UVCHAN__CACHE_LINE_BYTES) %
                 UVCHAN__CACHE_LINE_BYTES;
  made = (uvchan_t*)(void*)(memory + align_offset);
  memset(made, 0, sizeof(*made));
  made->align_offset = (unsigned char)align_offset;
  return made;
}

int uvchan_create_ex(uvchan_t** ch, const uvchan_options_t* options) {
  behind_t behind;
  size_t bytes;
  uvchan_t* made;

  if (ch == NULL || options == NULL || !is_valid(options)) return UV_EINVAL;
  bytes = lay_out_behind(&behind, options);
  if (bytes == 0) return UV_EINVAL;
  made = allocate(bytes);
  if (made == NULL) return UV_ENOMEM;
  made->kind = (unsigned char)kind_of(options->capacity);
  made->overflow = (unsigned char)options->overflow;
  made->is_aging = grow_old(options) != 0;
  if (made->is_aging || !uvchan__has_ring(made))
    made->tail_slow = made->head_slow = UVCHAN__SLOW_FOR_EVER;
  init_store(made, options);
  init_aging(made, options);
  init_drops(made, options, &behind);
  made->has_name = behind.name > 0;
  if (made->has_name)
    memcpy((unsigned char*)uvchan__store(made) + behind.store + behind.drops, options->name,
           behind.name);
  atomic_init(&made->references, 1);
  atomic_init(&made->patience_to_send, UVCHAN__LONGEST_PATIENCE_NS);
  atomic_init(&made->patience_to_receive, UVCHAN__LONGEST_PATIENCE_NS);
  uvchan__roster_add(&made->member, UVCHAN__CHANNELS, uvchan__name_of(made));
  *ch = made;
  return 0;
}

int uvchan_create(uvchan_t** ch, size_t elem_size, size_t capacity) {
  uvchan_options_t options;

  memset(&options, 0, sizeof(options));
  options.elem_size = elem_size;
  options.capacity = capacity;
  return uvchan_create_ex(ch, &options);
}

uvchan_t* uvchan_retain(uvchan_t* ch) {
  /* Relaxed: who retains holds a reference already. */
  if (ch != NULL) atomic_fetch_add_explicit(&ch->references, 1, memory_order_relaxed);
  return ch;
}

/* The last reference: nobody is in a call any more, since each call's caller holds one, as do
 * receivers, requests and tickers. So there is no need of the lock, and nobody to wake, once it is
 * out of the roster, by which others look at it. The values are dropped next, as long as drop_cb
 * has a channel; then go the blocks that were kept empty, and the channel with all that lies behind
 * it. */
void uvchan_release(uvchan_t* ch) {
  uvchan__dropped_t left;

  if (ch == NULL) return;
  uvchan__step();
  /* [references.R] and [references.A]: all use of the channel comes before it is freed. */
  if (atomic_fetch_sub_explicit(&ch->references, 1, memory_order_acq_rel) != 1) return;
  uvchan__roster_remove(&ch->member, UVCHAN__CHANNELS);
  uvchan__drop_take_locked(ch, &left);
  uvchan__drop_taken(ch, &left, UVCHAN_DROPPED_RELEASE);
  if (!uvchan__has_ring(ch)) uvchan__block_free_all(uvchan__blocks_take_spare(uvchan__blocks(ch)));
  uvchan__free((unsigned char*)ch - ch->align_offset);
}
