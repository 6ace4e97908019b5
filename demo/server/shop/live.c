/* SPDX-License-Identifier: MIT */
/* Live news: told by any thread into one channel, copied by the main loop to one channel for each
 * viewer. A channel that is sent through a channel carries its reference with it: who takes it out
 * has to give it back, and what is left in there is given back by drop_cb. */
#include "shop/live.h"

#include <stdlib.h>
#include <string.h>

#include "must.h"

#define BEAT_MS 50

const char* news_state_name(news_state_t state) {
  static const char* const names[] = {"waiting", "baking", "ready", "lost", "rejected", "gave_up"};

  return names[state];
}

/* ---- Telling --------------------------------------------------------------------------------- */

void live_tell(live_t* live, const order_t* order, news_state_t state) {
  news_item_t item;

  if (board_read(&live->board->viewers) == 0) return;
  item = (news_item_t){
      .wish = order->wish, .number = state == NEWS_REJECTED ? 0 : order->number, .state = state};
  if (state == NEWS_BAKING || state == NEWS_READY || state == NEWS_LOST)
    item.waited_ms = order_waited_ms(order);
  if (state == NEWS_READY || state == NEWS_LOST) item.baked_ms = order_baked_ms(order);
  news_try_send(news_sendonly(live->news), item); /* never full; closed: nobody watches any more */
}

/* ---- Viewers --------------------------------------------------------------------------------- */

static void release_watch(const watch_t* watch) {
  boards_release(watch->board);
  news_release(watch->news);
}

static void leave_viewer(live_t* live, size_t index) {
  release_watch(&live->viewers[index].watch);
  live->viewers[index] = live->viewers[--live->nviewers];
}

static void tell_viewers(live_t* live) {
  ssize_t n = news_try_recv_n(news_recvonly(live->news), live->items, VIEWER_CAPACITY);

  for (size_t i = live->nviewers; n > 0 && i-- > 0;) {
    if (news_try_send_n(news_sendonly(live->viewers[i].watch.news), live->items, (size_t)n) ==
        UV_EPIPE)
      leave_viewer(live, i);
  }
}

/* A viewer that left while nothing happened is still in the list. */
static void leave_those_who_left(live_t* live) {
  for (size_t i = live->nviewers; i-- > 0;) {
    if (uvchan_is_closed(news_channel(live->viewers[i].watch.news))) leave_viewer(live, i);
  }
}

static void on_beat(uv_timer_t* beat) {
  live_t* live = beat->data;

  tell_viewers(live);
  leave_those_who_left(live);
  if (live->nviewers == 0) uv_timer_stop(beat);
}

/* ---- The roll -------------------------------------------------------------------------------- */

/* The place of the youngest that is kept. */
static size_t youngest_in(const roll_t* roll) {
  size_t youngest = 0;

  for (size_t i = 1; i < roll->n; i++)
    if (roll->items[i].number > roll->items[youngest].number) youngest = i;
  return youngest;
}

/* So that a counter with very many orders looks at few of them closely, those that are kept are
 * not sorted. */
static news_item_t* find_place(roll_t* roll, uint64_t number) {
  size_t youngest;

  if (roll->n < ROLL_MAX) return &roll->items[roll->n++];
  youngest = youngest_in(roll);
  return roll->items[youngest].number > number ? &roll->items[youngest] : NULL;
}

news_item_t* roll_add(roll_t* roll, uint64_t number, news_state_t state) {
  news_item_t* place = find_place(roll, number);

  if (state == NEWS_WAITING) {
    roll->nwaiting++;
  } else {
    roll->nbaking++;
  }
  if (place != NULL) *place = (news_item_t){.number = number, .state = state};
  return place;
}

/* The counts of those that are kept are in the sums. */
static void merge_roll(roll_t* sum, const roll_t* roll) {
  for (size_t i = 0; i < roll->n; i++) {
    news_item_t* place = find_place(sum, roll->items[i].number);

    if (place != NULL) *place = roll->items[i];
  }
  sum->nwaiting += roll->nwaiting;
  sum->nbaking += roll->nbaking;
}

static void move_boards(live_t* live, board_state_t from, board_state_t to) {
  for (size_t i = 0; i < live->nviewers; i++)
    if (live->viewers[i].board == from) live->viewers[i].board = to;
}

static int is_board_wanted(const live_t* live) {
  size_t i = 0;

  while (i < live->nviewers && live->viewers[i].board != BOARD_WANTED) i++;
  return i < live->nviewers;
}

static void send_boards(live_t* live) {
  for (size_t i = 0; i < live->nviewers; i++) {
    if (live->viewers[i].board == BOARD_UNDER_WAY) /* there is room for the one */
      boards_try_send_n(boards_sendonly(live->viewers[i].watch.board), &live->roll, 1);
  }
  move_boards(live, BOARD_UNDER_WAY, BOARD_SENT);
}

/* A counter that can't be asked, since it has too much to do or closes, is left out. Those who come
 * while the roll is being called wait for the next: what the first counters have answered is older
 * than the news that they get. */
static void call_roll(live_t* live) {
  if (live->nmissing > 0 || !is_board_wanted(live)) return;
  memset(&live->roll, 0, sizeof(live->roll));
  move_boards(live, BOARD_WANTED, BOARD_UNDER_WAY);
  for (unsigned int i = 0; i < live->ncounters; i++) {
    const errand_t errand = {.connection = NULL};

    if (errands_try_send(errands_sendonly(live->errands[i]), errand) == 0) live->nmissing++;
  }
  if (live->nmissing == 0) send_boards(live);
}

static void on_roll(rolls_receiver_t* receiver, int status, roll_t* const* roll) {
  live_t* live = receiver->handle.data;

  if (status != 0) { /* the end */
    rolls_receiver_close(receiver, NULL);
    return;
  }
  if (*roll != NULL) merge_roll(&live->roll, *roll);
  free(*roll);
  live->nmissing--;
  if (live->nmissing > 0) return;
  send_boards(live);
  call_roll(live);
}

static void drop_roll(void* value, uvchan_drop_reason_t reason, void* arg) {
  roll_t* roll;

  (void)reason;
  (void)arg;
  memcpy(&roll, value, sizeof(roll));
  free(roll);
}

/* There is room: each counter is asked once at a time. */
void live_answer_roll(live_t* live, roll_t* roll) {
  if (rolls_try_send(rolls_sendonly(live->rolls), roll) != 0) free(roll);
}

/* ---- Newcomers ------------------------------------------------------------------------------- */

static void on_newcomer(newcomers_receiver_t* receiver, int status, const watch_t* watch) {
  live_t* live = receiver->handle.data;

  if (status != 0) { /* the end */
    newcomers_receiver_close(receiver, NULL);
    return;
  }
  leave_those_who_left(live);
  if (live->nviewers == VIEWERS_MAX || live->is_over) {
    news_close(news_sendonly(watch->news));
    release_watch(watch);
    return;
  }
  live->viewers[live->nviewers++] = (viewed_t){.watch = *watch, .board = BOARD_WANTED};
  if (live->nviewers == 1)
    must("start a timer", uv_timer_start(&live->beat, on_beat, BEAT_MS, BEAT_MS));
  call_roll(live);
}

static void drop_newcomer(void* value, uvchan_drop_reason_t reason, void* arg) {
  watch_t watch;

  (void)reason;
  (void)arg;
  memcpy(&watch, value, sizeof(watch));
  release_watch(&watch);
}

/* The board's channel is made last, so that there is one to give back where it fails. */
static int make_watch(watch_t* watch) {
  const uvchan_options_t news = {
      .capacity = VIEWER_CAPACITY, .overflow = UVCHAN_DROP_OLDEST, .name = "viewer"};
  int r = news_create_ex(&watch->news, &news);

  if (r != 0) return r;
  r = boards_create(&watch->board, 1);
  if (r != 0) news_release(watch->news);
  return r;
}

int live_watch(live_t* live, watch_t* watch) {
  watch_t made;
  int r;

  if (board_read(&live->board->viewers) >= VIEWERS_MAX) return UV_EAGAIN;
  r = make_watch(&made);
  if (r != 0) return r;
  boards_retain(made.board); /* the main loop's, as the next */
  news_retain(made.news);
  r = newcomers_try_send(newcomers_sendonly(live->newcomers), made);
  if (r == 0) {
    *watch = made;
    return 0;
  }
  release_watch(&made);
  release_watch(&made);
  return r;
}

void live_unwatch(watch_t* watch) {
  news_close(news_sendonly(watch->news));
  release_watch(watch);
}

/* ---- Beginning and end ----------------------------------------------------------------------- */

static void receive_newcomers(live_t* live, uv_loop_t* loop) {
  const uvchan_options_t newcomers = {
      .capacity = VIEWERS_MAX, .drop_cb = drop_newcomer, .name = "newcomers"};

  must("create the newcomers channel", newcomers_create_ex(&live->newcomers, &newcomers));
  must("receive viewers", newcomers_receiver_init(loop, &live->newcomers_receiver,
                                                  newcomers_recvonly(live->newcomers)));
  live->newcomers_receiver.handle.data = live;
  must("receive viewers", newcomers_recv_start(&live->newcomers_receiver, on_newcomer));
}

static void receive_rolls(live_t* live, uv_loop_t* loop) {
  const uvchan_options_t rolls = {
      .capacity = live->ncounters, .drop_cb = drop_roll, .name = "rolls"};

  must("create the rolls channel", rolls_create_ex(&live->rolls, &rolls));
  must("receive rolls",
       rolls_receiver_init(loop, &live->rolls_receiver, rolls_recvonly(live->rolls)));
  live->rolls_receiver.handle.data = live;
  must("receive rolls", rolls_recv_start(&live->rolls_receiver, on_roll));
}

void live_open(live_t* live, uv_loop_t* loop, board_t* board, const errands_t* errands,
               unsigned int n) {
  const uvchan_options_t news = {
      .capacity = VIEWER_CAPACITY, .overflow = UVCHAN_DROP_OLDEST, .name = "news"};

  live->board = board;
  live->errands = errands;
  live->ncounters = n;
  live->nmissing = 0;
  live->nviewers = 0;
  live->is_over = 0;
  must("create the news channel", news_create_ex(&live->news, &news));
  receive_newcomers(live, loop);
  receive_rolls(live, loop);
  must("make a timer", uv_timer_init(loop, &live->beat));
  live->beat.data = live;
}

void live_end(live_t* live) {
  news_item_t unseen;

  live->is_over = 1;
  tell_viewers(live);
  news_close(news_sendonly(live->news));
  while (news_try_recv(news_recvonly(live->news), &unseen) == 0) {} /* what was told in between */
  while (live->nviewers > 0) {
    news_close(news_sendonly(live->viewers[live->nviewers - 1].watch.news));
    leave_viewer(live, live->nviewers - 1);
  }
}

void live_close(live_t* live) {
  newcomers_close(newcomers_sendonly(live->newcomers));
  rolls_close(rolls_sendonly(live->rolls));
  uv_close((uv_handle_t*)&live->beat, NULL);
}

void live_release(live_t* live) {
  news_release(live->news);
  newcomers_release(live->newcomers);
  rolls_release(live->rolls);
}
