/* SPDX-License-Identifier: MIT */
/* Channels and pools as JSON, for tools. What is not known is left out. Threads: show.h. */
#include "inspect/show.h"

/* ---- Members: each but the first with a comma before it -------------------------------------- */

static void put_key(uvchan__writer_t* writer, const char* key) {
  uvchan__put(writer, ",\"");
  uvchan__put(writer, key);
  uvchan__put(writer, "\":");
}

static void put_count(uvchan__writer_t* writer, const char* key, uint64_t n) {
  put_key(writer, key);
  uvchan__put_number(writer, n);
}

static void put_truth(uvchan__writer_t* writer, const char* key, int is_true) {
  put_key(writer, key);
  uvchan__put(writer, is_true ? "true" : "false");
}

static void put_string(uvchan__writer_t* writer, const char* key, const char* text) {
  put_key(writer, key);
  uvchan__put_quoted(writer, text, UVCHAN__AS_JSON);
}

static void put_address(uvchan__writer_t* writer, const char* key, const void* address) {
  put_key(writer, key);
  uvchan__put(writer, "\"");
  uvchan__put_address(writer, address);
  uvchan__put(writer, "\"");
}

static void put_begin(uvchan__writer_t* writer, uint64_t number, const char* name,
                      const void* address, unsigned int references, int is_busy, int is_first) {
  uvchan__put(writer, is_first ? "\n{\"id\":" : ",\n{\"id\":");
  uvchan__put_number(writer, number);
  put_string(writer, "name", name);
  put_address(writer, "address", address);
  put_count(writer, "references", references);
  put_truth(writer, "busy", is_busy);
}

/* ---- A channel ------------------------------------------------------------------------------- */

static void put_sight(uvchan__writer_t* writer, const uvchan__sight_t* sight, const char* kind,
                      int is_first) {
  uvchan__put(writer, is_first ? "{\"kind\":\"" : ",{\"kind\":\"");
  uvchan__put(writer, sight->loop == NULL ? "thread" : kind);
  uvchan__put(writer, "\"");
  if (sight->loop != NULL) put_address(writer, "loop", sight->loop);
  if (sight->thread != 0) put_count(writer, "thread", sight->thread);
  if (sight->has_since) put_count(writer, "waited_ms", sight->waited_ms);
}

static void put_side(uvchan__writer_t* writer, const char* key, const uvchan__side_t* side) {
  size_t i;

  put_key(writer, key);
  uvchan__put(writer, "[");
  for (i = 0; i < side->shown; i++) {
    put_sight(writer, &side->sights[i], "request", i == 0);
    uvchan__put(writer, "}");
  }
  uvchan__put(writer, "]");
}

static void put_started(uvchan__writer_t* writer, const uvchan__side_t* side) {
  static const char states[][6] = {"waits", "told", "turn"};
  size_t i;

  put_key(writer, "started");
  uvchan__put(writer, "[");
  for (i = 0; i < side->shown; i++) {
    uvchan__sight_t sight = side->sights[i];

    sight.has_since = sight.has_since && side->receiving[i] == UVCHAN__WAITS;
    put_sight(writer, &sight, "receiver", i == 0);
    put_string(writer, "state", states[side->receiving[i]]);
    uvchan__put(writer, "}");
  }
  uvchan__put(writer, "]");
}

static void put_figures(uvchan__writer_t* writer, const uvchan__glance_t* glance) {
  put_count(writer, "peak", glance->stats.peak);
  put_count(writer, "sent", glance->stats.sent);
  put_count(writer, "received", glance->stats.received);
  put_count(writer, "dropped", glance->stats.dropped);
  put_count(writer, "expired", glance->stats.expired);
  put_count(writer, "shed", glance->stats.shed);
  put_count(writer, "longest_wait_ns", glance->stats.longest_wait);
  put_count(writer, "wakeups", glance->stats.wakeups);
  put_count(writer, "counted_senders", glance->counted_senders);
  put_count(writer, "waiting_senders", glance->senders.n);
  put_count(writer, "waiting_receivers", glance->receivers.n);
  put_count(writer, "started_receivers", glance->started.n);
  put_side(writer, "senders", &glance->senders);
  put_side(writer, "receivers", &glance->receivers);
  put_started(writer, &glance->started);
}

static void show_channel(uvchan__writer_t* writer, const uvchan__glance_t* glance, int is_first) {
  put_begin(writer, glance->number, glance->name, glance->address, glance->references,
            glance->is_busy, is_first);
  put_string(writer, "kind", glance->kind);
  put_count(writer, "elem_size", glance->elem_size);
  if (glance->stats.capacity != UVCHAN_UNBOUNDED)
    put_count(writer, "capacity", glance->stats.capacity);
  put_truth(writer, "closed", glance->is_closed);
  if (glance->is_closed) {
    put_key(writer, "end");
    uvchan__put(writer, "\"");
    uvchan__put_status(writer, glance->end_status);
    uvchan__put(writer, "\"");
  }
  if (!glance->is_busy || glance->stats.capacity != UVCHAN_UNBOUNDED)
    put_count(writer, "len", glance->stats.len);
  if (!glance->is_busy) put_figures(writer, glance);
  uvchan__put(writer, "}");
}

/* ---- A pool ---------------------------------------------------------------------------------- */

static void put_works(uvchan__writer_t* writer, const uvchan_pool_stats_t* stats) {
  put_count(writer, "submitted", stats->submitted);
  put_count(writer, "done", stats->done);
  put_count(writer, "cancelled", stats->cancelled);
  put_count(writer, "expired", stats->expired);
  put_count(writer, "shed", stats->shed);
  put_count(writer, "ended_by_close", stats->closed);
  put_count(writer, "refused", stats->refused);
  put_count(writer, "total_wait_ns", stats->total_wait);
  put_count(writer, "longest_wait_ns", stats->longest_wait);
  put_count(writer, "waiting", stats->waiting);
  put_count(writer, "waiting_urgent", stats->waiting_urgent);
  put_count(writer, "waiting_outside", stats->waiting_outside);
  put_count(writer, "running", stats->running);
  put_count(writer, "peak", stats->peak);
  put_count(writer, "capacity", stats->capacity);
  put_count(writer, "threads", stats->threads);
  put_count(writer, "threads_idle", stats->threads_idle);
  put_count(writer, "threads_at_most", stats->threads_at_most);
  put_count(writer, "threads_failed", stats->threads_failed);
}

static void put_at_work(uvchan__writer_t* writer, const uvchan__pool_glance_t* glance) {
  size_t i;

  put_key(writer, "at_work");
  uvchan__put(writer, "[");
  for (i = 0; i < glance->n_at_work; i++) {
    uvchan__put(writer, i == 0 ? "{\"thread\":" : ",{\"thread\":");
    uvchan__put_number(writer, glance->at_work[i].thread);
    put_address(writer, "work", glance->at_work[i].work);
    put_count(writer, "ms", glance->at_work[i].ms);
    uvchan__put(writer, "}");
  }
  uvchan__put(writer, "]");
}

static void put_loops(uvchan__writer_t* writer, const uvchan__pool_glance_t* glance) {
  size_t i;

  put_count(writer, "pending_loops", glance->n_loops);
  put_key(writer, "loops");
  uvchan__put(writer, "[");
  for (i = 0; i < glance->n_loops_shown; i++) {
    uvchan__put(writer, i == 0 ? "{\"loop\":\"" : ",{\"loop\":\"");
    uvchan__put_address(writer, glance->loops[i].loop);
    uvchan__put(writer, "\"");
    put_count(writer, "finished", glance->loops[i].finished);
    uvchan__put(writer, "}");
  }
  uvchan__put(writer, "]");
}

static void show_pool(uvchan__writer_t* writer, const uvchan__pool_glance_t* glance, int is_first) {
  put_begin(writer, glance->number, glance->name, glance->address, glance->references,
            glance->is_busy, is_first);
  if (!glance->is_busy) {
    put_truth(writer, "closed", glance->is_closed);
    put_works(writer, &glance->stats);
    put_count(writer, "first_waits_ms", glance->first_waits_ms);
    put_count(writer, "waiting_for_room", glance->rooms);
    put_at_work(writer, glance);
    put_loops(writer, glance);
  }
  uvchan__put(writer, "}");
}

const uvchan__show_t uvchan__json = {"{\"channels\":[", show_channel, "],\n\"pools\":[", show_pool,
                                     "]}\n"};
