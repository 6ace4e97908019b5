/* SPDX-License-Identifier: MIT */
/* A source: asks for no more values than it has slots, puts them in its channel, and acknowledges
 * those that their receivers are done with.
 *
 *   reader      --ready--> OPENING --open--> HISTORY --empty--> NEWS --no value--> OPENING ...
 *   other side  --ready--> done, as values are done; claim, by the timer
 *
 *   RUNNING --the stream is closed and empty--> OVER
 *      '-- the channel is closed --> LEAVING: only acknowledges --no slot in use--> OVER
 *
 * I1. Of the questions of a kind one is due at most: `is_reading`, `is_claiming`, `acknowledging`.
 * I2. While the history is asked for nothing is acknowledged, and the reverse: else an answer could
 *     have a value that has no slot any more, and it would be delivered again.
 * I3. While a request to send is pending, its value is the first of those that wait. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uvchan/redis.h>

#include "redis/command.h"
#include "redis/slots.h"
#include "redis/tickets.h"
#include "redis/words.h"

#define MOST_BATCH 1024
#define FORMAT_BYTES 24

typedef enum { RUNNING = 0, LEAVING, OVER } state_t;

typedef struct uvchan__redis_source_s {
  uvchan_redis_source_t* handle;
  uvchan__redis_link_t reader;
  uvchan__redis_link_t side; /* the other connection */
  uvchan__redis_command_t command;
  uvchan__redis_call_t open_call, read_call, done_call, claim_call, bury_call;
  uvchan__redis_slots_t slots;
  uvchan__redis_tickets_t* tickets;
  uvchan_receiver_t returns; /* of tickets */
  uvchan_send_t request;
  uv_timer_t claim_timer;
  char* names; /* the group's and the consumer's, each with its end */
  const char* consumer;
  size_t ticket_bytes; /* 0: auto_done */
  size_t value_bytes;
  unsigned int batch;
  unsigned int max_deliveries;
  uint64_t claim_after_ms;
  uint64_t block_ms;
  uint64_t dead_capacity;
  uvchan_redis_source_cb on_end;
  uvchan_redis_source_close_cb close_cb;
  state_t state;
  int is_open;    /* the group is there, on this connection of the reader's */
  int is_history; /* the next question is for what this consumer has */
  int is_reading;
  int is_claiming;
  int is_sending;          /* the request is pending */
  uint32_t acknowledging;  /* how many of those DONE are on their way */
  uint32_t asked, claimed; /* how many slots each question has reserved */
  uint64_t cursor_time, cursor_serial;
  int has_ended; /* the stream; with which status: */
  int end_status;
  unsigned int open; /* while closing: what is not closed yet */
  uint64_t values, done, again, dead, length;
  char format[FORMAT_BYTES];
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
  uvchan_recv_stop(&source->returns);
  if (source->is_sending) uvchan_cancel((uvchan_req_t*)&source->request);
  close_channel(source->handle->channel, status);
  if (source->on_end != NULL) source->on_end(source->handle, status);
}

/* What the server has said last: the stream has ended once it is closed and every value was
 * done. */
static void check_end(source_t* source, const redisReply* reply) {
  const char* closed = uvchan__redis_text(reply, 0);

  source->length = uvchan__redis_number(reply, 1);
  if (closed[0] != '\0') {
    source->has_ended = 1;
    source->end_status = uvchan__redis_status_of_words(closed);
  }
  if (source->slots.used > 0) return;
  if (source->state == LEAVING) {
    end_with(source, UV_EPIPE);
  } else if (source->has_ended && source->length == 0) {
    end_with(source, source->end_status);
  }
}

/* ---- To the channel -------------------------------------------------------------------------- */

/* The first n that wait are in the channel, or are nobody's. */
static void pass(source_t* source, size_t n) {
  while (n-- > 0) {
    uint32_t slot = uvchan__redis_slots_out(&source->slots);
    if (source->ticket_bytes == 0) uvchan__redis_slots_done(&source->slots, slot);
  }
}

/* The receivers have closed the channel: what waits stays in the stream, what is out is waited
 * for. */
static void leave(source_t* source) {
  void* first;

  source->state = LEAVING;
  while (uvchan__redis_slots_waiting(&source->slots, &first) > 0) {
    uint32_t slot = uvchan__redis_slots_out(&source->slots);
    if (source->ticket_bytes == 0) {
      uvchan__redis_slots_forget(&source->slots, slot);
    } else {
      uvchan_redis_forget(first);
    }
  }
  if (source->slots.used == 0) end_with(source, UV_EPIPE);
}

static void on_sent(uvchan_send_t* request, int status);

static void deliver(source_t* source) {
  uvchan_t* ch = source->handle->channel;
  void* first;
  size_t n;
  ssize_t r;

  if (source->is_sending || source->state != RUNNING) return;
  while ((n = uvchan__redis_slots_waiting(&source->slots, &first)) > 0) {
    r = uvchan_try_send_n(ch, first, n);
    if (r < 0) break;
    source->values += (uint64_t)r;
    pass(source, (size_t)r);
  }
  if (n == 0) return;
  r = r == UV_EPIPE ? UV_EPIPE
                    : uvchan_send(source->handle->loop, &source->request, ch, first, on_sent);
  if (r == 0) {
    source->is_sending = 1;
  } else if (r == UV_EPIPE) {
    leave(source);
  } else {
    end_with(source, (int)r);
  }
}

static void finish_one(source_t* source);

static void on_sent(uvchan_send_t* request, int status) {
  source_t* source = request->data;

  source->is_sending = 0;
  if (status == 0) {
    source->values++;
    pass(source, 1);
  }
  if (source->open > 0) {
    finish_one(source);
    return;
  }
  if (source->state == OVER) return;
  if (status == UV_EPIPE) {
    leave(source);
    return;
  }
  deliver(source);
  acknowledge(source);
}

/* ---- Entries --------------------------------------------------------------------------------- */

static void begin_script(source_t* source, const uvchan__redis_link_t* link,
                         uvchan__redis_script_t script) {
  uvchan__redis_command_script(&source->command, link, script);
  uvchan__redis_command_word(&source->command, source->names);
}

/* Where the other connection is away, the entry stays with this consumer, and is claimed later. */
static void bury(source_t* source, uint64_t time, uint64_t serial) {
  if (!uvchan__redis_link_is_ready(&source->side)) return;
  begin_script(source, &source->side, UVCHAN__REDIS_BURY);
  uvchan__redis_command_number(&source->command, source->dead_capacity);
  uvchan__redis_command_word(&source->command, "format");
  uvchan__redis_command_id(&source->command, time, serial);
  uvchan__redis_command_send(&source->command, &source->bury_call);
}

static void on_bury(void* owner, const redisReply* reply) {
  source_t* source = owner;

  if (reply->type == REDIS_REPLY_INTEGER && reply->integer > 0) source->dead++;
}

static const redisReply* field(const redisReply* fields, const char* name) {
  size_t i;

  for (i = 0; fields->type == REDIS_REPLY_ARRAY && i + 1 < fields->elements; i += 2) {
    if (strcmp(uvchan__redis_text(fields, i), name) == 0) return fields->element[i + 1];
  }
  return NULL;
}

/* The value's bytes; NULL: it has another format or size, or is no value at all. */
static const char* decode(const source_t* source, const redisReply* fields) {
  const redisReply* format = fields == NULL ? NULL : field(fields, "f");
  const redisReply* value = fields == NULL ? NULL : field(fields, "v");

  if (format == NULL || value == NULL) return NULL;
  if (format->type != REDIS_REPLY_STRING || strcmp(format->str, source->format) != 0) return NULL;
  if (value->type != REDIS_REPLY_STRING || value->len != source->value_bytes) return NULL;
  return value->str;
}

static void write_element(source_t* source, uint32_t slot, unsigned char* element,
                          const char* value, uint64_t deliveries) {
  uvchan_redis_ticket_t ticket;

  if (source->ticket_bytes > 0) {
    memset(&ticket, 0, sizeof(ticket));
    ticket.time = source->slots.slots[slot].time;
    ticket.serial = source->slots.slots[slot].serial;
    ticket.deliveries = (uint32_t)deliveries;
    uvchan__redis_tickets_give(source->tickets, slot, &ticket);
    memcpy(element, &ticket, sizeof(ticket));
  }
  memcpy(element + source->ticket_bytes, value, source->value_bytes);
}

/* An entry that has a slot is one that an answer has brought twice. */
static void accept_entry(source_t* source, const redisReply* id, const redisReply* fields,
                         uint64_t deliveries) {
  uint64_t time, serial;
  const char* value;
  uint32_t slot;
  void* element;

  if (uvchan__redis_id(id, &time, &serial) != 0 || source->slots.nfree == 0) return;
  if (deliveries > 1 && uvchan__redis_slots_has(&source->slots, time, serial)) return;
  value = decode(source, fields);
  if (value == NULL) {
    bury(source, time, serial);
    return;
  }
  slot = uvchan__redis_slots_take(&source->slots, time, serial, &element);
  write_element(source, slot, element, value, deliveries);
  if (deliveries > 1) source->again++;
}

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
  check_end(source, reply);
  ask(source);
}

/* XREADGROUP GROUP group consumer COUNT n [BLOCK ms] STREAMS stream id. */
static void send_read(source_t* source) {
  uvchan__redis_command_t* command = &source->command;

  uvchan__redis_command_begin(command, "XREADGROUP");
  uvchan__redis_command_word(command, "GROUP");
  uvchan__redis_command_word(command, source->names);
  uvchan__redis_command_word(command, source->consumer);
  uvchan__redis_command_word(command, "COUNT");
  uvchan__redis_command_number(command, source->asked);
  if (!source->is_history) {
    uvchan__redis_command_word(command, "BLOCK");
    uvchan__redis_command_number(command, source->block_ms);
  }
  uvchan__redis_command_word(command, "STREAMS");
  uvchan__redis_command_word(command, command->keys[UVCHAN__REDIS_STREAM]);
  if (source->is_history) {
    uvchan__redis_command_id(command, source->cursor_time, source->cursor_serial);
  } else {
    uvchan__redis_command_word(command, ">");
  }
  uvchan__redis_command_send(command, &source->read_call);
}

static void ask(source_t* source) {
  uint32_t room = uvchan__redis_slots_room(&source->slots);

  if (source->state != RUNNING || source->is_reading || !source->is_open || room == 0) return;
  if (source->is_history && source->acknowledging > 0) return;
  source->asked = room < source->batch ? room : source->batch;
  source->slots.reserved += source->asked;
  source->is_reading = 1;
  send_read(source);
}

static void unreserve(source_t* source, uint32_t* reserved) {
  source->slots.reserved -= *reserved;
  *reserved = 0;
}

/* The entries of the one stream that was asked for; NULL where there was none in time. */
static const redisReply* entries_of(const redisReply* reply) {
  return uvchan__redis_element(uvchan__redis_element(reply, 0), 1);
}

/* The history is over with an answer that has no entry. */
static void advance(source_t* source, const redisReply* entries) {
  const redisReply* last;

  if (entries == NULL || entries->elements == 0) {
    source->is_history = 0;
    return;
  }
  last = uvchan__redis_element(entries, entries->elements - 1);
  uvchan__redis_id(uvchan__redis_element(last, 0), &source->cursor_time, &source->cursor_serial);
}

static void on_read(void* owner, const redisReply* reply) {
  const redisReply* entries = entries_of(reply);
  source_t* source = owner;
  int was_history = source->is_history;
  size_t i;

  source->is_reading = 0;
  unreserve(source, &source->asked);
  for (i = 0; source->state == RUNNING && entries != NULL && i < entries->elements; i++) {
    const redisReply* entry = entries->element[i];
    accept_entry(source, uvchan__redis_element(entry, 0), uvchan__redis_element(entry, 1),
                 was_history ? 2 : 1);
  }
  if (was_history) advance(source, entries);
  deliver(source);
  acknowledge(source);
  if (source->state == RUNNING && entries == NULL && !was_history) {
    send_open(source);
  } else {
    ask(source);
  }
}

/* ---- Acknowledging --------------------------------------------------------------------------- */

static void acknowledge(source_t* source) {
  uint32_t n = uvchan__redis_slots_ndone(&source->slots);
  uint32_t i;

  if (n == 0 || source->state == OVER || source->acknowledging > 0) return;
  if (!uvchan__redis_link_is_ready(&source->side)) return;
  if (source->is_history && source->is_reading) return;
  source->acknowledging = n < source->batch ? n : source->batch;
  begin_script(source, &source->side, UVCHAN__REDIS_DONE);
  for (i = 0; i < source->acknowledging; i++) {
    const uvchan__redis_slot_t* slot = uvchan__redis_slots_done_at(&source->slots, i);
    uvchan__redis_command_id(&source->command, slot->time, slot->serial);
  }
  uvchan__redis_command_send(&source->command, &source->done_call);
}

static void on_done(void* owner, const redisReply* reply) {
  source_t* source = owner;

  source->done += source->acknowledging;
  uvchan__redis_slots_confirm(&source->slots, source->acknowledging);
  source->acknowledging = 0;
  check_end(source, reply);
  acknowledge(source);
  ask(source);
}

/* Tickets that came back. */
static void on_returned(uvchan_receiver_t* receiver, ssize_t nvalues, const void* values) {
  const uvchan__redis_return_t* returned = values;
  source_t* source = receiver->data;
  ssize_t i;

  for (i = 0; i < nvalues; i++) {
    if (returned[i].is_done) {
      uvchan__redis_slots_done(&source->slots, returned[i].slot);
    } else {
      uvchan__redis_slots_forget(&source->slots, returned[i].slot);
    }
  }
  if (source->state == LEAVING && source->slots.used == 0) {
    end_with(source, UV_EPIPE);
    return;
  }
  acknowledge(source);
  ask(source);
}

/* ---- Claiming -------------------------------------------------------------------------------- */

static void claim(source_t* source) {
  uint32_t room = uvchan__redis_slots_room(&source->slots);

  if (source->state != RUNNING || source->is_claiming || !source->is_open || room == 0) return;
  if (!uvchan__redis_link_is_ready(&source->side)) return;
  source->claimed = room < source->batch ? room : source->batch;
  source->slots.reserved += source->claimed;
  source->is_claiming = 1;
  begin_script(source, &source->side, UVCHAN__REDIS_CLAIM);
  uvchan__redis_command_number(&source->command, source->dead_capacity);
  uvchan__redis_command_word(&source->command, source->consumer);
  uvchan__redis_command_number(&source->command, source->claim_after_ms);
  uvchan__redis_command_number(&source->command, source->claimed);
  uvchan__redis_command_number(&source->command, source->max_deliveries);
  uvchan__redis_command_send(&source->command, &source->claim_call);
}

static void on_claim(void* owner, const redisReply* reply) {
  const redisReply* entries = uvchan__redis_element(reply, 0);
  source_t* source = owner;
  size_t i;

  source->is_claiming = 0;
  unreserve(source, &source->claimed);
  source->dead += uvchan__redis_number(reply, 1);
  for (i = 0; source->state == RUNNING && uvchan__redis_element(entries, i) != NULL; i++) {
    const redisReply* entry = entries->element[i];
    accept_entry(source, uvchan__redis_element(entry, 0), uvchan__redis_element(entry, 2),
                 uvchan__redis_number(entry, 1));
  }
  deliver(source);
  acknowledge(source);
  ask(source);
}

static void on_claim_time(uv_timer_t* timer) { claim(timer->data); }

/* ---- The connections ------------------------------------------------------------------------- */

static void on_reader_ready(void* owner) {
  source_t* source = owner;

  source->is_history = 1;
  source->cursor_time = source->cursor_serial = 0;
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
  ask(source); /* the history waits for no acknowledgement any more */
}

static void on_gave_up(void* owner, int status) { end_with(owner, status); }

/* ---- Init and close -------------------------------------------------------------------------- */

/* What waits goes with its ticket. */
static void free_all(source_t* source) {
  void* first;

  while (uvchan__redis_slots_waiting(&source->slots, &first) > 0) {
    uvchan__redis_slots_out(&source->slots);
    if (source->ticket_bytes > 0) uvchan_redis_forget(first);
  }
  uvchan__redis_tickets_release(source->tickets);
  uvchan__redis_slots_free(&source->slots);
  uvchan__redis_command_free(&source->command);
  free(source->names);
  free(source);
}

static void finish_one(source_t* source) {
  uvchan_redis_source_t* handle = source->handle;
  uvchan_redis_source_close_cb cb = source->close_cb;
  uvchan_t* ch = handle->channel;

  if (--source->open > 0) return;
  free_all(source);
  handle->self = NULL;
  if (cb != NULL) cb(handle);
  uvchan_release(ch);
}

static void on_link_closed(void* owner) { finish_one(owner); }

static void on_timer_closed(uv_handle_t* timer) { finish_one(timer->data); }

static void on_returns_closed(uvchan_receiver_t* returns) { finish_one(returns->data); }

static const uvchan__redis_link_calls_t reader_calls = {on_reader_ready, on_reader_lost, on_gave_up,
                                                        on_link_closed};
static const uvchan__redis_link_calls_t side_calls = {on_side_ready, on_side_lost, on_gave_up,
                                                      on_link_closed};

static int is_valid(const uvchan_redis_source_options_t* options, size_t elem_size) {
  size_t least = options->auto_done ? 0 : sizeof(uvchan_redis_ticket_t);
  size_t i;

  for (i = 0; i < sizeof(options->reserved) / sizeof(options->reserved[0]); i++) {
    if (options->reserved[i] != NULL) return 0;
  }
  return options->stream != NULL && options->consumer != NULL && options->batch <= MOST_BATCH &&
         elem_size > least;
}

static uint64_t or_else(uint64_t value, uint64_t otherwise) {
  return value == 0 ? otherwise : value;
}

static void prepare_calls(source_t* source) {
  source->open_call = (uvchan__redis_call_t){&source->reader, on_open};
  source->read_call = (uvchan__redis_call_t){&source->reader, on_read};
  source->done_call = (uvchan__redis_call_t){&source->side, on_done};
  source->claim_call = (uvchan__redis_call_t){&source->side, on_claim};
  source->bury_call = (uvchan__redis_call_t){&source->side, on_bury};
}

static void prepare(source_t* source, const uvchan_redis_source_options_t* options, size_t size) {
  source->ticket_bytes = options->auto_done ? 0 : sizeof(uvchan_redis_ticket_t);
  source->value_bytes = size - source->ticket_bytes;
  source->batch = (unsigned int)or_else(options->batch, 64);
  source->max_deliveries = (unsigned int)or_else(options->max_deliveries, 16);
  source->claim_after_ms = or_else(options->claim_after_ms, 60000);
  source->block_ms = or_else(options->block_ms, 1000);
  source->dead_capacity = or_else(options->dead_capacity, 1000);
  source->on_end = options->on_end;
  source->request.data = source;
  prepare_calls(source);
  snprintf(source->format, sizeof(source->format), "1 %zu", source->value_bytes);
}

/* The group's name, and behind its end the consumer's. */
static char* copy_names(const char* group, const char* consumer) {
  size_t group_bytes = strlen(group) + 1;
  size_t consumer_bytes = strlen(consumer) + 1;
  char* names = malloc(group_bytes + consumer_bytes);

  if (names == NULL) return NULL;
  memcpy(names, group, group_bytes);
  memcpy(names + group_bytes, consumer, consumer_bytes);
  return names;
}

/* All that needs memory and no loop. */
static int allocate(source_t* source, const uvchan_redis_source_options_t* options, size_t size) {
  uint32_t in_flight = (uint32_t)or_else(options->in_flight, 512);
  const char* group = options->group == NULL ? "uvchan" : options->group;
  int r = uvchan__redis_link_prepare(&source->reader, &options->server);

  if (r != 0) return r;
  r = uvchan__redis_link_prepare(&source->side, &options->server);
  if (r != 0) goto free_reader;
  r = UV_ENOMEM;
  source->names = copy_names(group, options->consumer);
  if (source->names == NULL) goto free_side;
  source->consumer = source->names + strlen(group) + 1;
  if (uvchan__redis_slots_init(&source->slots, in_flight, size) != 0) goto free_names;
  source->tickets = uvchan__redis_tickets_create(in_flight);
  if (source->tickets == NULL) goto free_slots;
  r = uvchan__redis_command_init(&source->command, options->stream,
                                 (size_t)or_else(options->batch, 64));
  if (r == 0) return 0;

  uvchan__redis_tickets_release(source->tickets);
free_slots:
  uvchan__redis_slots_free(&source->slots);
free_names:
  free(source->names);
free_side:
  uvchan__redis_address_free(&source->side.address);
free_reader:
  uvchan__redis_address_free(&source->reader.address);
  return r;
}

/* What can't fail. */
static void begin(source_t* source, uv_loop_t* loop) {
  uvchan__redis_link_begin(loop, &source->reader, &reader_calls, source);
  uvchan__redis_link_begin(loop, &source->side, &side_calls, source);
  source->reader.patience_ms += source->block_ms;
  uv_timer_init(loop, &source->claim_timer);
  source->claim_timer.data = source;
  uv_timer_start(&source->claim_timer, on_claim_time, source->claim_after_ms / 2 + 1,
                 source->claim_after_ms / 2 + 1);
  uvchan_recv_start_batch(&source->returns, on_returned);
}

int uvchan_redis_source_init(uv_loop_t* loop, uvchan_redis_source_t* handle, uvchan_t* ch,
                             const uvchan_redis_source_options_t* options) {
  source_t* source;
  int r;

  if (loop == NULL || handle == NULL || ch == NULL || options == NULL) return UV_EINVAL;
  if (!is_valid(options, uvchan_elem_size(ch))) return UV_EINVAL;
  source = calloc(1, sizeof(*source));
  if (source == NULL) return UV_ENOMEM;
  r = allocate(source, options, uvchan_elem_size(ch));
  if (r != 0) goto free_source;
  prepare(source, options, uvchan_elem_size(ch));
  source->handle = handle;
  r = uvchan_receiver_init(loop, &source->returns, uvchan__redis_tickets_channel(source->tickets));
  if (r != 0) goto free_memory;
  source->returns.data = source;
  begin(source, loop);
  handle->loop = loop;
  handle->channel = uvchan_retain(ch);
  handle->self = source;
  return 0;

free_memory:
  uvchan__redis_address_free(&source->side.address);
  uvchan__redis_address_free(&source->reader.address);
  free_all(source);
  return r;
free_source:
  free(source);
  return r;
}

/* The channel of tickets is closed: what comes back from now on is nobody's. */
void uvchan_redis_source_close(uvchan_redis_source_t* handle, uvchan_redis_source_close_cb cb) {
  source_t* source = handle == NULL ? NULL : handle->self;

  if (source == NULL || source->open > 0) return;
  source->close_cb = cb;
  source->state = OVER;
  source->open = 4 + (source->is_sending ? 1 : 0);
  if (source->is_sending) uvchan_cancel((uvchan_req_t*)&source->request);
  uvchan_close(uvchan__redis_tickets_channel(source->tickets));
  uvchan_receiver_close(&source->returns, on_returns_closed);
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

  memset(stats, 0, sizeof(*stats));
  stats->last_words = "";
  if (source == NULL || source->open > 0) return;
  link = source->reader.last_error != 0 ? &source->reader : &source->side;
  stats->state = state_of(source);
  stats->last_error = link->last_error;
  stats->last_words = link->last_words;
  stats->values = source->values;
  stats->done = source->done;
  stats->again = source->again;
  stats->dead = source->dead;
  stats->connects = source->reader.connects + source->side.connects;
  stats->failures = source->reader.failures + source->side.failures;
  stats->held = source->slots.used;
  stats->length = source->length;
}
