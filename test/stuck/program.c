/* SPDX-License-Identifier: MIT */
/* A program that is stuck in each way there is, for gdb to look at: full and empty channels, values
 * of a type, threads that wait, a receiver, a request, a pool. Once all that is so it aborts, which
 * leaves a core. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uvchan.h>
#include <uvchan/inspect.h>
#include <uvchan/pool.h>

struct order {
  int number;
  char pizza[12];
};

static uvchan_t *orders, *oven, *log_lines, *desk;
static uvchan_pool_t* kitchen;
static uvchan_work_t work;

static uvchan_t* make(const char* name, size_t elem_size, size_t capacity) {
  uvchan_options_t options;
  uvchan_t* ch;

  memset(&options, 0, sizeof(options));
  options.name = name;
  options.elem_size = elem_size;
  options.capacity = capacity;
  if (uvchan_create_ex(&ch, &options) != 0) exit(2);
  return ch;
}

static void send_order(void* number) {
  struct order order = {*(int*)number, "calzone"};

  uvchan_send_wait(orders, &order);
}

static void wait_for_oven(void* arg) {
  (void)arg;
  uvchan_recv_wait(oven, NULL);
}

static void bake(uvchan_work_t* one, void* state) {
  (void)one;
  (void)state;
  uvchan_recv_wait(oven, NULL);
}

static void on_baked(uvchan_work_t* one, int status) {
  (void)one;
  (void)status;
}

static void on_order(uvchan_receiver_t* receiver, int status, const void* value) {
  (void)receiver;
  (void)status;
  (void)value;
}

static void on_oven(uvchan_recv_t* req, int status) {
  (void)req;
  (void)status;
}

static size_t waiting(const uvchan_t* ch) {
  uvchan_stats_t stats;

  uvchan_stats(ch, &stats);
  return stats.waiting_senders + stats.waiting_receivers;
}

/* Until they do not only wait, but sleep: then they are told by their numbers. */
static int count(void* n, const char* bytes, size_t length) {
  size_t i;

  for (i = 0; i + 4 <= length; i++) *(int*)n += memcmp(bytes + i, " ms\n", 4) == 0;
  return 0;
}

/* three threads, a request, a receiver, and a thread at work */
static int told_with_a_time(void) {
  int n = 0;

  uvchan_inspect(NULL, UVCHAN_TEXT, count, &n);
  return n;
}

int main(void) {
  static const char* const pizzas[] = {"margherita", "diavola", "quattro"};
  static int late = 4;
  uv_loop_t* loop = uv_default_loop();
  uvchan_pool_options_t options;
  uvchan_receiver_t receiver;
  uv_thread_t threads[2];
  uvchan_recv_t recv;
  int i;

  orders = make("orders", sizeof(struct order), 3);
  oven = make("oven", 0, 0);
  log_lines = make("log", sizeof(int), UVCHAN_UNBOUNDED);
  desk = make("desk", sizeof(struct order), 4);
  for (i = 1; i <= 5; i++) { /* round the ring */
    struct order order = {i, ""};

    strcpy(order.pizza, pizzas[i % 3]);
    uvchan_try_send(orders, &order);
    if (i <= 2) uvchan_try_recv(orders, &order);
    uvchan_try_send(log_lines, &i);
  }
  memset(&options, 0, sizeof(options));
  options.threads = 1;
  options.capacity = 4;
  options.name = "kitchen";
  uvchan_receiver_init(loop, &receiver, desk);
  uvchan_recv_start(&receiver, on_order);
  uv_run(loop, UV_RUN_NOWAIT);
  uvchan_recv(loop, &recv, oven, NULL, on_oven);
  uv_thread_create(&threads[0], send_order, &late);
  uv_thread_create(&threads[1], wait_for_oven, NULL);
  uvchan_pool_create(&kitchen, &options);
  uvchan_pool_try_submit(loop, &work, kitchen, bake, on_baked);
  while (waiting(orders) < 1 || waiting(oven) < 3 || told_with_a_time() < 6) uv_sleep(1);
  uvchan_print_all(NULL, stdout);
  abort();
}
