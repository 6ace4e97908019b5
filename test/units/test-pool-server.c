/* SPDX-License-Identifier: MIT */
/* The recipe for a server on a pool: it accepts a connection when it can take a work, and asks for
 * room else. A real listening socket on loopback, and more clients than the pool takes. */
#include "scene.h"
#include "works.h"

#define NCLIENTS 20

typedef struct {
  work_op_t op; /* first */
  uv_tcp_t socket;
} visit_t;

typedef struct {
  uv_tcp_t listener;
  uvchan_pool_t* pool;
  uvchan_room_t room;
  int waits_for_room; /* and holds a connection back meanwhile */
  unsigned int held_back;
  visit_t visits[NCLIENTS];
  uv_tcp_t clients[NCLIENTS];
  uv_connect_t connects[NCLIENTS];
  unsigned int accepted;
  unsigned int answered;
} server_t;

static server_t server;

static void on_answer(uvchan_work_t* work, int status) {
  visit_t* visit = (visit_t*)work;

  work_op_done(work, status);
  uv_close((uv_handle_t*)&visit->socket, NULL);
  if (++server.answered < NCLIENTS) return;
  uv_close((uv_handle_t*)&server.listener, NULL);
}

static void on_connection(uv_stream_t* listener, int status);

static void on_server_room(uvchan_room_t* req, int status) {
  (void)req;
  must(status == 0);
  server.waits_for_room = 0;
  on_connection((uv_stream_t*)&server.listener, 0);
}

/* The recipe: what is not accepted waits in the system, and libuv listens no further meanwhile. */
static void on_connection(uv_stream_t* listener, int status) {
  visit_t* visit = &server.visits[server.accepted];

  must(status == 0 && !server.waits_for_room);
  if (uvchan_pool_room(server.pool) == 0) {
    server.waits_for_room = 1;
    server.held_back++;
    must(uvchan_pool_on_room(&scene.loop, &server.room, server.pool, on_server_room) == 0);
    return;
  }
  must(uv_tcp_init(&scene.loop, &visit->socket) == 0);
  must(uv_accept(listener, (uv_stream_t*)&visit->socket) == 0);
  server.accepted++;
  work_op_init(&visit->op);
  must(uvchan_pool_try_submit(&scene.loop, &visit->op.work, server.pool, work_op_run, on_answer) ==
       0);
}

static void on_connect(uv_connect_t* req, int status) {
  must(status == 0);
  uv_close((uv_handle_t*)req->handle, NULL);
}

static void listen_on_loopback(struct sockaddr_in* address) {
  int length = sizeof(*address);

  must(uv_tcp_init(&scene.loop, &server.listener) == 0);
  must(uv_ip4_addr("127.0.0.1", 0, address) == 0);
  must(uv_tcp_bind(&server.listener, (const struct sockaddr*)address, 0) == 0);
  must(uv_listen((uv_stream_t*)&server.listener, NCLIENTS, on_connection) == 0);
  must(uv_tcp_getsockname(&server.listener, (struct sockaddr*)address, &length) == 0);
}

static work_op_t waits;

START_TEST(a_server_holds_back_what_it_cannot_take) {
  struct sockaddr_in address;
  gate_t gate;
  int i;

  memset(&server, 0, sizeof(server));
  server.pool = pool_new(1, 1);
  gate_hold(&gate, &scene.loop, server.pool, 1);
  ck_assert_int_eq(try_work(&waits, &scene.loop, server.pool), 0);
  listen_on_loopback(&address);
  for (i = 0; i < NCLIENTS; i++) {
    ck_assert_int_eq(uv_tcp_init(&scene.loop, &server.clients[i]), 0);
    ck_assert_int_eq(uv_tcp_connect(&server.connects[i], &server.clients[i],
                                    (const struct sockaddr*)&address, on_connect),
                     0);
  }
  run_until(&scene.loop, server.held_back == 1);
  settle(&scene.loop);
  ck_assert_uint_eq(server.accepted, 0);
  gate_end(&gate, &scene.loop);
  scene_run();
  ck_assert_uint_eq(server.answered, NCLIENTS);
  ck_assert_uint_eq(pool_at_rest(server.pool).refused, 0);
  for (i = 0; i < NCLIENTS; i++) check_ended(&server.visits[i].op, 0);
  uvchan_pool_release(server.pool);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("pool-server");
  TCase* tcase = scene_tcase(suite, "server");

  tcase_add_test(tcase, a_server_holds_back_what_it_cannot_take);
  return support_main(suite);
}
