/* The server: a pizzeria that takes orders over HTTP into a bounded queue.
 *
 *             desks (loops)                                    kitchen (a pool of threads)
 *   clients --> intake --try, or submit and wait for room--> [ what waits ] --bakers--> bake
 *   clients <-- answers <--on_done, on the desk of the client------------------'
 *
 * The main thread opens the house, runs the main loop (signals, samples for the board, live news)
 * and closes in order:
 *
 *   a signal          the quit channel is closed: desks stop accepting; the kitchen is closed: no
 *                     further order is accepted
 *   kitchen is done   what was accepted is baked, or its time is over, and every order is back; the
 *                     drained channel is closed, and viewers get their end
 *   desks leave       everything is answered, every connection closed; then the main loop closes
 *                     what it has, and everyone is waited for
 *
 * Two floors: shop/ is the pizzeria, http/ is what it stands on and knows neither channels nor the
 * pool; page/ is the live page, built in. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <uv.h>

#include "http/parse.h"
#include "must.h"
#include "shop/counter.h"
#include "shop/house.h"
#include "shop/kitchen.h"

enum { SIGNALS = 2 };

typedef struct {
  house_t house;
  counter_t* counters; /* options.loops of them */
  uv_loop_t loop;
  uv_signal_t signals[SIGNALS];
  uv_timer_t sampler;
  samples_t samples;
  uvchan_notify_t desks_left;
} server_t;

/* ---- Closing --------------------------------------------------------------------------------- */

/* Every order is back. */
static void end_service(house_t* house) {
  must("tell the desks", uvchan_close(house->drained));
  live_end(&house->live);
}

/* The callback of the pool's end is told of the pool alone. */
static house_t* closing_house;

static void on_kitchen_closed(uvchan_pool_t* kitchen) {
  (void)kitchen;
  end_service(closing_house);
}

static void close_kitchen(server_t* server) {
  house_t* house = &server->house;
  uint64_t drain_ms = house->options.drain_ms == 0 ? UINT64_MAX : house->options.drain_ms;

  closing_house = house;
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
  live_close(&server->house.live);
}

/* With the watchers stopped, a second signal does what it does to any program. */
static void on_signal(uv_signal_t* watcher, int signum) {
  server_t* server = watcher->data;
  house_t* house = &server->house;

  (void)signum;
  for (int i = 0; i < SIGNALS; i++)
    must("stop a signal's watcher", uv_signal_stop(&server->signals[i]));
  must("close the house", uvchan_close(house->quit));
  close_kitchen(server);
  must("wait for the desks",
       uvchan_waitgroup_notify(&server->loop, &server->desks_left, &house->desks, on_desks_left));
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
    must("watch a signal", uv_signal_start(&server->signals[i], on_signal, signums[i]));
  }
}

/* Each connection is a descriptor. */
static void allow_descriptors(void) {
  struct rlimit limit;

  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit); /* where that is refused, the limit stays as it was */
}

static void create_channels(house_t* house) {
  must("create the quit channel", uvchan_create(&house->quit, 0, 0));
  must("create the drained channel", uvchan_create(&house->drained, 0, 0));
}

static void open_counters(server_t* server) {
  house_t* house = &server->house;
  const struct addrinfo hints = {
      .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
  uv_getaddrinfo_t found;
  int fd = -1;

  must("find the address", uv_getaddrinfo(&server->loop, &found, NULL, house->options.host,
                                          house->options.port, &hints));
  server->counters = calloc(house->options.loops, sizeof(*server->counters));
  must("make the counters", server->counters == NULL ? UV_ENOMEM : 0);
  must("count the desks", uvchan_waitgroup_init(&house->desks));
  must("count the desks", uvchan_waitgroup_add(&house->desks, (int)house->options.loops));
  for (unsigned int i = 0; i < house->options.loops; i++)
    counter_open(&server->counters[i], house, found.addrinfo->ai_addr, &fd);
  uv_freeaddrinfo(found.addrinfo);
}

static void say_address(const desk_t* desk) {
  struct sockaddr_storage address;
  int len = sizeof(address);
  char host[64];
  int port;

  must("read the address", uv_tcp_getsockname(&desk->listener, (struct sockaddr*)&address, &len));
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

static void open_house(server_t* server) {
  house_t* house = &server->house;

  house->opened_ns = uv_hrtime();
  parse_set_limits(house->options.header_bytes);
  allow_descriptors();
  must("make the main loop", uv_loop_init(&server->loop));
  watch_signals(server);
  server->desks_left.data = server;
  must("make a timer", uv_timer_init(&server->loop, &server->sampler));
  server->sampler.data = server;
  must("start a timer", uv_timer_start(&server->sampler, on_sample, SAMPLE_MS, SAMPLE_MS));
  create_channels(house);
  live_open(&house->live, &server->loop, &house->board);
  open_counters(server);
  kitchen_open(house);
  for (unsigned int i = 0; i < house->options.loops; i++) counter_start(&server->counters[i]);
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

static void say_figures(const house_t* house) {
  const board_t* board = &house->board;
  uvchan_pool_stats_t kitchen;
  uvchan_stats_t news;

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

static void leave_house(server_t* server) {
  house_t* house = &server->house;

  say_figures(house);
  for (unsigned int i = 0; i < house->options.loops; i++) counter_join(&server->counters[i]);
  free(server->counters);
  uvchan_waitgroup_destroy(&house->desks);
  live_release(&house->live);
  uvchan_pool_release(house->kitchen);
  uvchan_release(house->quit);
  uvchan_release(house->drained);
  must("close the main loop", uv_loop_close(&server->loop));
}

int main(int argc, char** argv) {
  static server_t server;

  server.house.options = options_parse(argc, argv);
  open_house(&server);
  say_address(&server.counters[0].desk);
  must("run the main loop", uv_run(&server.loop, UV_RUN_DEFAULT));
  leave_house(&server);
  puts("The pizzeria is closed.");
  must_have_printed();
  return EXIT_SUCCESS;
}
