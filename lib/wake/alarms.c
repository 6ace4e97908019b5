/* SPDX-License-Identifier: MIT */
/* A hub's alarms; ideas and threads: alarms.h. An alarm that is set has `ring`. */
#include "wake/alarms.h"

#include "wake/hub-state.h"

#define NS_PER_MS 1000000u

static void on_timer(uv_timer_t* timer);

/* For the first alarm, unless it goes off by then already. Milliseconds are rounded up, and count
 * from uv_now(), which may lie behind: too early costs another round. */
static void set_timer(uvchan__hub_t* hub) {
  uint64_t at, now;

  if (hub->first_alarm == NULL || uv_is_closing((uv_handle_t*)&hub->timer)) return;
  at = hub->first_alarm->at;
  if (hub->timer_at != 0 && hub->timer_at <= at) return;
  now = uv_hrtime();
  hub->timer_at = at;
  uv_timer_start(&hub->timer, on_timer, at > now ? (at - now - 1) / NS_PER_MS + 1 : 0, 0);
}

/* The last one that does not go off after that time, or NULL; looked for from both ends: see
 * alarms.h. */
static uvchan__alarm_t* last_until(const uvchan__hub_t* hub, uint64_t at) {
  uvchan__alarm_t* before = hub->last_alarm;
  uvchan__alarm_t* behind = hub->first_alarm;

  while (before != NULL && before->at > at) {
    if (behind->at > at) return behind->prev;
    before = before->prev;
    behind = behind->next;
  }
  return before;
}

static void insert(uvchan__hub_t* hub, uvchan__alarm_t* alarm) {
  uvchan__alarm_t* before = last_until(hub, alarm->at);

  alarm->prev = before;
  alarm->next = before == NULL ? hub->first_alarm : before->next;
  *(before == NULL ? &hub->first_alarm : &before->next) = alarm;
  *(alarm->next == NULL ? &hub->last_alarm : &alarm->next->prev) = alarm;
}

void uvchan__alarm_set(uvchan__hub_t* hub, uvchan__alarm_t* alarm, uint64_t at,
                       void (*ring)(uvchan__alarm_t* alarm)) {
  alarm->at = at;
  alarm->ring = ring;
  insert(hub, alarm);
  set_timer(hub);
}

void uvchan__alarm_cancel(uvchan__hub_t* hub, uvchan__alarm_t* alarm) {
  if (alarm->ring == NULL) return;
  alarm->ring = NULL;
  *(alarm->prev == NULL ? &hub->first_alarm : &alarm->prev->next) = alarm->next;
  *(alarm->next == NULL ? &hub->last_alarm : &alarm->next->prev) = alarm->prev;
}

/* Each is taken out before it rings: it may be set again there. */
static void on_timer(uv_timer_t* timer) {
  uvchan__hub_t* hub = timer->data;
  uint64_t now = uv_hrtime();

  hub->timer_at = 0;
  while (hub->first_alarm != NULL && hub->first_alarm->at <= now) {
    uvchan__alarm_t* alarm = hub->first_alarm;
    void (*ring)(uvchan__alarm_t*) = alarm->ring;

    uvchan__alarm_cancel(hub, alarm);
    ring(alarm);
  }
  set_timer(hub);
}
