/* Live news: told by any thread into one channel, copied by the main loop to one channel for each
 * viewer. A channel that is sent through a channel carries its reference with it: who takes it out
 * has to give it back, and what is left in there is given back by drop_cb. */
#include "shop/live.h"

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

static void leave_viewer(live_t* live, size_t index) {
  news_release(live->viewers[index]);
  live->viewers[index] = live->viewers[--live->nviewers];
}

static void tell_viewers(live_t* live) {
  ssize_t n = news_try_recv_n(news_recvonly(live->news), live->items, VIEWER_CAPACITY);

  for (size_t i = live->nviewers; n > 0 && i-- > 0;) {
    if (news_try_send_n(news_sendonly(live->viewers[i]), live->items, (size_t)n) == UV_EPIPE)
      leave_viewer(live, i);
  }
}

/* A viewer that left while nothing happened is still in the list. */
static void leave_those_who_left(live_t* live) {
  for (size_t i = live->nviewers; i-- > 0;) {
    if (uvchan_is_closed(news_channel(live->viewers[i]))) leave_viewer(live, i);
  }
}

static void on_beat(uv_timer_t* beat) {
  live_t* live = beat->data;

  tell_viewers(live);
  leave_those_who_left(live);
  if (live->nviewers == 0) uv_timer_stop(beat);
}

static void on_door(doors_receiver_t* receiver, int status, const news_t* viewer) {
  live_t* live = receiver->handle.data;

  if (status != 0) { /* the end */
    doors_receiver_close(receiver, NULL);
    return;
  }
  leave_those_who_left(live);
  if (live->nviewers < VIEWERS_MAX && !live->is_over) {
    live->viewers[live->nviewers++] = *viewer;
    if (live->nviewers == 1)
      must("start a timer", uv_timer_start(&live->beat, on_beat, BEAT_MS, BEAT_MS));
    return;
  }
  news_close(news_sendonly(*viewer));
  news_release(*viewer);
}

static void drop_door(void* value, uvchan_drop_reason_t reason, void* arg) {
  news_t viewer;

  (void)reason;
  (void)arg;
  memcpy(&viewer, value, sizeof(viewer));
  news_release(viewer);
}

int live_watch(live_t* live, news_t* viewer) {
  const uvchan_options_t options = {
      .capacity = VIEWER_CAPACITY, .overflow = UVCHAN_DROP_OLDEST, .name = "viewer"};
  news_t made;
  int r;

  if (board_read(&live->board->viewers) >= VIEWERS_MAX) return UV_EAGAIN;
  r = news_create_ex(&made, &options);
  if (r != 0) return r;
  news_retain(made); /* the main loop's */
  r = doors_try_send(doors_sendonly(live->doors), made);
  if (r == 0) {
    *viewer = made;
    return 0;
  }
  news_release(made);
  news_release(made);
  return r;
}

/* ---- Beginning and end ----------------------------------------------------------------------- */

void live_open(live_t* live, uv_loop_t* loop, board_t* board) {
  const uvchan_options_t news = {
      .capacity = VIEWER_CAPACITY, .overflow = UVCHAN_DROP_OLDEST, .name = "news"};
  const uvchan_options_t doors = {.capacity = VIEWERS_MAX, .drop_cb = drop_door, .name = "doors"};

  live->board = board;
  live->nviewers = 0;
  live->is_over = 0;
  must("create the news channel", news_create_ex(&live->news, &news));
  must("create the doors channel", doors_create_ex(&live->doors, &doors));
  must("receive viewers",
       doors_receiver_init(loop, &live->doors_receiver, doors_recvonly(live->doors)));
  live->doors_receiver.handle.data = live;
  must("receive viewers", doors_recv_start(&live->doors_receiver, on_door));
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
    news_close(news_sendonly(live->viewers[live->nviewers - 1]));
    leave_viewer(live, live->nviewers - 1);
  }
}

void live_close(live_t* live) {
  doors_close(doors_sendonly(live->doors));
  uv_close((uv_handle_t*)&live->beat, NULL);
}

void live_release(live_t* live) {
  news_release(live->news);
  doors_release(live->doors);
}
