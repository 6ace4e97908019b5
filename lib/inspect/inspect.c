/* SPDX-License-Identifier: MIT */
/* All channels and pools, one after the other, to a stream or a callback. Knows walks, glances and
 * formats. Threads: any. */
#include <uvchan/inspect.h>

#include "ground/platform.h"
#include "inspect/show.h"

/* ---- The walks ------------------------------------------------------------------------------- */

typedef struct {
  const uv_loop_t* loop;
  int is_shown;
  union {
    uvchan__glance_t channel;
    uvchan__pool_glance_t pool;
  } glance;
} seen_t;

static void look_at_channel(uvchan__member_t* member, void* arg) {
  seen_t* seen = arg;

  seen->is_shown = uvchan__glance(member, seen->loop, &seen->glance.channel) &&
                   (seen->glance.channel.concerns || seen->glance.channel.is_busy);
}

static void look_at_pool(uvchan__member_t* member, void* arg) {
  seen_t* seen = arg;

  seen->is_shown = uvchan__pool_glance(member, seen->loop, &seen->glance.pool) &&
                   (seen->glance.pool.concerns || seen->glance.pool.is_busy);
}

static void show_channels(uvchan__cursor_t* cursor, const uvchan__show_t* show, seen_t* seen,
                          uvchan__writer_t* writer) {
  int is_first = 1;

  while (writer->status == 0 && uvchan__roster_next(cursor, look_at_channel, seen)) {
    if (!seen->is_shown) continue;
    show->channel(writer, &seen->glance.channel, is_first);
    is_first = 0;
  }
}

static void show_pools(uvchan__cursor_t* cursor, const uvchan__show_t* show, seen_t* seen,
                       uvchan__writer_t* writer) {
  int is_first = 1;

  while (writer->status == 0 && uvchan__roster_next(cursor, look_at_pool, seen)) {
    if (!seen->is_shown) continue;
    show->pool(writer, &seen->glance.pool, is_first);
    is_first = 0;
  }
}

/* Both walks begin before anything is written: where they can't, nothing is. */
static int show_all(const uv_loop_t* loop, const uvchan__show_t* show, uvchan_write_cb write,
                    void* arg) {
  uvchan__cursor_t channels, pools;
  uvchan__writer_t writer;
  seen_t seen;

  if (!uvchan__roster_begin(&channels, UVCHAN__CHANNELS)) return UV_EBUSY;
  if (!uvchan__roster_begin(&pools, UVCHAN__POOLS)) {
    uvchan__roster_end(&channels);
    return UV_EBUSY;
  }
  seen.loop = loop;
  uvchan__writer_init(&writer, write, arg);
  uvchan__put(&writer, show->begin);
  show_channels(&channels, show, &seen, &writer);
  uvchan__put(&writer, show->between);
  show_pools(&pools, show, &seen, &writer);
  uvchan__put(&writer, show->end);
  uvchan__roster_end(&channels);
  uvchan__roster_end(&pools);
  return uvchan__writer_end(&writer);
}

/* ---- The calls ------------------------------------------------------------------------------- */

int uvchan_inspect(uv_loop_t* loop, uvchan_format_t format, uvchan_write_cb write, void* arg) {
  if (write == NULL || (format != UVCHAN_TEXT && format != UVCHAN_JSON)) return UV_EINVAL;
  return show_all(loop, format == UVCHAN_JSON ? &uvchan__json : &uvchan__text, write, arg);
}

static int write_to_stream(void* stream, const char* bytes, size_t n) {
  return fwrite(bytes, 1, n, stream) == n ? 0 : UV_EIO;
}

static int write_to_standard_error(void* arg, const char* bytes, size_t n) {
  (void)arg;
  uvchan__write_error(bytes, n);
  return 0;
}

void uvchan_print_all(uv_loop_t* loop, FILE* stream) {
  static const char busy[] = "uvchan: busy: somebody is just making or freeing a channel\n";
  uvchan_write_cb write = stream == NULL ? write_to_standard_error : write_to_stream;

  if (uvchan_inspect(loop, UVCHAN_TEXT, write, stream) == UV_EBUSY)
    write(stream, busy, sizeof(busy) - 1);
  if (stream != NULL) fflush(stream);
}
