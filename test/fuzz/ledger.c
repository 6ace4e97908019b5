/* SPDX-License-Identifier: MIT */
/* The channels of a fuzzed run and the ledger of their values; see ledger.h. */
#include "ledger.h"

#include <string.h>

#define MARK UINT64_C(0xc4a0)

fuzz_channel_t fuzz_channels[FUZZ_CHANNELS];
unsigned int fuzz_depth;
void (*fuzz_nested)(void);

void fuzz_ledger_begin(void) {
  size_t i;
  for (i = 0; i < FUZZ_CHANNELS && fuzz_channels[i].ch != NULL; i++)
    memset(&fuzz_channels[i], 0, sizeof(fuzz_channels[i]));
  fuzz_depth = 0;
}

/* ---- Values ---------------------------------------------------------------------------------- */

/* A value of one byte is its number; a larger one has a mark and its channel in it too, and is
 * filled up. */
void fuzz_put(const fuzz_channel_t* c, void* value, unsigned int number) {
  uint64_t word = MARK << 48 | (uint64_t)(c - fuzz_channels) << 32 | number;
  if (c->elem_size == 1) memset(value, (int)number, 1);
  if (c->elem_size < 8) return;
  memcpy(value, &word, 8);
  memset((unsigned char*)value + 8, (int)(number * 7), c->elem_size - 8);
}

static uint64_t word_of(const fuzz_channel_t* c, const void* value) {
  uint64_t word = 0;
  memcpy(&word, value, c->elem_size < 8 ? c->elem_size : 8);
  return word;
}

int fuzz_is_value(const fuzz_channel_t* c, const void* value) {
  return c->elem_size == 1 || (c->elem_size > 0 && word_of(c, value) >> 48 == MARK);
}

static unsigned int number_of(const fuzz_channel_t* c, const void* value) {
  unsigned int number = (unsigned int)(word_of(c, value) & 0xff);
  must(number > 0 && number <= c->last);
  return number;
}

void fuzz_check_value(const fuzz_channel_t* c, const void* value) {
  unsigned char whole[FUZZ_MOST_BYTES];
  if (c->elem_size == 0) return;
  must(value != NULL);
  if (!fuzz_is_value(c, value)) {
    must(c->had_ticker);
    return;
  }
  fuzz_put(c, whole, number_of(c, value));
  must(memcmp(whole, value, c->elem_size) == 0);
}

unsigned int fuzz_offer(fuzz_channel_t* c, unsigned int n) {
  unsigned int i;
  if (n > FUZZ_VALUES - c->last) return 0;
  for (i = 0; i < n; i++) {
    c->last++;
    c->fate[c->last] = FUZZ_OFFERED;
    c->depth[c->last] = (uint8_t)fuzz_depth;
  }
  return c->last;
}

void fuzz_sent(fuzz_channel_t* c, unsigned int number) {
  must(c->fate[number] == FUZZ_OFFERED);
  c->fate[number] = FUZZ_SENT;
  c->nsent++;
}

void fuzz_refused(fuzz_channel_t* c, unsigned int number) {
  must(c->fate[number] == FUZZ_OFFERED && !c->has_left[number]);
  c->fate[number] = FUZZ_REFUSED;
  c->nrefused++;
}

/* Once, and only what was sent, or is on its way. */
static void leave(fuzz_channel_t* c, unsigned int number) {
  must(c->fate[number] == FUZZ_OFFERED || c->fate[number] == FUZZ_SENT);
  must(!c->has_left[number]);
  c->has_left[number] = 1;
}

void fuzz_left(fuzz_channel_t* c, const void* value) {
  fuzz_check_value(c, value);
  if (!fuzz_is_value(c, value)) return;
  leave(c, number_of(c, value));
  c->fresh[c->nfresh++] = (uint8_t)number_of(c, value);
}

void fuzz_received(fuzz_channel_t* c) {
  c->nreceived++;
  must(c->had_ticker || c->nreceived + c->ndropped <= c->last - c->nrefused);
}

/* Where values grow old, a call may have received one, and drop others before it answers: what is
 * received in their drop callbacks seems to overtake it. */
static void check_order(fuzz_channel_t* c, unsigned int number) {
  if (c->grows_old && c->has_drop_cb) return;
  must(number > c->last_left[c->depth[number]]);
  c->last_left[c->depth[number]] = number;
}

void fuzz_settle(void) {
  size_t i;
  for (i = 0; i < FUZZ_CHANNELS && fuzz_channels[i].ch != NULL; i++) {
    fuzz_channel_t* c = &fuzz_channels[i];
    while (c->nfresh > 0) {
      unsigned int least = 0;
      unsigned int k;
      for (k = 1; k < c->nfresh; k++) {
        if (c->fresh[k] < c->fresh[least]) least = k;
      }
      check_order(c, c->fresh[least]);
      c->fresh[least] = c->fresh[--c->nfresh];
    }
  }
}

/* ---- Drops ----------------------------------------------------------------------------------- */

static void check_reason(const fuzz_channel_t* c, uvchan_drop_reason_t reason) {
  switch (reason) {
    case UVCHAN_DROPPED_OVERFLOW:
      must(c->overflow != UVCHAN_WAIT);
      break;
    case UVCHAN_DROPPED_ABORT:
      must(c->is_closed);
      break;
    case UVCHAN_DROPPED_RELEASE:
      must(c->refs == 0);
      break;
    case UVCHAN_DROPPED_EXPIRED:
    case UVCHAN_DROPPED_SHED:
      must(c->grows_old);
      break;
    default:
      fuzz_failed(__FILE__, __LINE__, "a reason");
  }
}

/* The newest goes ahead of those that are buffered. */
static void note_drop(fuzz_channel_t* c, const void* value, int is_newest) {
  c->ndropped++;
  if (!is_newest) {
    fuzz_left(c, value);
  } else if (fuzz_is_value(c, value)) {
    fuzz_check_value(c, value);
    leave(c, number_of(c, value));
  }
}

static void on_drop(void* value, uvchan_drop_reason_t reason, void* arg) {
  fuzz_channel_t* c = arg;
  must(fuzz_depth < FUZZ_DEPTHS);
  check_reason(c, reason);
  if (FUZZ_DROPS_ARE_ALIGNED) must((uintptr_t)value % _Alignof(max_align_t) == 0);
  must((value == NULL) == (c->elem_size == 0));
  note_drop(c, value, c->overflow == UVCHAN_DROP_NEWEST && reason == UVCHAN_DROPPED_OVERFLOW);
  fuzz_depth++;
  fuzz_nested();
  fuzz_depth--;
  if (c->elem_size > 0) {
    fuzz_check_value(c, value);
    memset(value, 0xdd, c->elem_size); /* its to change */
  }
}

/* ---- Channels -------------------------------------------------------------------------------- */

static const size_t elem_sizes[] = {8, 0, 1, 100, 2000, 8, FUZZ_MOST_BYTES, 8};
static const size_t capacities[] = {0, 1, 3, 8, UVCHAN_UNBOUNDED, 2, 1, UVCHAN_UNBOUNDED};

/* As old as any that is seen again; a few looks at the clock; never. */
static const uint64_t ages[] = {0, 0, 0, UINT64_MAX, 1, 100000, 1, 0};

/* An admission too, for the last two. */
static void draw_age(fuzz_channel_t* c, uvchan_options_t* options, unsigned int kind) {
  static uvchan_admission_t admission;
  admission.target = 10000;
  admission.interval = 50000;
  options->max_age = ages[kind];
  if (kind >= 6) options->admission = &admission;
  c->grows_old = kind >= 4;
}

void fuzz_channel_make(void) {
  uvchan_options_t options;
  fuzz_channel_t* c = fuzz_channels;
  unsigned int kind = fuzz_byte();
  unsigned int more = fuzz_byte();
  unsigned int failures = fuzz_failures();
  int r;
  while (c < fuzz_channels + FUZZ_CHANNELS && c->ch != NULL) c++;
  if (c == fuzz_channels + FUZZ_CHANNELS) return;
  memset(&options, 0, sizeof(options));
  c->elem_size = options.elem_size = elem_sizes[kind & 7];
  c->capacity = options.capacity = capacities[kind >> 3 & 7];
  c->overflow = options.overflow = (uvchan_overflow_t)((kind >> 6) % 3);
  if (c->capacity == 0 || c->capacity == UVCHAN_UNBOUNDED)
    c->overflow = options.overflow = UVCHAN_WAIT;
  c->has_drop_cb = (more & 3) != 0;
  options.drop_cb = c->has_drop_cb ? on_drop : NULL;
  options.drop_arg = c;
  options.name = (more & 4) != 0 ? "fuzz" : NULL;
  draw_age(c, &options, more >> 3 & 7);
  r = uvchan_create_ex(&c->ch, &options);
  must(r == 0 || (r == UV_ENOMEM && fuzz_failures() > failures && c->ch == NULL));
  if (r == 0) c->refs = 1;
}

fuzz_channel_t* fuzz_channel_pick(void) {
  unsigned int first = fuzz_below(FUZZ_CHANNELS);
  unsigned int i;
  for (i = 0; i < FUZZ_CHANNELS; i++) {
    fuzz_channel_t* c = &fuzz_channels[(first + i) % FUZZ_CHANNELS];
    if (c->refs > 0) return c;
  }
  return NULL;
}

int fuzz_channel_lives(const fuzz_channel_t* c) { return c->refs > 0 || c->holders > 0; }

void fuzz_channel_release(fuzz_channel_t* c) {
  if (c->refs == 1 && c->busy > 0) return;
  c->refs--;
  uvchan_release(c->ch);
}

/* Where requests are under way, or ticks came, the ledger alone does not know the figures. */
void fuzz_channel_check(const fuzz_channel_t* c) {
  uvchan_stats_t stats;
  uvchan_stats(c->ch, &stats);
  must(stats.len == uvchan_len(c->ch));
  must(stats.len <= c->capacity || c->capacity == 0);
  must(stats.peak <= c->capacity);
  must(stats.sent == stats.received + stats.dropped + stats.len);
  must(uvchan_is_closed(c->ch) == c->is_closed);
  must(uvchan_capacity(c->ch) == c->capacity && uvchan_elem_size(c->ch) == c->elem_size);
  if (c->requests > 0 || c->had_ticker) return;
  must(stats.sent == c->nsent);
  must(stats.received == c->nreceived);
  must(!c->has_drop_cb || stats.dropped == c->ndropped);
}

static void check_complete(const fuzz_channel_t* c) {
  unsigned int number;
  for (number = 1; number <= c->last; number++) {
    must(c->fate[number] == FUZZ_SENT || c->fate[number] == FUZZ_REFUSED);
    if (c->elem_size > 0 && c->has_drop_cb)
      must(c->has_left[number] == (c->fate[number] == FUZZ_SENT));
  }
  if (c->has_drop_cb && !c->had_ticker) must(c->nsent == c->nreceived + c->ndropped);
}

void fuzz_ledger_end(void) {
  size_t i;
  for (i = 0; i < FUZZ_CHANNELS && fuzz_channels[i].ch != NULL; i++) {
    must(fuzz_channels[i].refs == 0 && fuzz_channels[i].holders == 0 &&
         fuzz_channels[i].requests == 0);
    check_complete(&fuzz_channels[i]);
  }
}

/* ---- What a call may answer ------------------------------------------------------------------ */

fuzz_ready_t fuzz_ready(const fuzz_channel_t* c) {
  fuzz_ready_t ready;
  uvchan_stats_t stats;
  int has_room, may_drop;
  uvchan_stats(c->ch, &stats);
  has_room = c->capacity == 0 ? stats.waiting_receivers > 0 : stats.len < c->capacity;
  ready.is_closed = c->is_closed;
  ready.will_send = c->overflow != UVCHAN_WAIT || (has_room && stats.waiting_senders == 0);
  /* a select may wait on both sides of a channel */
  may_drop = c->grows_old && stats.len > 0;
  ready.may_send = ready.will_send || stats.waiting_receivers > 0 || may_drop;
  ready.may_receive = stats.len > 0 || stats.waiting_senders > 0;
  ready.will_receive = ready.may_receive && !(may_drop && stats.waiting_senders == 0);
  ready.is_sure = !may_drop || !c->has_drop_cb;
  ready.failures = fuzz_failures();
  return ready;
}

void fuzz_check_send(const fuzz_ready_t* ready, int answer) {
  if (!ready->is_sure && answer != UV_ENOMEM) return;
  switch (answer) {
    case 0:
      must(!ready->is_closed && ready->may_send);
      break;
    case UV_EAGAIN:
    case UV_ETIMEDOUT:
    case UV_EBUSY:
      must(!ready->is_closed && !ready->will_send);
      break;
    case UV_EPIPE:
      must(ready->is_closed);
      break;
    case UV_ENOMEM:
      must(fuzz_failures() > ready->failures);
      break;
    default:
      fuzz_failed(__FILE__, __LINE__, "an answer of a send");
  }
}

void fuzz_check_receive(const fuzz_ready_t* ready, const fuzz_channel_t* c, int answer) {
  if (answer == UV_ENOMEM) {
    must(c->grows_old && fuzz_failures() > ready->failures);
  } else if (!ready->is_sure) {
    must(answer == 0 || answer == UV_EAGAIN || answer == UV_ETIMEDOUT ||
         (c->is_closed && answer == c->end));
  } else if (answer == 0) {
    must(ready->may_receive);
  } else if (answer == UV_EAGAIN || answer == UV_ETIMEDOUT) {
    must(!ready->is_closed && !ready->will_receive);
  } else {
    must(ready->is_closed && !ready->will_receive && answer == c->end);
  }
}
