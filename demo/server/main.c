/* SPDX-License-Identifier: MIT */
/* The server: a pizzeria that takes orders over HTTP into a bounded queue.
 *
 *           main loop                      desks (loops)              kitchen (a pool of threads)
 *   clients --door--> errands channel of each desk
 *   clients --------------------------------> intake --try, or submit--> what waits --> bakers
 *   clients <-- answers <--on_done, on the desk of the client-----------------------------'
 *
 * The main thread opens the house, runs the main loop (the door, signals, samples for the board,
 * live news) and closes in order:
 *
 *   a signal          /readyz says so, and all goes on until the time to leave is over
 *   closing           the door is shut, and the errands end; the kitchen is closed: no further
 *                     order is accepted
 *   kitchen is done   what was accepted is baked, or its time is over, and every order is back; the
 *                     drained channel is closed, and viewers get their end
 *   desks leave       everything is answered, every connection closed; then the main loop closes
 *                     what it has, and everyone is waited for
 *
 * Two floors: shop/ is the pizzeria, http/ is what it stands on and knows neither channels nor the
 * pool; page/ is the live page, built in. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "http/connection.h"
#include "http/parse.h"
#include "must.h"
#include "shop/counter.h"
#include "shop/courier.h"
#include "shop/entrance.h"
#include "shop/house.h"
#include "shop/interrupt.h"
#include "shop/kitchen.h"
#include "shop/process.h"

enum { SIGNALS = 2, SPARE = 16 };

typedef struct {
  house_t house;
  entrance_t entrance;
  counter_t* counters; /* options.loops of them */
  uv_loop_t loop;
  uv_signal_t signals[SIGNALS];
  uv_timer_t sampler;
  uv_timer_t leave; /* ends the time to leave */
  samples_t samples;
  uvchan_notify_t desks_left;
} server_t;

/* ---- Closing --------------------------------------------------------------------------------- */

/* Every order is back. */
static void end_service(house_t* house) {
  must("tell the desks", uvchan_close(house->drained));
  live_end(&house->live);
}

static void on_kitchen_closed(uvchan_pool_t* kitchen) {
  end_service(uvchan_pool_get_data(kitchen));
}

static void close_kitchen(server_t* server) {
  house_t* house = &server->house;
  uint64_t drain_ms = house->options.drain_ms == 0 ? UINT64_MAX : house->options.drain_ms;

  if (house->courier != NULL) {
    courier_shut(house->courier, drain_ms, end_service);
    return;
  }
  if (house->kitchen == NULL) {
    end_service(house);
    return;
  }
  must("close the kitchen",
       uvchan_pool_close(&server->loop, house->kitchen, drain_ms, on_kitchen_closed));
}

static void on_desks_left(uvchan_notify_t* req, int status) {
  server_t* server = req->data;

  must("wait for the desks", status);
  for (int i = 0; i < SIGNALS; i++) uv_close((uv_handle_t*)&server->signals[i], NULL);
  uv_close((uv_handle_t*)&server->sampler, NULL);
  uv_close((uv_handle_t*)&server->leave, NULL);
  entrance_close(&server->entrance);
  if (server->house.courier != NULL) courier_close(server->house.courier);
  live_close(&server->house.live);
}

static void on_leave(uv_timer_t* timer) {
  server_t* server = timer->data;
  house_t* house = &server->house;

  must("close the house", uvchan_close(house->quit));
  entrance_shut(&server->entrance);
  close_kitchen(server);
  must("wait for the desks",
       uvchan_waitgroup_notify(&server->loop, &server->desks_left, &house->desks, on_desks_left));
}

/* With the watchers stopped, a second signal does what it does to any program. */
static void on_signal(uv_signal_t* watcher, int signum) {
  server_t* server = watcher->data;
  const house_t* house = &server->house;

  (void)signum;
  for (int i = 0; i < SIGNALS; i++)
    must("stop a signal's watcher", uv_signal_stop(&server->signals[i]));
  must("tell of leaving", uvchan_close(house->leaving));
  must("start a timer", uv_timer_start(&server->leave, on_leave, house->options.leave_ms, 0));
}

/* ---- Opening --------------------------------------------------------------------------------- */

static void on_sample(uv_timer_t* timer) {
  server_t* server = timer->data;

  board_sample(&server->house.board, &server->samples, uv_hrtime());
}

static void watch_signals(server_t* server) {
  static const int signums[SIGNALS] = {SIGINT, SIGTERM};

  signal(SIGPIPE, SIG_IGN); /* a client that is gone is an error of one write */
  for (int i = 0; i < SIGNALS; i++) {
    must("watch a signal", uv_signal_init(&server->loop, &server->signals[i]));
    server->signals[i].data = server;
    if (signums[i] == SIGINT && interrupt_is_ignored()) continue;
    must("watch a signal", uv_signal_start(&server->signals[i], on_signal, signums[i]));
  }
}

static void drop_errand(void* value, uvchan_drop_reason_t reason, void* arg) {
  errand_t errand;

  (void)reason;
  (void)arg;
  memcpy(&errand, value, sizeof(errand));
  if (errand.connection == NULL) return;
  close(errand.connection->socket);
  free(errand.connection);
}

static void create_errands(house_t* house) {
  const uvchan_options_t errands = {
      .capacity = ERRANDS_CAPACITY, .drop_cb = drop_errand, .name = "errands"};

  house->errands = calloc(house->options.loops, sizeof(*house->errands));
  must("make the errands channels", house->errands == NULL ? UV_ENOMEM : 0);
  for (unsigned int i = 0; i < house->options.loops; i++)
    must("create an errands channel", errands_create_ex(&house->errands[i], &errands));
}

static void create_channels(house_t* house) {
  must("create the leaving channel", uvchan_create(&house->leaving, 0, 0));
  must("create the quit channel", uvchan_create(&house->quit, 0, 0));
  must("create the drained channel", uvchan_create(&house->drained, 0, 0));
  create_errands(house);
}

static void open_counters(server_t* server) {
  house_t* house = &server->house;

  server->counters = calloc(house->options.loops, sizeof(*server->counters));
  must("make the counters", server->counters == NULL ? UV_ENOMEM : 0);
  must("count the desks", uvchan_waitgroup_init(&house->desks));
  must("count the desks", uvchan_waitgroup_add(&house->desks, (int)house->options.loops));
  for (unsigned int i = 0; i < house->options.loops; i++)
    counter_open(&server->counters[i], house, i, &server->entrance.door);
}

static void listen_at_address(server_t* server) {
  const options_t* options = &server->house.options;
  const struct addrinfo hints = {
      .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
  uv_getaddrinfo_t found;

  must("find the address",
       uv_getaddrinfo(&server->loop, &found, NULL, options->host, options->port, &hints));
  entrance_listen(&server->entrance, &server->house, &server->loop, found.addrinfo->ai_addr);
  uv_freeaddrinfo(found.addrinfo);
}

/* What the house needs besides connections. All of it is open by now, but for what is opened for a
 * moment: by the resolver, by the figures of the process, by the C library; and for the one that
 * libuv keeps in reserve with the first connection of a loop. Not every system shows all that is
 * open, so at least what is known of libuv's loops is counted. */
static uint64_t descriptors_needed(const options_t* options) {
  const uint64_t seen = process_descriptors();
  const uint64_t known = 10 + 5 * (uint64_t)options->loops;

  return (seen > known ? seen : known) + options->loops + SPARE;
}

/* Each connection is a descriptor. */
static void limit_connections(options_t* options) {
  const uint64_t most = process_descriptors_most();
  const uint64_t needed = descriptors_needed(options);

  if (most == 0 || (most > needed && most - needed >= options->connections)) return;
  if (most <= needed) {
    fprintf(stderr, "error: none of %llu descriptors is left for connections\n",
            (unsigned long long)most);
    exit(EXIT_FAILURE);
  }
  options->connections = (unsigned int)(most - needed);
  fprintf(stderr, "note: at most %u connections, of %llu descriptors\n", options->connections,
          (unsigned long long)most);
}

static void say_address(const door_t* door) {
  struct sockaddr_storage address;
  socklen_t len = sizeof(address);
  char host[64];
  int port;

  must("read the address", getsockname(door->fd, (struct sockaddr*)&address, &len) == 0
                               ? 0
                               : uv_translate_sys_error(errno));
  if (address.ss_family == AF_INET6) {
    struct sockaddr_in6* six = (struct sockaddr_in6*)&address;

    must("write the address", uv_ip6_name(six, host, sizeof(host)));
    port = ntohs(six->sin6_port);
    printf("The pizzeria is open at http://[%s]:%d/\n", host, port);
  } else {
    struct sockaddr_in* four = (struct sockaddr_in*)&address;

    must("write the address", uv_ip4_name(four, host, sizeof(host)));
    port = ntohs(four->sin_port);
    printf("The pizzeria is open at http://%s:%d/\n", host, port);
  }
  must_have_printed();
}

static void make_timer(server_t* server, uv_timer_t* timer) {
  must("make a timer", uv_timer_init(&server->loop, timer));
  timer->data = server;
}

static void open_loop(server_t* server) {
  must("make the main loop", uv_loop_init(&server->loop));
  watch_signals(server);
  server->desks_left.data = server;
  make_timer(server, &server->leave);
  make_timer(server, &server->sampler);
  must("start a timer", uv_timer_start(&server->sampler, on_sample, SAMPLE_MS, SAMPLE_MS));
}

static void open_house(server_t* server) {
  house_t* house = &server->house;

  house->opened_ns = uv_hrtime();
  house->opened_s = (int64_t)time(NULL);
  parse_set_limits(house->options.header_bytes);
  process_allow_descriptors();
  open_loop(server);
  create_channels(house);
  access_log_open(&house->log, house->options.access_log, &house->board);
  live_open(&house->live, &server->loop, &house->board, house->errands, house->options.loops);
  listen_at_address(server);
  if (house->options.redis != NULL) courier_open(house, &server->loop);
  open_counters(server);
  limit_connections(&house->options);
  kitchen_open(house);
  for (unsigned int i = 0; i < house->options.loops; i++) counter_start(&server->counters[i]);
  say_address(&server->entrance.door);
  entrance_open(&server->entrance, house->options.connections);
}

/* ---- The end --------------------------------------------------------------------------------- */

static void say_kitchen(const uvchan_pool_stats_t* stats) {
  printf(
      "kitchen: submitted %llu, done %llu, refused %llu, cancelled %llu, expired %llu, shed %llu, "
      "closed %llu, left %zu, peak %zu, failed threads %u\n",
      (unsigned long long)stats->submitted, (unsigned long long)stats->done,
      (unsigned long long)stats->refused, (unsigned long long)stats->cancelled,
      (unsigned long long)stats->expired, (unsigned long long)stats->shed,
      (unsigned long long)stats->closed, stats->waiting + stats->waiting_outside + stats->running,
      stats->peak, stats->threads_failed);
}

static void say_channel(const uvchan_stats_t* stats) {
  printf("%s: sent %llu, received %llu, dropped %llu, left %zu, peak %zu, wake-ups %llu\n",
         stats->name, (unsigned long long)stats->sent, (unsigned long long)stats->received,
         (unsigned long long)stats->dropped, stats->len, stats->peak,
         (unsigned long long)stats->wakeups);
}

static void say_figures(house_t* house) {
  const board_t* board = &house->board;
  uvchan_pool_stats_t kitchen;
  uvchan_stats_t news;

  if (house->courier != NULL) courier_say_figures(house);
  uvchan_pool_stats(house->kitchen, &kitchen);
  say_kitchen(&kitchen);
  uvchan_stats(news_channel(house->live.news), &news);
  say_channel(&news);
  printf(
      "customers: arrived %llu, ready %llu, lost %llu, rejected %llu, gave up %llu, gone %llu, "
      "waiting %llu, baking %llu\n",
      (unsigned long long)board_read(&board->arrived),
      (unsigned long long)board_read(&board->ready), (unsigned long long)board_read(&board->lost),
      (unsigned long long)board_read(&board->rejected),
      (unsigned long long)board_read(&board->gave_up), (unsigned long long)board_read(&board->gone),
      (unsigned long long)board_read(&board->waiting),
      (unsigned long long)board_read(&board->baking));
}

static void release_channels(house_t* house) {
  for (unsigned int i = 0; i < house->options.loops; i++) errands_release(house->errands[i]);
  free(house->errands);
  uvchan_release(house->leaving);
  uvchan_release(house->quit);
  uvchan_release(house->drained);
}

static void leave_house(server_t* server) {
  house_t* house = &server->house;

  for (unsigned int i = 0; i < house->options.loops; i++) counter_join(&server->counters[i]);
  access_log_close(&house->log);
  say_figures(house);
  free(server->counters);
  uvchan_waitgroup_destroy(&house->desks);
  live_release(&house->live);
  uvchan_pool_release(house->kitchen);
  courier_release(house);
  entrance_release(&server->entrance);
  release_channels(house);
  must("close the main loop", uv_loop_close(&server->loop));
}

int main(int argc, char** argv) {
  static server_t server;

  server.house.options = options_parse(argc, argv);
  open_house(&server);
  must("run the main loop", uv_run(&server.loop, UV_RUN_DEFAULT));
  leave_house(&server);
  puts("The pizzeria is closed.");
  must_have_printed();
  return server.house.has_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
