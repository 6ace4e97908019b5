/* SPDX-License-Identifier: MIT */
/* One script for both: what others have had for too long, and what this consumer has. */
#include "redis/claiming.h"

#include <assert.h>
#include <string.h>

#include "redis/words.h"

/* ---- Entries --------------------------------------------------------------------------------- */

/* Where the other connection is away, the entry stays with this consumer, and is claimed later. */
static void bury(uvchan__redis_source_t* source, uint64_t time, uint64_t serial, int why) {
  char words[UVCHAN__REDIS_STATUS_BYTES];

  if (uvchan__redis_source_is_over(source) || !uvchan__redis_link_is_ready(&source->side)) return;
  uvchan__redis_status_to_words(why, words);
  uvchan__redis_source_script(source, &source->side, UVCHAN__REDIS_BURY);
  uvchan__redis_command_number(&source->command, source->options.dead_capacity);
  uvchan__redis_command_word(&source->command, words);
  uvchan__redis_command_id(&source->command, time, serial);
  uvchan__redis_command_send(&source->command, &source->bury_call);
}

static void on_bury(void* owner, const redisReply* reply) {
  uvchan__redis_source_t* source = owner;

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

void uvchan__redis_source_accept(uvchan__redis_source_t* source, const redisReply* id,
                                 const redisReply* fields, uint64_t deliveries) {
  const redisReply* format = field(fields, "f");
  const redisReply* value = field(fields, "v");
  uint64_t time, serial;
  int r;

  if (uvchan__redis_id(id, &time, &serial) != 0) return;
  if (source->state == UVCHAN__REDIS_SOURCE_LEAVING) {
    uvchan__redis_delivery_decline(&source->delivery, time, serial, deliveries);
    return;
  }
  r = uvchan__redis_delivery_accept(
      &source->delivery, time, serial, format == NULL ? NULL : format->str,
      value == NULL ? NULL : value->str, value == NULL ? 0 : (size_t)value->len, deliveries);
  if (r != 0 && r != UV_ENOMEM && r != UV_EAGAIN) bury(source, time, serial, r);
}

/* ---- What was delivered before --------------------------------------------------------------- */

void uvchan__redis_source_send_claim(uvchan__redis_source_t* source, uvchan__redis_call_t* call,
                                     uint32_t count, int is_own) {
  const uvchan__redis_slots_t* slots = &source->delivery.slots;
  uvchan__redis_command_t* command = &source->command;
  uint32_t i;

  uvchan__redis_source_script(source, call->link, UVCHAN__REDIS_CLAIM);
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

int uvchan__redis_source_accept_claimed(uvchan__redis_source_t* source, const redisReply* reply,
                                        uint64_t* time, uint64_t* serial) {
  const redisReply* entries = uvchan__redis_element(reply, 0);
  size_t i;

  source->dead += uvchan__redis_number(reply, 1);
  for (i = 0; !uvchan__redis_source_is_over(source) && uvchan__redis_element(entries, i) != NULL;
       i++) {
    const redisReply* entry = entries->element[i];
    uvchan__redis_source_accept(source, uvchan__redis_element(entry, 0),
                                uvchan__redis_element(entry, 2), uvchan__redis_number(entry, 1));
  }
  if (uvchan__redis_id(uvchan__redis_element(reply, 2), time, serial) == 0) return 1;
  *time = *serial = 0;
  return 0;
}

/* A look that is under way may have passed the place. */
void uvchan__redis_source_look_again(uvchan__redis_source_t* source) {
  source->is_claim_due = 1;
  source->is_look_stale =
      source->claimed > 0 || source->claim_time != 0 || source->claim_serial != 0;
}

void uvchan__redis_source_note_returns(uvchan__redis_source_t* source, uint64_t returns) {
  if (returns == source->returns) return;
  source->returns = returns;
  uvchan__redis_source_look_again(source);
}

void uvchan__redis_source_claim(uvchan__redis_source_t* source) {
  uint32_t room = uvchan__redis_slots_room(&source->delivery.slots);

  if (!uvchan__redis_source_is_running(source) || !uvchan__redis_source_is_up(source) ||
      !source->is_claim_due || source->claimed > 0 || source->is_history || room == 0)
    return;
  assert(source->recalled == 0);
  uvchan__redis_source_reserve(source, &source->claimed, room);
  source->is_claim_due = 0;
  uvchan__redis_source_send_claim(source, &source->claim_call, source->claimed, 0);
}

static void on_claim(void* owner, const redisReply* reply) {
  uvchan__redis_source_t* source = owner;

  uvchan__redis_source_unreserve(source, &source->claimed);
  if (uvchan__redis_source_accept_claimed(source, reply, &source->claim_time,
                                          &source->claim_serial)) {
    source->is_claim_due = 1;
  } else if (source->is_look_stale) {
    source->is_claim_due = 1;
    source->is_look_stale = 0;
  }
  uvchan__redis_source_go_on(source);
}

void uvchan__redis_source_prepare_claiming(uvchan__redis_source_t* source) {
  source->claim_call = (uvchan__redis_call_t){&source->side, on_claim};
  source->bury_call = (uvchan__redis_call_t){&source->side, on_bury};
}
