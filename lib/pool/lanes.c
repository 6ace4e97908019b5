/* SPDX-License-Identifier: MIT */
/* A pool's lanes; what holds of them: state.h, I1 and I2. With the pool's lock. */
#include "pool/lanes.h"

#include <limits.h>

#include "ground/probes.h"
#include "ground/tuning.h"
#include "pool/port.h"

/* ---- Room ------------------------------------------------------------------------------------ */

int uvchan__lanes_have_room(const uvchan_pool_t* pool, unsigned int lane) {
  if (pool->n_inside >= pool->capacity) return 0;
  return lane == UVCHAN_URGENT || pool->lanes[lane].n_inside < pool->normal_capacity;
}

size_t uvchan__lanes_room(const uvchan_pool_t* pool) {
  size_t all = pool->capacity - pool->n_inside;
  size_t normal = pool->normal_capacity - pool->lanes[UVCHAN_NORMAL].n_inside;

  return all < normal ? all : normal;
}

size_t uvchan__lanes_waiting(const uvchan_pool_t* pool) { return pool->n_inside + pool->n_outside; }

void uvchan__lanes_tell_room(uvchan_pool_t* pool, int status, uvchan__shift_t* shift) {
  uvchan__place_t* place;

  while ((place = uvchan__first_waiting(&pool->rooms)) != NULL) {
    uvchan__dequeue(&pool->rooms, place);
    if (uvchan__claim(place->waiter)) uvchan__finish(place, status, &shift->wakes);
  }
}

/* ---- Lists ----------------------------------------------------------------------------------- */

/* Relaxed: a hint. */
static void note_waiting(uvchan_pool_t* pool) {
  size_t n = uvchan__lanes_waiting(pool);

  if (n > UINT_MAX || pool->is_closed) n = UINT_MAX;
  atomic_store_explicit(&pool->worth_a_look, (unsigned int)n, memory_order_relaxed);
}

static void count_inside(uvchan_pool_t* pool, uvchan_work_t* work) {
  work->is_inside = 1;
  pool->lanes[work->lane].n_inside++;
  if (++pool->n_inside > pool->peak) pool->peak = pool->n_inside;
}

static void count_outside(uvchan_pool_t* pool, uvchan_work_t* work) {
  uvchan__lane_t* lane = &pool->lanes[work->lane];

  work->is_inside = 0;
  if (lane->outside == NULL) lane->outside = work;
  lane->n_outside++;
  pool->n_outside++;
}

void uvchan__lanes_append(uvchan_pool_t* pool, uvchan_work_t* work) {
  uvchan__lane_t* lane = &pool->lanes[work->lane];

  work->next = NULL;
  work->prev = lane->last;
  *(lane->last == NULL ? &lane->first : &lane->last->next) = work;
  lane->last = work;
  work->is_queued = 1;
  if (uvchan__lanes_have_room(pool, work->lane)) {
    count_inside(pool, work);
  } else {
    count_outside(pool, work);
  }
  UVCHAN__PROBE3(submit, pool, work, work->lane);
  note_waiting(pool);
}

static void unlink_work(uvchan_pool_t* pool, uvchan_work_t* work) {
  uvchan__lane_t* lane = &pool->lanes[work->lane];

  *(work->prev == NULL ? &lane->first : &work->prev->next) = work->next;
  *(work->next == NULL ? &lane->last : &work->next->prev) = work->prev;
  if (lane->outside == work) lane->outside = work->next;
  work->is_queued = 0;
  if (work->is_inside) {
    lane->n_inside--;
    pool->n_inside--;
  } else {
    lane->n_outside--;
    pool->n_outside--;
  }
  note_waiting(pool);
}

/* Those outside go in as far as there is room, the urgent ones first. */
static void fill_room(uvchan_pool_t* pool, uvchan__shift_t* shift) {
  unsigned int i = UVCHAN__LANES;

  while (i-- > 0) {
    uvchan__lane_t* lane = &pool->lanes[i];

    while (lane->outside != NULL && uvchan__lanes_have_room(pool, i)) {
      uvchan_work_t* work = lane->outside;

      lane->outside = work->next;
      lane->n_outside--;
      pool->n_outside--;
      count_inside(pool, work);
    }
  }
  if (pool->rooms.first != NULL && uvchan__lanes_have_room(pool, UVCHAN_NORMAL))
    uvchan__lanes_tell_room(pool, 0, shift);
}

void uvchan__lanes_remove(uvchan_pool_t* pool, uvchan_work_t* work, uvchan__shift_t* shift) {
  if (!work->is_queued) return;
  unlink_work(pool, work);
  fill_room(pool, shift);
}

uint64_t uvchan__lanes_longest_wait(const uvchan_pool_t* pool, uint64_t now) {
  uint64_t longest = 0;
  unsigned int i;

  for (i = 0; i < UVCHAN__LANES; i++) {
    const uvchan_work_t* first = pool->lanes[i].first;

    if (first != NULL && now > first->submitted && now - first->submitted > longest)
      longest = now - first->submitted;
  }
  return longest;
}

/* ---- What begins next ------------------------------------------------------------------------ */

/* Urgent work first; but after so many in a row a normal one that waits. */
static uvchan__lane_t* next_lane(uvchan_pool_t* pool) {
  uvchan__lane_t* urgent = &pool->lanes[UVCHAN_URGENT];
  uvchan__lane_t* normal = &pool->lanes[UVCHAN_NORMAL];

  if (normal->first == NULL) uvchan__admission_idle(&normal->admission);
  if (urgent->first == NULL) uvchan__admission_idle(&urgent->admission);
  if (urgent->first == NULL) return normal->first == NULL ? NULL : normal;
  return normal->first == NULL || pool->urgent_in_a_row < UVCHAN__URGENT_IN_A_ROW ? urgent : normal;
}

static void count_in_a_row(uvchan_pool_t* pool, const uvchan__lane_t* begun) {
  int passes_by = begun == &pool->lanes[UVCHAN_URGENT] && pool->lanes[UVCHAN_NORMAL].first != NULL;

  pool->urgent_in_a_row = passes_by ? pool->urgent_in_a_row + 1 : 0;
}

static int is_over(const uvchan_work_t* work, uint64_t now) {
  return work->limit != 0 && now >= work->limit;
}

/* The waits that are asked about, and those that count, end here. 0: it was finished instead. */
static int begins(uvchan_pool_t* pool, uvchan__lane_t* lane, uvchan_work_t* work,
                  uvchan__shift_t* shift) {
  uint64_t waited = shift->now > work->submitted ? shift->now - work->submitted : 0;

  if (is_over(work, shift->now)) {
    pool->expired++;
  } else if (uvchan__admission_sheds(&lane->admission, waited, shift->now,
                                     uvchan__lanes_waiting(pool) == 0)) {
    pool->shed++;
  } else {
    pool->total_wait += waited;
    if (waited > pool->longest_wait) pool->longest_wait = waited;
    UVCHAN__PROBE3(begin, pool, work, waited);
    return 1;
  }
  uvchan__port_finish(work, UV_ETIMEDOUT, shift);
  return 0;
}

/* Who can't be claimed was withdrawn, and his loop, which waits for the lock, finds him gone from
 * his lane. */
uvchan_work_t* uvchan__lanes_take(uvchan_pool_t* pool, uvchan__shift_t* shift) {
  uvchan_work_t* work = NULL;
  uvchan__lane_t* lane;

  while (work == NULL && (lane = next_lane(pool)) != NULL) {
    work = lane->first;
    unlink_work(pool, work);
    if (!uvchan__claim(&work->waiter) || !begins(pool, lane, work, shift)) {
      work = NULL;
      continue;
    }
    count_in_a_row(pool, lane);
  }
  fill_room(pool, shift);
  return work;
}

/* ---- The end --------------------------------------------------------------------------------- */

static void end_from(uvchan_pool_t* pool, uvchan_work_t* work, int status, uvchan__shift_t* shift) {
  while (work != NULL) {
    uvchan_work_t* next = work->next;

    unlink_work(pool, work);
    if (uvchan__claim(&work->waiter)) {
      pool->closed++;
      uvchan__port_finish(work, status, shift);
    }
    work = next;
  }
}

void uvchan__lanes_end(uvchan_pool_t* pool, int outside_alone, int status, uvchan__shift_t* shift) {
  unsigned int i;

  for (i = 0; i < UVCHAN__LANES; i++) {
    uvchan__lane_t* lane = &pool->lanes[i];

    end_from(pool, outside_alone ? lane->outside : lane->first, status, shift);
  }
  note_waiting(pool);
}
