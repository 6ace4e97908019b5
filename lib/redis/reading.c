/* SPDX-License-Identifier: MIT */
/* Open, history, news, and open again; while there are news, several questions for them. */
#include "redis/reading.h"

#include <assert.h>

#include "redis/claiming.h"

/* ---- Reading --------------------------------------------------------------------------------- */

static void send_open(uvchan__redis_source_t* source) {
  source->is_reading = 1;
  uvchan__redis_source_script(source, &source->reader, UVCHAN__REDIS_OPEN);
  uvchan__redis_command_send(&source->command, &source->open_call);
}

static void on_open(void* owner, const redisReply* reply) {
  uvchan__redis_source_t* source = owner;

  source->is_reading = 0;
  source->is_open = 1;
  uvchan__redis_source_learn(source, reply);
  uvchan__redis_source_go_on(source);
}

/* XREADGROUP GROUP group consumer COUNT n [BLOCK ms] STREAMS stream > */
static void send_read(uvchan__redis_source_t* source, uvchan__redis_call_t* call, uint32_t n) {
  uvchan__redis_command_t* command = &source->command;

  source->delivery.slots.reserved += n;
  uvchan__redis_flights_push(&source->reads, n);
  uvchan__redis_command_begin(command, "XREADGROUP");
  uvchan__redis_command_word(command, "GROUP");
  uvchan__redis_command_word(command, source->group);
  uvchan__redis_command_word(command, source->consumer);
  uvchan__redis_command_word(command, "COUNT");
  uvchan__redis_command_number(command, n);
  if (call == &source->read_call) {
    uvchan__redis_command_word(command, "BLOCK");
    uvchan__redis_command_number(command, source->options.block_ms);
  }
  uvchan__redis_command_word(command, "STREAMS");
  uvchan__redis_command_word(command, command->keys[UVCHAN__REDIS_STREAM]);
  uvchan__redis_command_word(command, ">");
  uvchan__redis_command_send(command, call);
}

static void send_history(uvchan__redis_source_t* source, uint32_t room) {
  assert(source->reads.n == 0 && source->claimed == 0);
  uvchan__redis_source_reserve(source, &source->recalled, room);
  source->is_reading = 1;
  uvchan__redis_source_send_claim(source, &source->history_call, source->recalled, 1);
}

/* Answers 1 where another question may follow. The connection may be lost within a send. */
static int ask_once(uvchan__redis_source_t* source) {
  uint32_t room = uvchan__redis_slots_room(&source->delivery.slots);
  uint32_t batch = source->options.batch;

  if (!uvchan__redis_source_is_up(source) || source->is_reading || room == 0) return 0;
  if (source->is_history) {
    if (source->claimed == 0 && source->reads.n == 0) send_history(source, room);
    return 0;
  }
  if (!uvchan__redis_source_is_running(source)) return 0;
  if (!uvchan__redis_flights_may_follow(&source->reads, room, batch)) return 0;
  if (source->reads.n > 0 && !source->is_flowing) return 0;
  send_read(source, source->is_flowing ? &source->more_call : &source->read_call,
            room < batch ? room : batch);
  return 1;
}

/* A claim that is due comes first: else a question that waits for news could hold all the room that
 * there is, time after time. */
void uvchan__redis_source_ask(uvchan__redis_source_t* source) {
  if (uvchan__redis_source_is_over(source)) return;
  uvchan__redis_source_claim(source);
  while (ask_once(source)) continue;
}

static void on_history(void* owner, const redisReply* reply) {
  uvchan__redis_source_t* source = owner;

  source->is_reading = 0;
  uvchan__redis_source_unreserve(source, &source->recalled);
  source->is_history = uvchan__redis_source_accept_claimed(source, reply, &source->history_time,
                                                           &source->history_serial);
  uvchan__redis_source_go_on(source);
}

/* The entries of the one stream that was asked for; NULL where there was none in time. */
static const redisReply* entries_of(const redisReply* reply) {
  return uvchan__redis_element(uvchan__redis_element(reply, 0), 1);
}

/* Answers 0 where there is none. */
static int accept_news(uvchan__redis_source_t* source, const redisReply* reply) {
  const redisReply* entries = entries_of(reply);
  uint32_t asked = uvchan__redis_flights_pop(&source->reads);
  uint32_t i;

  source->delivery.slots.reserved -= asked;
  for (i = 0; !uvchan__redis_source_is_over(source) && uvchan__redis_element(entries, i) != NULL;
       i++) {
    const redisReply* entry = entries->element[i];
    uvchan__redis_source_accept(source, uvchan__redis_element(entry, 0),
                                uvchan__redis_element(entry, 1), 1);
  }
  source->is_flowing = i == asked;
  return entries != NULL;
}

/* It has waited in the server, and no other question is due. */
static void on_read(void* owner, const redisReply* reply) {
  uvchan__redis_source_t* source = owner;
  int has_news = accept_news(source, reply);

  if (uvchan__redis_source_is_running(source) && !has_news) send_open(source);
  uvchan__redis_source_go_on(source);
}

static void on_more(void* owner, const redisReply* reply) {
  accept_news(owner, reply);
  uvchan__redis_source_go_on(owner);
}

void uvchan__redis_source_recall(uvchan__redis_source_t* source) {
  source->is_history = 1;
  source->history_time = source->history_serial = 0;
}

/* ---- Its connection -------------------------------------------------------------------------- */

void uvchan__redis_source_reader_ready(void* owner) {
  uvchan__redis_source_recall(owner);
  send_open(owner);
}

/* Of each attempt that fails too: nothing else tells of the channel while the server is away. */
void uvchan__redis_source_reader_lost(void* owner) {
  uvchan__redis_source_t* source = owner;

  source->is_reading = source->is_open = source->is_flowing = 0;
  uvchan__redis_source_unreserve(source, &source->recalled);
  source->delivery.slots.reserved -= source->reads.sum;
  uvchan__redis_flights_clear(&source->reads);
  uvchan__redis_source_check_channel(source);
  uvchan__redis_source_check_end(source);
}

void uvchan__redis_source_prepare_reading(uvchan__redis_source_t* source) {
  source->open_call = (uvchan__redis_call_t){&source->reader, on_open};
  source->history_call = (uvchan__redis_call_t){&source->reader, on_history};
  source->read_call = (uvchan__redis_call_t){&source->reader, on_read};
  source->more_call = (uvchan__redis_call_t){&source->reader, on_more};
}
