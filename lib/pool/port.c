/* SPDX-License-Identifier: MIT */
/* A port's works; ideas and threads: port.h. */
#include "pool/port.h"

#include "ground/probes.h"
#include "wake/posts.h"

/* Where a work is, from its claim on. */
enum { ELSEWHERE, FINISHED, IN_TURN };

/* ---- Lists ----------------------------------------------------------------------------------- */

static void append(uvchan__works_t* list, uvchan_work_t* work) {
  work->next = NULL;
  work->prev = list->last;
  *(list->last == NULL ? &list->first : &list->last->next) = work;
  list->last = work;
}

static void unlink_work(uvchan__works_t* list, uvchan_work_t* work) {
  *(work->prev == NULL ? &list->first : &work->prev->next) = work->next;
  *(work->next == NULL ? &list->last : &work->next->prev) = work->prev;
  work->place = ELSEWHERE;
}

/* Relaxed: a hint for who coalesces. */
static void note_finished(uvchan__port_t* port, unsigned int n) {
  atomic_store_explicit(&port->n_finished, n, memory_order_relaxed);
}

unsigned int uvchan__port_finished(const uvchan__port_t* port) {
  return atomic_load_explicit(&port->n_finished, memory_order_relaxed);
}

/* ---- In and out ------------------------------------------------------------------------------ */

void uvchan__port_finish(uvchan_work_t* work, int status, uvchan__shift_t* shift) {
  uvchan__port_t* port = work->port;
  int was_empty = port->finished.first == NULL;

  UVCHAN__PROBE3(done, work->pool, work, status);
  work->waiter.status = status;
  append(&port->finished, work);
  work->place = FINISHED;
  note_finished(port, uvchan__port_finished(port) + 1);
  if (was_empty) uvchan__hub_post(port->hub, &port->entry, &shift->wakes.hubs);
}

int uvchan__port_take(uvchan__port_t* port) {
  uvchan_work_t* work = port->finished.first;

  if (work == NULL) return 0;
  port->finished.first = port->finished.last = NULL;
  note_finished(port, 0);
  while (work != NULL) {
    uvchan_work_t* next = work->next;

    append(&port->turn, work);
    work->place = IN_TURN;
    work = next;
  }
  return 1;
}

void uvchan__port_begin_call(uvchan__port_t* port, uvchan_work_t* work) {
  unlink_work(&port->turn, work);
}

int uvchan__port_take_back(uvchan_work_t* work) {
  uvchan__port_t* port = work->port;

  if (work->place == ELSEWHERE) return 0;
  if (work->place == FINISHED) note_finished(port, uvchan__port_finished(port) - 1);
  unlink_work(work->place == FINISHED ? &port->finished : &port->turn, work);
  return 1;
}
