/* SPDX-License-Identifier: MIT */
/* Channels and pools in the text format of OpenMetrics. All samples of a metric stand together: so
 * there is a walk for each. Knows walks and glances. Threads: any. */
#include <string.h>

#include "inspect/show.h"

/* How a number of the statistics is told. */
typedef enum { COUNT, CAPACITY, SECONDS, TRUTH } meaning_t;

typedef struct {
  const char* name; /* of a row that goes on with the metric before it, the same */
  const char* type;
  const char* help;
  const char* label; /* beside name and id, with a comma before it; or "" */
  size_t offset;     /* in a glance */
  size_t bytes;
  meaning_t meaning;
} row_t;

#define ROW(glance, name, type, meaning, member, label, help)                                     \
  {                                                                                               \
    "uvchan_" name, type, help, label, offsetof(glance, member), sizeof(((glance*)NULL)->member), \
        meaning                                                                                   \
  }
#define CHANNEL(name, type, meaning, member, label, help) \
  ROW(uvchan__glance_t, "channel_" name, type, meaning, member, label, help)
#define POOL(name, type, meaning, member, label, help) \
  ROW(uvchan__pool_glance_t, "pool_" name, type, meaning, member, label, help)

static const row_t channel_rows[] = {
    CHANNEL("sent", "counter", COUNT, stats.sent, "", "Values sent."),
    CHANNEL("received", "counter", COUNT, stats.received, "", "Values received."),
    CHANNEL("dropped", "counter", COUNT, stats.dropped, "",
            "Values dropped by the overflow policy or an abort."),
    CHANNEL("expired", "counter", COUNT, stats.expired, "", "Of those dropped, for their age."),
    CHANNEL("shed", "counter", COUNT, stats.shed, "", "Of those dropped, by the admission."),
    CHANNEL("longest_wait_seconds", "gauge", SECONDS, stats.longest_wait, "",
            "The greatest age of a value that was received."),
    CHANNEL("wakeups", "counter", COUNT, stats.wakeups, "",
            "Times that a sleeping thread or loop had to be woken."),
    CHANNEL("length", "gauge", COUNT, stats.len, "", "Values buffered."),
    CHANNEL("peak", "gauge", COUNT, stats.peak, "", "The most values buffered at once."),
    CHANNEL("capacity", "gauge", CAPACITY, stats.capacity, "", "Values that have room."),
    CHANNEL("waiting", "gauge", COUNT, stats.waiting_senders, ",side=\"send\"",
            "Threads, requests, selects and receivers that wait."),
    CHANNEL("waiting", "gauge", COUNT, stats.waiting_receivers, ",side=\"receive\"", ""),
    CHANNEL("closed", "gauge", TRUTH, is_closed, "", "1 where it is closed."),
};

static const row_t pool_rows[] = {
    POOL("submitted", "counter", COUNT, stats.submitted, "", "Works taken."),
    POOL("refused", "counter", COUNT, stats.refused, "", "Tries that found no room."),
    POOL("finished", "counter", COUNT, stats.done, ",outcome=\"done\"", "Works that have ended."),
    POOL("finished", "counter", COUNT, stats.cancelled, ",outcome=\"cancelled\"", ""),
    POOL("finished", "counter", COUNT, stats.expired, ",outcome=\"expired\"", ""),
    POOL("finished", "counter", COUNT, stats.shed, ",outcome=\"shed\"", ""),
    POOL("finished", "counter", COUNT, stats.closed, ",outcome=\"closed\"", ""),
    POOL("wait_seconds", "counter", SECONDS, stats.total_wait, "",
         "Time that works have waited which then began."),
    POOL("longest_wait_seconds", "gauge", SECONDS, stats.longest_wait, "",
         "The longest that a work has waited which then began."),
    POOL("waiting", "gauge", COUNT, stats.waiting, ",where=\"inside\"",
         "Works that have not begun, within the capacity and waiting for room."),
    POOL("waiting", "gauge", COUNT, stats.waiting_outside, ",where=\"outside\"", ""),
    POOL("waiting_urgent", "gauge", COUNT, stats.waiting_urgent, "", "Of those inside, urgent."),
    POOL("running", "gauge", COUNT, stats.running, "", "Works that threads are at."),
    POOL("peak", "gauge", COUNT, stats.peak, "", "The most works that waited at once."),
    POOL("capacity", "gauge", CAPACITY, stats.capacity, "", "Works that may wait."),
    POOL("threads", "gauge", COUNT, stats.threads, "", "Threads that run."),
    POOL("threads_idle", "gauge", COUNT, stats.threads_idle, "", "Threads without a work."),
    POOL("threads_failed", "counter", COUNT, stats.threads_failed, "",
         "Times that a thread could not be made."),
};

/* ---- One sample ------------------------------------------------------------------------------ */

static uint64_t number_at(const void* glance, const row_t* row) {
  const unsigned char* at = (const unsigned char*)glance + row->offset;
  uint64_t wide;
  unsigned int narrow;

  if (row->bytes == sizeof(wide)) {
    memcpy(&wide, at, sizeof(wide));
    return wide;
  }
  memcpy(&narrow, at, sizeof(narrow));
  return row->meaning == CAPACITY && narrow == UINT32_MAX ? UINT64_MAX : narrow;
}

static void put_value(uvchan__writer_t* writer, const row_t* row, uint64_t number) {
  if (row->meaning == SECONDS) {
    uvchan__put_seconds(writer, number);
  } else if (row->meaning == CAPACITY && number == UINT64_MAX) {
    uvchan__put(writer, "+Inf");
  } else {
    uvchan__put_number(writer, number);
  }
}

static void put_sample(uvchan__writer_t* writer, const row_t* row, const void* glance,
                       const char* name, uint64_t number) {
  uvchan__put(writer, row->name);
  if (strcmp(row->type, "counter") == 0) uvchan__put(writer, "_total");
  uvchan__put(writer, "{name=");
  uvchan__put_quoted(writer, name, UVCHAN__AS_LABEL);
  uvchan__put(writer, ",id=\"");
  uvchan__put_number(writer, number);
  uvchan__put(writer, "\"");
  uvchan__put(writer, row->label);
  uvchan__put(writer, "} ");
  put_value(writer, row, number_at(glance, row));
  uvchan__put(writer, "\n");
}

static void put_line(uvchan__writer_t* writer, const char* what, const char* name,
                     const char* text) {
  uvchan__put(writer, what);
  uvchan__put(writer, name);
  uvchan__put(writer, " ");
  uvchan__put(writer, text);
  uvchan__put(writer, "\n");
}

static void put_head(uvchan__writer_t* writer, const row_t* row) {
  if (row->help[0] == '\0') return;
  put_line(writer, "# TYPE ", row->name, row->type);
  if (row->meaning == SECONDS) put_line(writer, "# UNIT ", row->name, "seconds");
  put_line(writer, "# HELP ", row->name, row->help);
}

/* ---- The walks ------------------------------------------------------------------------------- */

typedef struct {
  int is_shown;
  const char* name;
  uint64_t number;
  union {
    uvchan__glance_t channel;
    uvchan__pool_glance_t pool;
  } glance;
} seen_t;

static void look_at_channel(uvchan__member_t* member, void* arg) {
  seen_t* seen = arg;
  const uvchan__glance_t* glance = &seen->glance.channel;

  seen->is_shown = uvchan__glance(member, NULL, &seen->glance.channel) && !glance->is_busy &&
                   glance->name[0] != '\0';
  seen->name = glance->name;
  seen->number = glance->number;
}

static void look_at_pool(uvchan__member_t* member, void* arg) {
  seen_t* seen = arg;
  const uvchan__pool_glance_t* glance = &seen->glance.pool;

  seen->is_shown = uvchan__pool_glance(member, NULL, &seen->glance.pool) && !glance->is_busy &&
                   glance->name[0] != '\0';
  seen->name = glance->name;
  seen->number = glance->number;
}

static void put_rows(uvchan__writer_t* writer, const row_t* rows, size_t n,
                     uvchan__cursor_t* cursor, uvchan__look_func look) {
  seen_t seen;
  size_t i;

  for (i = 0; i < n; i++) {
    put_head(writer, &rows[i]);
    uvchan__roster_rewind(cursor);
    while (writer->status == 0 && uvchan__roster_next(cursor, look, &seen)) {
      if (seen.is_shown) put_sample(writer, &rows[i], &seen.glance, seen.name, seen.number);
    }
  }
}

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

int uvchan_write_metrics(uvchan_write_cb write, void* arg) {
  uvchan__cursor_t channels, pools;
  uvchan__writer_t writer;

  if (write == NULL) return UV_EINVAL;
  if (!uvchan__roster_begin(&channels, UVCHAN__CHANNELS)) return UV_EBUSY;
  if (!uvchan__roster_begin(&pools, UVCHAN__POOLS)) {
    uvchan__roster_end(&channels);
    return UV_EBUSY;
  }
  uvchan__writer_init(&writer, write, arg);
  put_rows(&writer, channel_rows, COUNT_OF(channel_rows), &channels, look_at_channel);
  put_rows(&writer, pool_rows, COUNT_OF(pool_rows), &pools, look_at_pool);
  uvchan__put(&writer, "# EOF\n");
  uvchan__roster_end(&channels);
  uvchan__roster_end(&pools);
  return uvchan__writer_end(&writer);
}
