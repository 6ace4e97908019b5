/* SPDX-License-Identifier: MIT */
/* Channels and pools as text, for people. Threads: show.h. */
#include "inspect/show.h"

static void put_count(uvchan__writer_t* writer, const char* before, uint64_t n, const char* after) {
  uvchan__put(writer, before);
  uvchan__put_number(writer, n);
  uvchan__put(writer, after);
}

static void put_named(uvchan__writer_t* writer, const char* what, uint64_t number, const char* name,
                      const void* address) {
  put_count(writer, what, number, " ");
  uvchan__put_quoted(writer, name, UVCHAN__AS_TEXT);
  uvchan__put(writer, " at ");
  uvchan__put_address(writer, address);
  uvchan__put(writer, ": ");
}

void uvchan__put_status(uvchan__writer_t* writer, int status) {
  char name[32];

  uv_err_name_r(status, name, sizeof(name));
  uvchan__put(writer, name);
}

/* ---- A channel ------------------------------------------------------------------------------- */

static void put_depth(uvchan__writer_t* writer, const uvchan__glance_t* glance) {
  uvchan__put(writer, glance->kind);
  put_count(writer, ", ", glance->stats.len, "");
  if (glance->stats.capacity != UVCHAN_UNBOUNDED)
    put_count(writer, " of ", glance->stats.capacity, "");
}

static void put_end(uvchan__writer_t* writer, const uvchan__glance_t* glance) {
  if (!glance->is_closed) {
    uvchan__put(writer, ", open");
    return;
  }
  uvchan__put(writer, ", closed with ");
  uvchan__put_status(writer, glance->end_status);
}

static void put_waited(uvchan__writer_t* writer, const uvchan__sight_t* sight) {
  if (sight->has_since) put_count(writer, ", for ", sight->waited_ms, " ms");
}

static void put_sight(uvchan__writer_t* writer, const uvchan__sight_t* sight) {
  if (sight->loop != NULL) {
    uvchan__put(writer, "a request on loop ");
    uvchan__put_address(writer, sight->loop);
  } else if (sight->thread != 0) {
    put_count(writer, "thread ", sight->thread, "");
  } else {
    uvchan__put(writer, sight->has_since ? "a thread" : "a thread that does not sleep yet");
  }
  put_waited(writer, sight);
}

static void put_rest(uvchan__writer_t* writer, const uvchan__side_t* side, const char* what) {
  if (side->n == side->shown) return;
  uvchan__put(writer, what);
  put_count(writer, "and ", side->n - side->shown, " more\n");
}

static void put_side(uvchan__writer_t* writer, const uvchan__side_t* side, const char* what) {
  size_t i;

  for (i = 0; i < side->shown; i++) {
    uvchan__put(writer, what);
    put_sight(writer, &side->sights[i]);
    uvchan__put(writer, "\n");
  }
  put_rest(writer, side, what);
}

static void put_started(uvchan__writer_t* writer, const uvchan__side_t* side) {
  static const char* const what = "  receives: ";
  size_t i;

  for (i = 0; i < side->shown; i++) {
    uvchan__put(writer, what);
    uvchan__put(writer, "loop ");
    uvchan__put_address(writer, side->sights[i].loop);
    if (side->receiving[i] == UVCHAN__WAITS) {
      uvchan__put(writer, ", waits");
      put_waited(writer, &side->sights[i]);
    } else if (side->receiving[i] == UVCHAN__IS_TOLD) {
      uvchan__put(writer, ", is told to look, and its loop has not come to it");
    } else {
      uvchan__put(writer, ", in its turn");
    }
    uvchan__put(writer, "\n");
  }
  put_rest(writer, side, what);
}

static void put_figures(uvchan__writer_t* writer, const uvchan__glance_t* glance) {
  put_count(writer, "  sent ", glance->stats.sent, "");
  put_count(writer, ", received ", glance->stats.received, "");
  put_count(writer, ", dropped ", glance->stats.dropped, "");
  if (glance->stats.expired > 0) put_count(writer, " (expired ", glance->stats.expired, ")");
  if (glance->stats.shed > 0) put_count(writer, " (shed ", glance->stats.shed, ")");
  put_count(writer, ", wake-ups ", glance->stats.wakeups, "");
  if (glance->counted_senders > 0)
    put_count(writer, ", counted senders ", glance->counted_senders, "");
  uvchan__put(writer, "\n");
}

static void show_channel(uvchan__writer_t* writer, const uvchan__glance_t* glance, int is_first) {
  (void)is_first;
  put_named(writer, "channel ", glance->number, glance->name, glance->address);
  put_depth(writer, glance);
  if (!glance->is_busy) put_count(writer, ", peak ", glance->stats.peak, "");
  put_count(writer, ", ", glance->elem_size, " bytes each");
  put_end(writer, glance);
  put_count(writer, ", references ", glance->references, glance->is_busy ? ", busy\n" : "\n");
  if (glance->is_busy) return;
  put_figures(writer, glance);
  put_side(writer, &glance->senders, "  waits to send: ");
  put_side(writer, &glance->receivers, "  waits to receive: ");
  put_started(writer, &glance->started);
}

/* ---- A pool ---------------------------------------------------------------------------------- */

static void put_works(uvchan__writer_t* writer, const uvchan_pool_stats_t* stats) {
  put_count(writer, "  submitted ", stats->submitted, "");
  put_count(writer, ", done ", stats->done, "");
  put_count(writer, ", cancelled ", stats->cancelled, "");
  put_count(writer, ", expired ", stats->expired, "");
  put_count(writer, ", shed ", stats->shed, "");
  put_count(writer, ", closed ", stats->closed, "");
  put_count(writer, ", refused ", stats->refused, "\n");
}

static void put_pool_sides(uvchan__writer_t* writer, const uvchan__pool_glance_t* glance) {
  size_t i;

  for (i = 0; i < glance->n_at_work; i++) {
    put_count(writer, "  works: thread ", glance->at_work[i].thread, ", at ");
    uvchan__put_address(writer, glance->at_work[i].work);
    put_count(writer, ", for ", glance->at_work[i].ms, " ms\n");
  }
  for (i = 0; i < glance->n_loops_shown; i++) {
    uvchan__put(writer, "  has works pending: loop ");
    uvchan__put_address(writer, glance->loops[i].loop);
    put_count(writer, ", ", glance->loops[i].finished, " of them finished\n");
  }
  if (glance->rooms > 0) put_count(writer, "  waits for room: ", glance->rooms, " requests\n");
}

static void put_pool_depth(uvchan__writer_t* writer, const uvchan__pool_glance_t* glance) {
  const uvchan_pool_stats_t* stats = &glance->stats;

  put_count(writer, "", stats->waiting, "");
  put_count(writer, " of ", stats->capacity, " wait");
  if (stats->waiting_outside > 0) put_count(writer, ", ", stats->waiting_outside, " for room");
  if (stats->waiting > 0) put_count(writer, ", the first for ", glance->first_waits_ms, " ms");
  put_count(writer, ", peak ", stats->peak, "");
  put_count(writer, ", ", stats->running, "");
  put_count(writer, " of ", stats->threads, " threads at work");
  put_count(writer, " (at most ", stats->threads_at_most, ")");
  if (stats->threads_failed > 0) put_count(writer, ", not made ", stats->threads_failed, "");
  uvchan__put(writer, glance->is_closed ? ", closed" : ", open");
}

static void show_pool(uvchan__writer_t* writer, const uvchan__pool_glance_t* glance, int is_first) {
  (void)is_first;
  put_named(writer, "pool ", glance->number, glance->name, glance->address);
  if (glance->is_busy) {
    uvchan__put(writer, "busy\n");
    return;
  }
  put_pool_depth(writer, glance);
  put_count(writer, ", references ", glance->references, "\n");
  put_works(writer, &glance->stats);
  put_pool_sides(writer, glance);
}

const uvchan__show_t uvchan__text = {"", show_channel, "", show_pool, ""};
