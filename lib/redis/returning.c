/* SPDX-License-Identifier: MIT */
/* Two queues of slots, each sent in batches that follow each other, and sent again where a
 * connection was lost: what the server has had does no harm. */
#include "redis/returning.h"

#include "redis/claiming.h"

/* ---- Done, and back -------------------------------------------------------------------------- */

static void send_done(uvchan__redis_source_t* source, uint32_t first, uint32_t n) {
  const uvchan__redis_slots_t* slots = &source->delivery.slots;
  uint32_t i;

  uvchan__redis_source_script(source, &source->side, UVCHAN__REDIS_DONE);
  for (i = first; i < first + n; i++) {
    const uvchan__redis_slot_t* slot = uvchan__redis_slots_at(slots, &slots->done, i);
    uvchan__redis_command_id(&source->command, slot->time, slot->serial);
  }
  uvchan__redis_command_send(&source->command, &source->done_call);
}

/* What no receiver has had was not delivered. */
static void send_back(uvchan__redis_source_t* source, uint32_t first, uint32_t n) {
  const uvchan__redis_slots_t* slots = &source->delivery.slots;
  uint32_t i;

  uvchan__redis_source_script(source, &source->side, UVCHAN__REDIS_RETURN);
  uvchan__redis_command_word(&source->command, source->consumer);
  for (i = first; i < first + n; i++) {
    const uvchan__redis_slot_t* slot = uvchan__redis_slots_at(slots, &slots->back, i);
    uvchan__redis_command_id(&source->command, slot->time, slot->serial);
    uvchan__redis_command_number(&source->command, slot->deliveries);
    uvchan__redis_command_number(&source->command, slot->is_unseen ? 1 : 0);
  }
  uvchan__redis_command_send(&source->command, &source->return_call);
}

/* The connection may be lost within a send. */
static void send_all(uvchan__redis_source_t* source, const uvchan__redis_queue_t* queue,
                     uvchan__redis_flights_t* flights,
                     void (*send)(uvchan__redis_source_t* source, uint32_t first, uint32_t n)) {
  uint32_t batch = source->options.batch;

  while (!uvchan__redis_source_is_over(source) && uvchan__redis_link_is_ready(&source->side)) {
    uint32_t first = flights->sum;
    uint32_t left = uvchan__redis_slots_queued(queue) - first;
    uint32_t n = left < batch ? left : batch;

    if (!uvchan__redis_flights_may_follow(flights, left, batch)) return;
    uvchan__redis_flights_push(flights, n);
    send(source, first, n);
  }
}

void uvchan__redis_source_return(uvchan__redis_source_t* source) {
  send_all(source, &source->delivery.slots.done, &source->dones, send_done);
  send_all(source, &source->delivery.slots.back, &source->backs, send_back);
}

static void confirm(uvchan__redis_source_t* source, uvchan__redis_queue_t* queue, uint32_t n,
                    const redisReply* reply) {
  uvchan__redis_slots_confirm(&source->delivery.slots, queue, n);
  uvchan__redis_source_learn(source, reply);
  uvchan__redis_source_go_on(source);
}

static void on_done(void* owner, const redisReply* reply) {
  uvchan__redis_source_t* source = owner;
  uint32_t n = uvchan__redis_flights_pop(&source->dones);

  source->done += n;
  confirm(source, &source->delivery.slots.done, n, reply);
}

/* Of those that somebody else has by now the server says nothing. A claim that was sent before has
 * passed over what had a slot until now. */
static void on_back(void* owner, const redisReply* reply) {
  uvchan__redis_source_t* source = owner;

  source->requeued += uvchan__redis_number(reply, 4);
  uvchan__redis_source_look_again(source);
  confirm(source, &source->delivery.slots.back, uvchan__redis_flights_pop(&source->backs), reply);
}

/* ---- Renewing -------------------------------------------------------------------------------- */

static int is_worked_on(const uvchan__redis_slot_t* slot, uint64_t now, uint64_t hold_ms) {
  return (slot->state == UVCHAN__REDIS_UNSENT || slot->state == UVCHAN__REDIS_OUT) &&
         now - slot->taken_ms < hold_ms;
}

void uvchan__redis_source_renew(uvchan__redis_source_t* source) {
  const uvchan__redis_slots_t* slots = &source->delivery.slots;
  uint64_t now = uv_now(source->handle->loop);
  uint32_t i, n = 0;

  if (source->options.hold_ms == 0 || source->is_renewing ||
      !uvchan__redis_link_is_ready(&source->side))
    return;
  uvchan__redis_source_script(source, &source->side, UVCHAN__REDIS_RENEW);
  uvchan__redis_command_word(&source->command, source->consumer);
  for (i = 0; i < slots->size; i++) {
    const uvchan__redis_slot_t* slot = &slots->slots[i];
    if (!is_worked_on(slot, now, source->options.hold_ms)) continue;
    uvchan__redis_command_id(&source->command, slot->time, slot->serial);
    n++;
  }
  if (n == 0) return;
  source->is_renewing = 1;
  uvchan__redis_command_send(&source->command, &source->renew_call);
}

static void on_renewed(void* owner, const redisReply* reply) {
  uvchan__redis_source_t* source = owner;

  (void)reply;
  source->is_renewing = 0;
}

void uvchan__redis_source_prepare_returning(uvchan__redis_source_t* source) {
  source->done_call = (uvchan__redis_call_t){&source->side, on_done};
  source->return_call = (uvchan__redis_call_t){&source->side, on_back};
  source->renew_call = (uvchan__redis_call_t){&source->side, on_renewed};
}
