/* SPDX-License-Identifier: MIT */
/* The ledgers, and the allocator that counts. */
#include "soak.h"

_Noreturn void soak_failed(const char* file, int line, const char* expr) {
  fprintf(stderr, "%s:%d: '%s' does not hold\n", file, line, expr);
  abort();
}

done_t done;
table_t table;
atomic_size_t allocated;

/* ---- The allocator --------------------------------------------------------------------------- */

typedef union {
  size_t size;
  max_align_t align;
} head_t;

static void* counting_malloc(size_t size) {
  head_t* head = malloc(sizeof(*head) + size);
  if (head == NULL) return NULL;
  head->size = size;
  atomic_fetch_add_explicit(&allocated, size, memory_order_relaxed);
  return head + 1;
}

static void counting_free(void* memory) {
  head_t* head = (head_t*)memory - 1;
  atomic_fetch_sub_explicit(&allocated, head->size, memory_order_relaxed);
  free(head);
}

/* The library asks neither for zeros nor for more. */
static void* no_realloc(void* memory, size_t size) {
  (void)memory;
  (void)size;
  soak_failed(__FILE__, __LINE__, "asked for");
}

static void* no_calloc(size_t n, size_t size) {
  (void)n;
  (void)size;
  soak_failed(__FILE__, __LINE__, "asked for");
}

void use_counting_allocator(void) {
  must(uvchan_replace_allocator(counting_malloc, no_realloc, no_calloc, counting_free) == 0);
}

/* ---- Channels with their ledgers ------------------------------------------------------------- */

uint64_t next_number(epoch_t* epoch, unsigned int sender) {
  return (uint64_t)(sender + 1) << 40 |
         atomic_fetch_add_explicit(&epoch->places[sender], 1, memory_order_relaxed);
}

void* nth(const epoch_t* epoch, void* values, size_t i) {
  return (unsigned char*)values + i * epoch->elem_size;
}

void put(const epoch_t* epoch, void* value, uint64_t number) {
  memset(value, (int)(number & 0xff), epoch->elem_size);
  memcpy(value, &number, 8);
}

static uint64_t get(const epoch_t* epoch, const void* value) {
  const unsigned char* bytes = value;
  uint64_t number;
  memcpy(&number, value, 8);
  must(epoch->elem_size == 8 || bytes[epoch->elem_size - 1] == (number & 0xff));
  must(number >> 40 > 0 && number >> 40 <= SENDERS);
  return number;
}

void note_sent(epoch_t* epoch, uint64_t number) {
  atomic_fetch_add_explicit(&epoch->sum_sent, mix(number), memory_order_relaxed);
  atomic_fetch_add_explicit(&epoch->nsent, 1, memory_order_relaxed);
  count(&done.sent, 1);
}

/* The last touch of the epoch by whoever is not its user: see is_settled(). [had.R] */
static void note_had(epoch_t* epoch, uint64_t number) {
  atomic_fetch_add_explicit(&epoch->sum_had, mix(number), memory_order_relaxed);
  atomic_fetch_add_explicit(&epoch->nhad, 1, memory_order_release);
}

void note_received(epoch_t* epoch, order_t* order, const void* value) {
  uint64_t number = get(epoch, value);
  uint64_t* last = &order->last[(number >> 40) - 1];
  must(number > *last);
  *last = number;
  note_had(epoch, number);
  count(&done.received, 1);
}

static void on_drop(void* value, uvchan_drop_reason_t reason, void* arg) {
  must(reason >= UVCHAN_DROPPED_OVERFLOW && reason <= UVCHAN_DROPPED_RELEASE);
  count(&done.dropped, 1);
  note_had(arg, get(arg, value));
}

int is_end(ssize_t status) { return status == UV_EOF || status == UV_ECONNABORTED; }

epoch_t* epoch_make(uint64_t* random) {
  static const size_t capacities[] = {0, 1, 3, 64, UVCHAN_UNBOUNDED};
  static const size_t elem_sizes[] = {8, 8, 100, MOST_BYTES};
  epoch_t* epoch = calloc(1, sizeof(*epoch));
  uvchan_options_t options;
  must(epoch != NULL);
  memset(&options, 0, sizeof(options));
  options.capacity = capacities[draw(random, 5)];
  options.elem_size = epoch->elem_size = elem_sizes[draw(random, 4)];
  options.drop_cb = on_drop;
  options.drop_arg = epoch;
  if (options.capacity > 0 && options.capacity != UVCHAN_UNBOUNDED)
    options.overflow = (uvchan_overflow_t)draw(random, 3);
  must(uvchan_create_ex(&epoch->ch, &options) == 0);
  epoch->is_counted = draw(random, 2) == 0;
  if (epoch->is_counted) must(uvchan_sender_add(epoch->ch, 1) == 0);
  atomic_init(&epoch->users, 1);
  count(&done.channels, 1);
  return epoch;
}

void epoch_leave(epoch_t* epoch) {
  uvchan_release(epoch->ch);
  must(atomic_fetch_sub_explicit(&epoch->users, 1, memory_order_acq_rel) > 0); /* [users.R] */
}

int has_room(const epoch_t* epoch) { return uvchan_len(epoch->ch) < MOST_BUFFERED; }

void set_case(uvchan_case_t* one, const epoch_t* epoch, uvchan_op_t op, void* value) {
  memset(one, 0, sizeof(*one));
  one->ch = epoch->ch;
  one->op = op;
  one->value = value;
}

/* ---- The table ------------------------------------------------------------------------------- */

epoch_t* epoch_pick(uint64_t* random) {
  epoch_t* epoch;
  uv_mutex_lock(&table.lock);
  epoch = table.epochs[draw(random, CHANNELS)];
  uvchan_retain(epoch->ch);
  /* relaxed: the table is a user of its own */
  atomic_fetch_add_explicit(&epoch->users, 1, memory_order_relaxed);
  uv_mutex_unlock(&table.lock);
  return epoch;
}

epoch_t* epoch_replace(size_t place, epoch_t* fresh) {
  epoch_t* old;
  uv_mutex_lock(&table.lock);
  old = table.epochs[place];
  table.epochs[place] = fresh;
  uv_mutex_unlock(&table.lock);
  return old;
}

void epoch_close(epoch_t* epoch, uint64_t* random) {
  int r;
  if (epoch->is_counted) {
    r = uvchan_sender_done(epoch->ch);
  } else if (draw(random, 3) == 0) {
    r = uvchan_abort(epoch->ch, UV_ECONNABORTED);
  } else {
    r = uvchan_close_with(epoch->ch, draw(random, 2) == 0 ? UV_EOF : UV_ECONNABORTED);
  }
  must(r == 0 && uvchan_is_closed(epoch->ch));
}

/* Without users nothing more is sent, and nothing received. What is then missing is still to be
 * dropped, by whoever lets go of the channel last; once nothing is missing nobody touches the epoch
 * any more. [users.A], [had.A] */
int is_settled(const epoch_t* epoch) {
  uint64_t had;
  if (atomic_load_explicit(&epoch->users, memory_order_acquire) > 0) return 0;
  had = atomic_load_explicit(&epoch->nhad, memory_order_acquire);
  must(had <= atomic_load_explicit(&epoch->nsent, memory_order_relaxed));
  if (had < atomic_load_explicit(&epoch->nsent, memory_order_relaxed)) return 0;
  must(atomic_load_explicit(&epoch->sum_had, memory_order_relaxed) ==
       atomic_load_explicit(&epoch->sum_sent, memory_order_relaxed));
  return 1;
}
