/* SPDX-License-Identifier: MIT */
/* Which counter a client goes to, and how the door hears that there is room again.
 *
 * The knocks channel holds one value and drops its oldest: a knock never waits, as many knocks as
 * come while the main loop is busy are one, and the one that is received came last, after
 * whatever the others had to tell. */
#include "shop/entrance.h"

#include "must.h"

/* ---- Counters -------------------------------------------------------------------------------- */

/* Only the main loop sends errands, so what has room keeps it. */
static int has_room_at(const house_t* house, unsigned int i) {
  return uvchan_len(errands_channel(house->errands[i])) < ERRANDS_CAPACITY;
}

/* The counter with the fewest connections, of those that have room; -1 where none has. Of several
 * it is the next in turn, so that connections that end at once are spread as well. */
static int find_counter(const entrance_t* entrance) {
  const house_t* house = entrance->house;
  unsigned int n = house->options.loops;
  uint64_t fewest = UINT64_MAX;
  int found = -1;

  for (unsigned int i = 0; i < n; i++) {
    unsigned int at = (entrance->next + i) % n;
    uint64_t open = board_read(&house->board.connections_of[at]);

    if (open >= fewest || !has_room_at(house, at)) continue;
    fewest = open;
    found = (int)at;
  }
  return found;
}

/* ---- What the door calls --------------------------------------------------------------------- */

static int has_room(door_t* door) { return find_counter(door->data) >= 0; }

static void enter(door_t* door, struct connection_s* connection) {
  entrance_t* entrance = door->data;
  house_t* house = entrance->house;
  unsigned int at = (unsigned int)find_counter(entrance);

  entrance->next = at + 1;
  board_add(&house->board.connections_of[at]);
  must("hand a client over", errands_try_send(errands_sendonly(house->errands[at]),
                                              (errand_t){.connection = connection}));
}

static void knock(door_t* door) {
  const entrance_t* entrance = door->data;

  knocks_try_send(knocks_sendonly(entrance->knocks), 0); /* never full, and closed after the end */
}

static const door_calls_t door_calls = {.has_room = has_room, .enter = enter, .knock = knock};

static void on_knock(knocks_receiver_t* receiver, int status, const char* value) {
  entrance_t* entrance = receiver->handle.data;

  (void)value;
  if (status == 0) door_look(&entrance->door);
}

/* ---- Life ------------------------------------------------------------------------------------ */

void entrance_listen(entrance_t* entrance, house_t* house, uv_loop_t* loop,
                     const struct sockaddr* address) {
  const uvchan_options_t knocks = {.capacity = 1, .overflow = UVCHAN_DROP_OLDEST, .name = "knocks"};

  entrance->house = house;
  entrance->next = 0;
  must("listen at the address", door_listen(&entrance->door, loop, address, &door_calls, entrance));
  must("create the knocks channel", knocks_create_ex(&entrance->knocks, &knocks));
  must("receive knocks",
       knocks_receiver_init(loop, &entrance->knocks_receiver, knocks_recvonly(entrance->knocks)));
  entrance->knocks_receiver.handle.data = entrance;
  must("receive knocks", knocks_recv_start(&entrance->knocks_receiver, on_knock));
}

void entrance_open(entrance_t* entrance, uint64_t most) {
  board_t* board = &entrance->house->board;

  door_open(&entrance->door, most, &board->connections, &board->refusals);
}

void entrance_shut(entrance_t* entrance) {
  const house_t* house = entrance->house;

  door_stop(&entrance->door);
  for (unsigned int i = 0; i < house->options.loops; i++)
    must("close the errands", errands_close(errands_sendonly(house->errands[i])));
}

void entrance_close(entrance_t* entrance) {
  knocks_receiver_close(&entrance->knocks_receiver, NULL);
}

void entrance_release(entrance_t* entrance) { knocks_release(entrance->knocks); }
