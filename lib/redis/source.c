/* SPDX-License-Identifier: MIT */
/* A source: asks for no more values than it has slots, has them delivered, and acknowledges those
 * that their receivers are done with.
 *
 *   reader      --ready--> OPENING --open--> HISTORY --nothing left--> NEWS --no value--> OPENING ...
 *   other side  --ready--> done, as values are done; claim, by the timer
 *
 *   RUNNING --the stream is closed and empty--> OVER
 *      '-- the channel is closed --> LEAVING: only acknowledges --no slot in use--> OVER
 *
 * I1. Of the questions of a kind one is due at most: `is_reading`, `is_claiming`, `acknowledging`.
 * I2. The history and a claim name what has a slot when they are sent, and the server passes over
 *     that; so an answer has nothing that has a slot, but what the other of the two connections has
 *     brought since: for news `has_claimed` tells of that. */
#include <stdlib.h>
#include <string.h>
#include <uvchan/redis.h>

#include "redis/command.h"
#include "redis/delivery.h"
#include "redis/words.h"

typedef enum { RUNNING = 0, LEAVING, OVER } state_t;

typedef struct uvchan__redis_source_s {
  uvchan_redis_source_t* handle;
  uvchan_redis_source_options_t options; /* filled in; of its strings those below are kept */
  char* group;
  char* consumer;
  uvchan__redis_link_t reader;
  uvchan__redis_link_t side; /* the other connection */
  uvchan__redis_command_t command;
  uvchan__redis_call_t open_call, history_call, read_call, done_call, claim_call, bury_call;
  uvchan__redis_delivery_t delivery;
  uv_timer_t claim_timer;
  uvchan_redis_source_close_cb close_cb;
  state_t state;
  int is_open;    /* the group is there, on this connection of the reader's */
  int is_history; /* the next question is for what this consumer has */
  int is_reading;
  int is_claiming;
  int has_claimed;                       /* something since the reader's question */
  uint32_t acknowledging;                /* how many of those DONE are on their way */
  uint32_t asked, claimed;               /* how many slots each question has reserved */
  uint64_t history_time, history_serial; /* where the history goes on, behind this entry */
  uint64_t claim_time, claim_serial;
  int has_ended; /* the stream; with which status: */
  int end_status;
  unsigned int open; /* while closing: what is not closed yet */
  uint64_t done, dead, length, lag;
} source_t;

static void ask(source_t* source);
static void acknowledge(source_t* source);

/* ---- The end --------------------------------------------------------------------------------- */

/* Some errors are no end of a channel. */
static void close_channel(uvchan_t* ch, int status) {
  if (uvchan_close_with(ch, status) == UV_EINVAL) uvchan_close_with(ch, UV_ECONNABORTED);
}

static void end_with(source_t* source, int status) {
  if (source->state == OVER) return;
  source->state = OVER;
  uvchan__redis_link_stop(&source->reader);
  uvchan__redis_link_stop(&source->side);
  uv_timer_stop(&source->claim_timer);
  uvchan__redis_delivery_stop(&source->delivery);
  close_channel(source->handle->channel, status);
  if (source->options.on_end != NULL) source->options.on_end(source->handle, status);
}

/* The stream has ended once it is closed and every value was done. */
static void check_end(source_t* source) {
  if (source->delivery.slots.used > 0) return;
  if (source->state == LEAVING) {
    end_with(source, UV_EPIPE);
  } else if (source->has_ended && source->length == 0) {
    end_with(source, source->end_status);
  }
}

/* What the server has said last of the stream. */
static void learn(source_t* source, const redisReply* reply) {
  const char* closed = uvchan__redis_text(reply, 0);

  source->length = uvchan__redis_number(reply, 1);
  source->lag = uvchan__redis_number(reply, 2);
  if (closed[0] != '\0') {
    source->has_ended = 1;
    source->end_status = uvchan__redis_status_of_words(closed);
  }
  check_end(source);
}

/* ---- Delivery -------------------------------------------------------------------------------- */

static void on_refused(void* owner, int error) {
  source_t* source = owner;

  if (error == UV_EPIPE && source->state == RUNNING) {
    source->state = LEAVING;
    uvchan__redis_delivery_forget(&source->delivery);
    check_end(source);
  } else {
    end_with(source, error);
  }
}

static void deliver(source_t* source) {
  int r = source->state == RUNNING ? uvchan__redis_delivery_go_on(&source->delivery) : 0;

  if (r != 0) on_refused(source, r);
}

static void go_on(source_t* source) {
  deliver(source);
  acknowledge(source);
  ask(source);
}

static void on_moved(void* owner) {
  source_t* source = owner;

  if (source->state == LEAVING) check_end(source);
  acknowledge(source);
  ask(source);
}

/* ---- Entries --------------------------------------------------------------------------------- */

static void begin_script(source_t* source, const uvchan__redis_link_t* link,
                         uvchan__redis_script_t script) {
  uvchan__redis_command_script(&source->command, link, script);
  uvchan__redis_command_word(&source->command, source->group);
}

/* Where the other connection is away, the entry stays with this consumer, and is claimed later. */
static void bury(source_t* source, uint64_t time, uint64_t serial, int why) {
  char words[UVCHAN__REDIS_STATUS_BYTES];

  if (source->state == OVER || !uvchan__redis_link_is_ready(&source->side)) return;
  uvchan__redis_status_to_words(why, words);
  begin_script(source, &source->side, UVCHAN__REDIS_BURY);
  uvchan__redis_command_number(&source->command, source->options.dead_capacity);
  uvchan__redis_command_word(&source->command, words);
  uvchan__redis_command_id(&source->command, time, serial);
  uvchan__redis_command_send(&source->command, &source->bury_call);
}

static void on_bury(void* owner, const redisReply* reply) {
  source_t* source = owner;

  if (reply->type == REDIS_REPLY_INTEGER && reply->integer > 0) source->dead++;
}

/* The text that is behind a name in an entry's fields; NULL: there is none. */
static const redisReply* field(const redisReply* fields, const char* name) {
  size_t i;

  for (i = 0; uvchan__redis_element(fields, i + 1) != NULL; i += 2) {
    const redisReply* text = fields->element[i + 1];
    if (strcmp(uvchan__redis_text(fields, i), name) == 0)
      return text->type == REDIS_REPLY_STRING ? text : NULL;
  }
  return NULL;
}

static void accept_entry(source_t* source, const redisReply* id, const redisReply* fields,
                         uint64_t deliveries, int may_be_here) {
  const redisReply* format = field(fields, "f");
  const redisReply* value = field(fields, "v");
  uint64_t time, serial;
  int r;

  if (uvchan__redis_id(id, &time, &serial) != 0) return;
  r = uvchan__redis_delivery_accept(
      &source->delivery, time, serial, format == NULL ? NULL : format->str,
      value == NULL ? NULL : value->str, value == NULL ? 0 : (size_t)value->len, deliveries,
      may_be_here);
  if (r != 0) bury(source, time, serial, r);
}

/* ---- What was delivered before --------------------------------------------------------------- */

/* Of everybody, what was not done for claim_after_ms; or of this consumer, all. */
static void send_claim(source_t* source, uvchan__redis_call_t* call, uint32_t count, int is_own) {
  const uvchan__redis_slots_t* slots = &source->delivery.slots;
  uvchan__redis_command_t* command = &source->command;
  uint32_t i;

  begin_script(source, call->link, UVCHAN__REDIS_CLAIM);
  uvchan__redis_command_number(command, source->options.dead_capacity);
  uvchan__redis_command_word(command, source->consumer);
  uvchan__redis_command_number(command, is_own ? 0 : source->options.claim_after_ms);
  uvchan__redis_command_number(command, count);
  uvchan__redis_command_number(command, source->options.max_deliveries);
  uvchan__redis_command_behind(command, is_own ? source->history_time : source->claim_time,
                               is_own ? source->history_serial : source->claim_serial);
  uvchan__redis_command_word(command, is_own ? source->consumer : "");
  for (i = 0; i < slots->size; i++) {
    if (slots->slots[i].state != UVCHAN__REDIS_FREE)
      uvchan__redis_command_id(command, slots->slots[i].time, slots->slots[i].serial);
  }
  uvchan__redis_command_send(command, call);
}

/* Answers 1 where the look has not come to its end: the next one begins behind *time and *serial. */
static int accept_claimed(source_t* source, const redisReply* reply, uint64_t* time,
                          uint64_t* serial) {
  const redisReply* entries = uvchan__redis_element(reply, 0);
  size_t i;

  source->dead += uvchan__redis_number(reply, 1);
  for (i = 0; source->state == RUNNING && uvchan__redis_element(entries, i) != NULL; i++) {
    const redisReply* entry = entries->element[i];
    accept_entry(source, uvchan__redis_element(entry, 0), uvchan__redis_element(entry, 2),
                 uvchan__redis_number(entry, 1), 1);
  }
  if (uvchan__redis_id(uvchan__redis_element(reply, 2), time, serial) == 0) return 1;
  *time = *serial = 0;
  return 0;
}

static void unreserve(source_t* source, uint32_t* reserved) {
  source->delivery.slots.reserved -= *reserved;
  *reserved = 0;
}

static void reserve(source_t* source, uint32_t* reserved, uint32_t room) {
  *reserved = room < source->options.batch ? room : source->options.batch;
  source->delivery.slots.reserved += *reserved;
}

static void claim(source_t* source) {
  uint32_t room = uvchan__redis_slots_room(&source->delivery.slots);

  if (source->state != RUNNING || source->is_claiming || !source->is_open || room == 0) return;
  if (!uvchan__redis_link_is_ready(&source->side)) return;
  reserve(source, &source->claimed, room);
  source->is_claiming = 1;
  send_claim(source, &source->claim_call, source->claimed, 0);
}

static void on_claim(void* owner, const redisReply* reply) {
  source_t* source = owner;

  source->is_claiming = 0;
  source->has_claimed = 1;
  unreserve(source, &source->claimed);
  accept_claimed(source, reply, &source->claim_time, &source->claim_serial);
  go_on(source);
}

static void on_claim_time(uv_timer_t* timer) { claim(timer->data); }

/* ---- Reading --------------------------------------------------------------------------------- */

static void send_open(source_t* source) {
  source->is_reading = 1;
  begin_script(source, &source->reader, UVCHAN__REDIS_OPEN);
  uvchan__redis_command_send(&source->command, &source->open_call);
}

static void on_open(void* owner, const redisReply* reply) {
  source_t* source = owner;

  source->is_reading = 0;
  source->is_open = 1;
  learn(source, reply);
  ask(source);
}

/* XREADGROUP GROUP group consumer COUNT n BLOCK ms STREAMS stream > */
static void send_read(source_t* source) {
  uvchan__redis_command_t* command = &source->command;

  uvchan__redis_command_begin(command, "XREADGROUP");
  uvchan__redis_command_word(command, "GROUP");
  uvchan__redis_command_word(command, source->group);
  uvchan__redis_command_word(command, source->consumer);
  uvchan__redis_command_word(command, "COUNT");
  uvchan__redis_command_number(command, source->asked);
  uvchan__redis_command_word(command, "BLOCK");
  uvchan__redis_command_number(command, source->options.block_ms);
  uvchan__redis_command_word(command, "STREAMS");
  uvchan__redis_command_word(command, command->keys[UVCHAN__REDIS_STREAM]);
  uvchan__redis_command_word(command, ">");
  uvchan__redis_command_send(command, &source->read_call);
}

static void ask(source_t* source) {
  uint32_t room = uvchan__redis_slots_room(&source->delivery.slots);

  if (source->state != RUNNING || source->is_reading || !source->is_open || room == 0) return;
  reserve(source, &source->asked, room);
  source->is_reading = 1;
  source->has_claimed = source->is_claiming;
  if (source->is_history) {
    send_claim(source, &source->history_call, source->asked, 1);
  } else {
    send_read(source);
  }
}

static void on_history(void* owner, const redisReply* reply) {
  source_t* source = owner;

  source->is_reading = 0;
  unreserve(source, &source->asked);
  source->is_history =
      accept_claimed(source, reply, &source->history_time, &source->history_serial);
  go_on(source);
}

/* The entries of the one stream that was asked for; NULL where there was none in time. */
static const redisReply* entries_of(const redisReply* reply) {
  return uvchan__redis_element(uvchan__redis_element(reply, 0), 1);
}

static void on_read(void* owner, const redisReply* reply) {
  const redisReply* entries = entries_of(reply);
  source_t* source = owner;
  size_t i;

  source->is_reading = 0;
  unreserve(source, &source->asked);
  for (i = 0; source->state == RUNNING && uvchan__redis_element(entries, i) != NULL; i++) {
    const redisReply* entry = entries->element[i];
    accept_entry(source, uvchan__redis_element(entry, 0), uvchan__redis_element(entry, 1), 1,
                 source->has_claimed);
  }
  deliver(source);
  acknowledge(source);
  if (source->state == RUNNING && entries == NULL) {
    send_open(source);
  } else {
    ask(source);
  }
}

/* ---- Acknowledging --------------------------------------------------------------------------- */

static void acknowledge(source_t* source) {
  uint32_t n = uvchan__redis_slots_ndone(&source->delivery.slots);
  uint32_t i;

  if (n == 0 || source->state == OVER || source->acknowledging > 0) return;
  if (!uvchan__redis_link_is_ready(&source->side)) return;
  source->acknowledging = n < source->options.batch ? n : source->options.batch;
  begin_script(source, &source->side, UVCHAN__REDIS_DONE);
  for (i = 0; i < source->acknowledging; i++) {
    const uvchan__redis_slot_t* slot = uvchan__redis_slots_done_at(&source->delivery.slots, i);
    uvchan__redis_command_id(&source->command, slot->time, slot->serial);
  }
  uvchan__redis_command_send(&source->command, &source->done_call);
}

static void on_done(void* owner, const redisReply* reply) {
  source_t* source = owner;

  source->done += source->acknowledging;
  uvchan__redis_slots_confirm(&source->delivery.slots, source->acknowledging);
  source->acknowledging = 0;
  learn(source, reply);
  acknowledge(source);
  ask(source);
}

/* ---- The connections ------------------------------------------------------------------------- */

static void on_reader_ready(void* owner) {
  source_t* source = owner;

  source->is_history = 1;
  source->history_time = source->history_serial = 0;
  send_open(source);
}

static void on_reader_lost(void* owner) {
  source_t* source = owner;

  source->is_reading = source->is_open = 0;
  unreserve(source, &source->asked);
}

static void on_side_ready(void* owner) {
  acknowledge(owner);
  claim(owner);
}

static void on_side_lost(void* owner) {
  source_t* source = owner;

  source->acknowledging = 0;
  source->is_claiming = 0;
  unreserve(source, &source->claimed);
}

static void on_gave_up(void* owner, int status) { end_with(owner, status); }

/* ---- Init and close -------------------------------------------------------------------------- */

static void free_memory(source_t* source) {
  uvchan__redis_command_free(&source->command);
  free(source->group);
  free(source->consumer);
  free(source);
}

/* The handle knows the source no more when `undo` is called for what was not delivered. */
static void finish_one(source_t* source) {
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
  source_t* source = owner;

  if (source->open > 0) finish_one(source);
}

static const uvchan__redis_link_calls_t reader_calls = {on_reader_ready, on_reader_lost, on_gave_up,
                                                        on_link_closed};
static const uvchan__redis_link_calls_t side_calls = {on_side_ready, on_side_lost, on_gave_up,
                                                      on_link_closed};

static void prepare(source_t* source, uvchan_redis_source_t* handle) {
  source->handle = handle;
  source->open_call = (uvchan__redis_call_t){&source->reader, on_open};
  source->history_call = (uvchan__redis_call_t){&source->reader, on_history};
  source->read_call = (uvchan__redis_call_t){&source->reader, on_read};
  source->done_call = (uvchan__redis_call_t){&source->side, on_done};
  source->claim_call = (uvchan__redis_call_t){&source->side, on_claim};
  source->bury_call = (uvchan__redis_call_t){&source->side, on_bury};
  source->delivery.handle = handle;
  source->delivery.moved = on_moved;
  source->delivery.refused = on_refused;
  source->delivery.parted = on_parted;
  source->delivery.owner = source;
}

/* All that can fail but the delivery. */
static int allocate(source_t* source, const uvchan_redis_server_t* server) {
  const uvchan_redis_source_options_t* options = &source->options;
  size_t most = options->batch > options->in_flight ? options->batch : options->in_flight;
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
static void begin(source_t* source, uv_loop_t* loop) {
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
  source_t* source;
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
  source_t* source = handle == NULL ? NULL : handle->self;

  if (source == NULL || source->open > 0) return;
  source->close_cb = cb;
  source->state = OVER;
  source->open = 3 + uvchan__redis_delivery_close(&source->delivery);
  uv_close((uv_handle_t*)&source->claim_timer, on_timer_closed);
  uvchan__redis_link_close(&source->reader);
  uvchan__redis_link_close(&source->side);
}

/* ---- Figures --------------------------------------------------------------------------------- */

static uvchan_redis_state_t state_of(const source_t* source) {
  if (source->state == OVER) return UVCHAN_REDIS_OVER;
  if (!source->is_open || !uvchan__redis_link_is_ready(&source->side)) return UVCHAN_REDIS_AWAY;
  return source->has_ended || source->state == LEAVING ? UVCHAN_REDIS_ENDING : UVCHAN_REDIS_RUNNING;
}

void uvchan_redis_source_stats(const uvchan_redis_source_t* handle, uvchan_redis_stats_t* stats) {
  const source_t* source = handle == NULL ? NULL : handle->self;
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
  stats->again = source->delivery.again;
  stats->dead = source->dead;
  stats->connects = source->reader.connects + source->side.connects;
  stats->failures = source->reader.failures + source->side.failures;
  stats->held = source->delivery.slots.used;
  stats->length = source->length;
  stats->lag = source->lag;
}
