/* SPDX-License-Identifier: MIT */
/* A source's life: its end, its near side, its connections, its figures. */
#include <stdlib.h>
#include <string.h>
#include <uvchan/redis.h>

#include "redis/claiming.h"
#include "redis/reading.h"
#include "redis/returning.h"
#include "redis/words.h"

/* ---- The end --------------------------------------------------------------------------------- */

/* Some errors are no end of a channel. */
static void close_channel(uvchan_t* ch, int status) {
  if (uvchan_close_with(ch, status) == UV_EINVAL) uvchan_close_with(ch, UV_ECONNABORTED);
}

static void end_with(uvchan__redis_source_t* source, int status) {
  if (source->state == UVCHAN__REDIS_SOURCE_OVER) return;
  source->state = UVCHAN__REDIS_SOURCE_OVER;
  uvchan__redis_link_stop(&source->reader);
  uvchan__redis_link_stop(&source->side);
  uv_timer_stop(&source->claim_timer);
  uvchan__redis_delivery_stop(&source->delivery);
  close_channel(source->handle->channel, status);
  if (source->options.on_end != NULL) source->options.on_end(source->handle, status);
}

/* What a question brings that is on its way is to be given back, and so is what this consumer had
 * before; where the server is away, neither is waited for. */
static int may_get_values(const uvchan__redis_source_t* source) {
  return source->reads.n > 0 || source->recalled > 0 || source->claimed > 0 ||
         (source->is_history && source->is_open);
}

/* The stream has ended once it is closed and every value was done. */
void uvchan__redis_source_check_end(uvchan__redis_source_t* source) {
  int has_ended = source->has_ended && source->length == 0;

  if (source->delivery.slots.used > 0) return;
  if (source->state == UVCHAN__REDIS_SOURCE_LEAVING) {
    if (has_ended || !may_get_values(source)) end_with(source, UV_EPIPE);
  } else if (has_ended) {
    end_with(source, source->end_status);
  }
}

/* ---- Delivery -------------------------------------------------------------------------------- */

static void on_refused(void* owner, int error) {
  uvchan__redis_source_t* source = owner;

  if (error != UV_EPIPE) {
    end_with(source, error);
  } else if (uvchan__redis_source_is_running(source)) {
    source->state = UVCHAN__REDIS_SOURCE_LEAVING;
    uvchan__redis_delivery_return(&source->delivery);
    uvchan__redis_source_check_end(source);
  }
}

void uvchan__redis_source_check_channel(uvchan__redis_source_t* source) {
  if (!source->delivery.is_sending && uvchan_is_closed(source->handle->channel))
    on_refused(source, UV_EPIPE);
}

/* What the server has said last of the stream. There may be nothing to deliver: so the channel is
 * looked at here too. */
void uvchan__redis_source_learn(uvchan__redis_source_t* source, const redisReply* reply) {
  const char* closed = uvchan__redis_text(reply, 0);

  source->length = uvchan__redis_number(reply, 1);
  source->lag = uvchan__redis_number(reply, 2);
  source->has_ended = closed[0] != '\0';
  if (source->has_ended) source->end_status = uvchan__redis_status_of_words(closed);
  uvchan__redis_source_check_channel(source);
  uvchan__redis_source_note_returns(source, uvchan__redis_number(reply, 3));
  uvchan__redis_source_check_end(source);
}

static void deliver(uvchan__redis_source_t* source) {
  int r =
      uvchan__redis_source_is_running(source) ? uvchan__redis_delivery_go_on(&source->delivery) : 0;

  if (r != 0) on_refused(source, r);
}

void uvchan__redis_source_go_on(uvchan__redis_source_t* source) {
  deliver(source);
  uvchan__redis_source_return(source);
  uvchan__redis_source_ask(source);
  uvchan__redis_source_check_end(source);
}

static void on_moved(void* owner) { uvchan__redis_source_go_on(owner); }

/* ---- The connections ------------------------------------------------------------------------- */

static void on_side_ready(void* owner) {
  uvchan__redis_source_t* source = owner;

  source->is_claim_due = 1;
  uvchan__redis_source_renew(source);
  uvchan__redis_source_go_on(source);
}

static void on_side_lost(void* owner) {
  uvchan__redis_source_t* source = owner;

  uvchan__redis_flights_clear(&source->dones);
  uvchan__redis_flights_clear(&source->backs);
  source->is_renewing = 0;
  if (source->claimed > 0) uvchan__redis_source_recall(source);
  uvchan__redis_source_unreserve(source, &source->claimed);
  uvchan__redis_source_check_end(source);
}

static void on_claim_time(uv_timer_t* timer) {
  uvchan__redis_source_t* source = timer->data;

  uvchan__redis_source_renew(source);
  source->is_claim_due = 1;
  uvchan__redis_source_go_on(source);
}

static void on_gave_up(void* owner, int status) { end_with(owner, status); }

/* ---- Init and close -------------------------------------------------------------------------- */

static void free_memory(uvchan__redis_source_t* source) {
  uvchan__redis_command_free(&source->command);
  free(source->group);
  free(source->consumer);
  free(source);
}

/* The handle knows the source no more when `undo` is called for what was not delivered. */
static void finish_one(uvchan__redis_source_t* source) {
  uvchan_redis_source_t* handle = source->handle;
  uvchan_redis_source_close_cb cb = source->close_cb;
  uvchan_t* ch = handle->channel;

  if (--source->open > 0) return;
  handle->self = NULL;
  uvchan__redis_delivery_free(&source->delivery);
  free_memory(source);
  if (cb != NULL) cb(handle);
  uvchan_release(ch);
}

static void on_link_closed(void* owner) { finish_one(owner); }

static void on_timer_closed(uv_handle_t* timer) { finish_one(timer->data); }

static void on_parted(void* owner) {
  uvchan__redis_source_t* source = owner;

  if (source->open > 0) finish_one(source);
}

static const uvchan__redis_link_calls_t reader_calls = {uvchan__redis_source_reader_ready,
                                                        uvchan__redis_source_reader_lost,
                                                        on_gave_up, on_link_closed};
static const uvchan__redis_link_calls_t side_calls = {on_side_ready, on_side_lost, on_gave_up,
                                                      on_link_closed};

static void prepare(uvchan__redis_source_t* source, uvchan_redis_source_t* handle) {
  source->handle = handle;
  uvchan__redis_source_prepare_reading(source);
  uvchan__redis_source_prepare_claiming(source);
  uvchan__redis_source_prepare_returning(source);
  source->delivery.handle = handle;
  source->delivery.moved = on_moved;
  source->delivery.refused = on_refused;
  source->delivery.parted = on_parted;
  source->delivery.owner = source;
}

/* All that can fail but the delivery. */
static int allocate(uvchan__redis_source_t* source, const uvchan_redis_server_t* server) {
  const uvchan_redis_source_options_t* options = &source->options;
  size_t returns = 3 * (size_t)options->batch;
  size_t most = returns > options->in_flight ? returns : options->in_flight;
  int r = uvchan__redis_link_prepare(&source->reader, server);

  if (r != 0) return r;
  r = uvchan__redis_link_prepare(&source->side, server);
  if (r != 0) goto free_reader;
  r = uvchan__redis_command_init(&source->command, options->stream, most);
  if (r != 0) goto free_side;
  r = UV_ENOMEM;
  source->group = uvchan__redis_copy(options->group);
  source->consumer = uvchan__redis_copy(options->consumer);
  if (source->group != NULL && source->consumer != NULL) return 0;

  free(source->group);
  free(source->consumer);
  uvchan__redis_command_free(&source->command);
free_side:
  uvchan__redis_address_free(&source->side.address);
free_reader:
  uvchan__redis_address_free(&source->reader.address);
  return r;
}

/* What can't fail. */
static void begin(uvchan__redis_source_t* source, uv_loop_t* loop) {
  uint64_t claim_ms = source->options.claim_after_ms / 2 + 1;

  uvchan__redis_link_begin(loop, &source->reader, &reader_calls, source);
  uvchan__redis_link_begin(loop, &source->side, &side_calls, source);
  source->reader.patience_ms += source->options.block_ms;
  uv_timer_init(loop, &source->claim_timer);
  source->claim_timer.data = source;
  uv_timer_start(&source->claim_timer, on_claim_time, claim_ms, claim_ms);
  uvchan__redis_delivery_begin(&source->delivery);
}

int uvchan_redis_source_init(uv_loop_t* loop, uvchan_redis_source_t* handle, uvchan_t* ch,
                             const uvchan_redis_source_options_t* options) {
  uvchan__redis_source_t* source;
  int r;

  if (loop == NULL || handle == NULL || ch == NULL || options == NULL) return UV_EINVAL;
  source = calloc(1, sizeof(*source));
  if (source == NULL) return UV_ENOMEM;
  r = uvchan__redis_source_options(options, uvchan_elem_size(ch), &source->options);
  if (r != 0) goto free_source;
  r = allocate(source, &options->server);
  if (r != 0) goto free_source;
  r = uvchan__redis_delivery_init(&source->delivery, loop, &source->options, uvchan_elem_size(ch));
  if (r != 0) goto free_links;
  prepare(source, handle);
  begin(source, loop);
  handle->loop = loop;
  handle->channel = uvchan_retain(ch);
  handle->self = source;
  return 0;

free_links:
  uvchan__redis_address_free(&source->side.address);
  uvchan__redis_address_free(&source->reader.address);
  free_memory(source);
  return r;
free_source:
  free(source);
  return r;
}

void uvchan_redis_source_close(uvchan_redis_source_t* handle, uvchan_redis_source_close_cb cb) {
  uvchan__redis_source_t* source = handle == NULL ? NULL : handle->self;

  if (source == NULL || source->open > 0) return;
  source->close_cb = cb;
  source->state = UVCHAN__REDIS_SOURCE_OVER;
  source->open = 3 + uvchan__redis_delivery_close(&source->delivery);
  uv_close((uv_handle_t*)&source->claim_timer, on_timer_closed);
  uvchan__redis_link_close(&source->reader);
  uvchan__redis_link_close(&source->side);
}

/* ---- Figures --------------------------------------------------------------------------------- */

static uvchan_redis_state_t state_of(const uvchan__redis_source_t* source) {
  if (source->state == UVCHAN__REDIS_SOURCE_OVER) return UVCHAN_REDIS_OVER;
  if (!source->is_open || !uvchan__redis_link_is_ready(&source->side)) return UVCHAN_REDIS_AWAY;
  return source->has_ended || source->state == UVCHAN__REDIS_SOURCE_LEAVING ? UVCHAN_REDIS_ENDING
                                                                            : UVCHAN_REDIS_RUNNING;
}

void uvchan_redis_source_stats(const uvchan_redis_source_t* handle, uvchan_redis_stats_t* stats) {
  const uvchan__redis_source_t* source = handle == NULL ? NULL : handle->self;
  const uvchan__redis_link_t* link;

  if (stats == NULL) return;
  memset(stats, 0, sizeof(*stats));
  stats->last_words = "";
  if (source == NULL || source->open > 0) return;
  link = source->reader.last_error != 0 ? &source->reader : &source->side;
  stats->state = state_of(source);
  stats->last_error = link->last_error;
  stats->last_words = link->last_words;
  stats->values = source->delivery.values;
  stats->done = source->done;
  stats->requeued = source->requeued;
  stats->again = source->delivery.again;
  stats->dead = source->dead;
  stats->connects = source->reader.connects + source->side.connects;
  stats->failures = source->reader.failures + source->side.failures;
  stats->held = source->delivery.slots.used;
  stats->length = source->length;
  stats->lag = source->lag;
}
