/* SPDX-License-Identifier: MIT */
/* The pizzeria: a kitchen, a customer and the counter between them, all on one loop, and a way to
 * say that it is time to close.
 *
 *   oven --bell--> kitchen --counter: pizzas--> customer
 *                    ^                             |
 *                    +--------quit: replies--------+
 *
 * The kitchen always waits in a select request: for the bell while it bakes, then for the customer
 * to take the pizza, and each time for a request to quit as well. Nobody sleeps: baking is a timer
 * that puts a value into a channel.
 *
 * The quit channel carries reply channels. Whoever wants the pizzeria to close sends one and waits
 * for its answer; the kitchen turns off the oven and closes the counter, then the reply channel:
 * closed means that all went well. The customer asks once the last order is done, and Ctrl-C makes
 * the customer ask at any moment.
 *
 * References: main() holds those of the bell, the counter and the quit channel, and the ends borrow
 * them. A reply channel has two references: one is the customer's, who made it, and one goes with
 * the message and is the kitchen's from then on. */
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <uv.h>
#include <uvchan/typed.h>

#include "must.h"
#include "options.h"

typedef struct {
  int number; /* beyond the last order there is no pizza: such a number says that all are done */
  int success;
  char message[64];
} pizza_t;

UVCHAN_TYPED(bells, uint64_t)
UVCHAN_TYPED(pizzas, pizza_t)
UVCHAN_TYPED(replies, int)
UVCHAN_TYPED(quits, replies_t)

typedef struct {
  bells_t bell;
  pizzas_t counter;
  quits_t quit;
} pizzeria_t;

static void create_pizzeria(pizzeria_t* pizzeria) {
  must("create the bell", bells_create(&pizzeria->bell, 1));
  must("create the counter", pizzas_create(&pizzeria->counter, 0));
  must("create the quit channel", quits_create(&pizzeria->quit, 0));
}

static void release_pizzeria(const pizzeria_t* pizzeria) {
  bells_release(pizzeria->bell);
  pizzas_release(pizzeria->counter);
  quits_release(pizzeria->quit);
}

/* ---- Chance and colour ----------------------------------------------------------------------- */

/* The SplitMix64 generator (Steele, Lea, Flood 2014), for the same numbers from the same seed on
 * every platform. Answers 1 to sides. */
static int roll(uint64_t* chance, unsigned int sides) {
  uint64_t bits = *chance += UINT64_C(0x9e3779b97f4a7c15);

  bits = (bits ^ (bits >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  bits = (bits ^ (bits >> 27)) * UINT64_C(0x94d049bb133111eb);
  bits = bits ^ (bits >> 31);
  return 1 + (int)(((bits >> 32) * sides) >> 32);
}

typedef enum { PLAIN = 0, RED = 31, GREEN = 32, CYAN = 36 } colour_t;

static int wants_colours(void) {
  const char* no_color = getenv("NO_COLOR");

  return uv_guess_handle(fileno(stdout)) == UV_TTY && (no_color == NULL || *no_color == '\0');
}

static void say(colour_t colour, const char* format, ...) {
  int coloured = colour != PLAIN && wants_colours();
  va_list args;

  va_start(args, format);
  if (coloured) printf("\033[%dm", (int)colour);
  vprintf(format, args);
  puts(coloured ? "\033[0m" : "");
  va_end(args);
}

/* ---- The kitchen ----------------------------------------------------------------------------- */

enum { WANTED, QUIT, CASES }; /* what the kitchen waits for */

typedef struct {
  uv_loop_t* loop;
  const options_t* options;
  uint64_t chance;
  uvchan_ticker_t oven; /* rings the bell */
  bells_recvonly_t bell;
  pizzas_sendonly_t counter;
  quits_recvonly_t quit;

  pizza_t pizza; /* in the oven, then on the counter until it is handed over */
  int is_baking;
  int made, failed, tried;

  uvchan_select_t select; /* this and what follows stays in place while a select waits */
  uvchan_case_t cases[CASES];
  uint64_t rung_at;
  replies_t reply;
} kitchen_t;

static void take_order(kitchen_t* kitchen);

static void close_kitchen(kitchen_t* kitchen) {
  uvchan_ticker_close(&kitchen->oven, NULL);
  must("close the counter", pizzas_close(kitchen->counter));
  must("close the reply", replies_close(replies_sendonly(kitchen->reply)));
  replies_release(kitchen->reply);
}

static void wait_or_quit(kitchen_t* kitchen, uvchan_case_t wanted, uvchan_select_cb cb) {
  kitchen->cases[WANTED] = wanted;
  kitchen->cases[QUIT] = quits_case_recv(kitchen->quit, &kitchen->reply);
  must("wait", uvchan_select(kitchen->loop, &kitchen->select, kitchen->cases, CASES, cb));
}

/* Answers whether the kitchen goes on, with what it waited for. */
static int goes_on(kitchen_t* kitchen, int chosen) {
  must("wait", chosen);
  must("wait", kitchen->cases[chosen].status);
  if (chosen == QUIT) close_kitchen(kitchen);
  return chosen != QUIT;
}

static void on_handed_over_or_quit(uvchan_select_t* req, int chosen) {
  kitchen_t* kitchen = req->data;

  if (goes_on(kitchen, chosen)) take_order(kitchen);
}

static void hand_over(kitchen_t* kitchen) {
  wait_or_quit(kitchen, pizzas_case_send(kitchen->counter, &kitchen->pizza),
               on_handed_over_or_quit);
}

static void on_baked_or_quit(uvchan_select_t* req, int chosen) {
  kitchen_t* kitchen = req->data;

  if (!goes_on(kitchen, chosen)) return;
  kitchen->is_baking = 0;
  if (kitchen->pizza.success) {
    kitchen->made++;
  } else {
    kitchen->failed++;
  }
  hand_over(kitchen);
}

static void bake(kitchen_t* kitchen, int seconds) {
  const double longest = 1e15; /* milliseconds; what fits any clock */
  double scaled = seconds * 1000 / kitchen->options->speed;

  must("light the oven",
       uvchan_ticker_start(&kitchen->oven, (uint64_t)(scaled < longest ? scaled : longest), 0));
  kitchen->is_baking = 1;
  wait_or_quit(kitchen, bells_case_recv(kitchen->bell, &kitchen->rung_at), on_baked_or_quit);
}

/* What becomes of it is decided by chance: of 12 pizzas, two lack ingredients and two lose the
 * cook. */
static void prepare(pizza_t* pizza, int chance) {
  const char* outcome = "Pizza order #%d is ready!";

  if (chance <= 4) outcome = "*** The cook quit while making pizza #%d!";
  if (chance <= 2) outcome = "*** We ran out of ingredients for pizza #%d!";
  pizza->success = chance > 4;
  snprintf(pizza->message, sizeof(pizza->message), outcome, pizza->number);
}

static void take_order(kitchen_t* kitchen) {
  int number = ++kitchen->pizza.number;
  int seconds;

  if (number > kitchen->options->orders) {
    hand_over(kitchen);
    return;
  }
  seconds = roll(&kitchen->chance, 5);
  say(PLAIN, "Received order #%d!", number);
  prepare(&kitchen->pizza, roll(&kitchen->chance, 12));
  kitchen->tried++;
  say(PLAIN, "Making pizza #%d. It will take %d seconds....", number, seconds);
  bake(kitchen, seconds);
}

static void open_kitchen(kitchen_t* kitchen, const pizzeria_t* pizzeria, uv_loop_t* loop,
                         const options_t* options) {
  kitchen->loop = loop;
  kitchen->options = options;
  kitchen->chance = options->seed;
  kitchen->bell = bells_recvonly(pizzeria->bell);
  kitchen->counter = pizzas_sendonly(pizzeria->counter);
  kitchen->quit = quits_recvonly(pizzeria->quit);
  kitchen->select.data = kitchen;
  must("make the oven", uvchan_ticker_init(loop, &kitchen->oven, bells_channel(pizzeria->bell)));
  take_order(kitchen);
}

/* ---- The customer ---------------------------------------------------------------------------- */

typedef struct {
  pizzas_receiver_t receiver; /* of what comes over the counter */
  quits_sendonly_t quit;
  int orders;

  int is_leaving;
  replies_t reply;       /* the customer's reference */
  replies_t message;     /* the kitchen's reference, while it is on its way */
  uvchan_send_t sending; /* of the message */
  uvchan_recv_t waiting; /* for the reply */
  int error;
} customer_t;

static void on_pizza(pizzas_receiver_t* receiver, int status, const pizza_t* pizza);

static void on_reply(uvchan_recv_t* req, int status) {
  customer_t* customer = req->data;
  /* a value tells what went wrong, and the end that nothing did */
  int error = status == 0 ? customer->error : status;

  if (error != UV_EOF) say(RED, "*** Error closing channel! %s", uv_strerror(error));
  replies_release(customer->reply);
  must("go back to the counter", pizzas_recv_start(&customer->receiver, on_pizza));
}

static void on_asked(uvchan_send_t* req, int status) {
  customer_t* customer = req->data;

  must("ask to close", status);
  must("wait for the reply",
       replies_recv(req->loop, &customer->waiting, replies_recvonly(customer->reply),
                    &customer->error, on_reply));
}

/* Asks the pizzeria to close, and takes no pizza until it has answered: that leaves the kitchen
 * nothing to do but to quit. */
static void ask_to_close(customer_t* customer) {
  uv_loop_t* loop = customer->receiver.handle.loop;

  if (customer->is_leaving) return;
  customer->is_leaving = 1;
  must("leave the counter", pizzas_recv_stop(&customer->receiver));
  must("create the reply channel", replies_create(&customer->reply, 0));
  customer->message = replies_retain(customer->reply);
  must("ask to close",
       quits_send(loop, &customer->sending, customer->quit, &customer->message, on_asked));
}

static void on_pizza(pizzas_receiver_t* receiver, int status, const pizza_t* pizza) {
  customer_t* customer = receiver->handle.data;

  if (status == UV_EOF) {
    pizzas_receiver_close(receiver, NULL);
    return;
  }
  must("take a pizza", status);
  if (pizza->number > customer->orders) {
    say(CYAN, "Done making pizzas...");
    ask_to_close(customer);
    return;
  }
  say(pizza->success ? GREEN : RED, "%s", pizza->message);
  if (pizza->success) {
    say(GREEN, "Order #%d is out for delivery!", pizza->number);
  } else {
    say(RED, "The customer is really mad!");
  }
  if (ferror(stdout)) ask_to_close(customer); /* nobody reads on */
}

static void welcome_customer(customer_t* customer, const pizzeria_t* pizzeria, uv_loop_t* loop,
                             const options_t* options) {
  customer->orders = options->orders;
  customer->quit = quits_sendonly(pizzeria->quit);
  customer->sending.data = customer;
  customer->waiting.data = customer;
  must("go to the counter",
       pizzas_receiver_init(loop, &customer->receiver, pizzas_recvonly(pizzeria->counter)));
  customer->receiver.handle.data = customer;
  must("go to the counter", pizzas_recv_start(&customer->receiver, on_pizza));
}

/* ---- The day --------------------------------------------------------------------------------- */

enum { SIGNALS = 2 };

typedef struct {
  kitchen_t kitchen;
  customer_t customer;
  uv_signal_t signals[SIGNALS];
  int exit_code;
} day_t;

/* With the watchers stopped, a second Ctrl-C does what it does to any program. */
static void on_signal(uv_signal_t* watcher, int signum) {
  day_t* day = watcher->data;

  for (int i = 0; i < SIGNALS; i++)
    must("stop a signal's watcher", uv_signal_stop(&day->signals[i]));
  day->exit_code = 128 + signum;
  if (day->kitchen.is_baking) {
    say(CYAN, "Closing early: pizza #%d is in the oven.", day->kitchen.pizza.number);
  } else {
    say(CYAN, "Closing early: the oven is empty.");
  }
  ask_to_close(&day->customer);
}

/* The watchers keep no loop alive: the day ends when the kitchen and the customer are done. */
static void watch_signals(day_t* day, uv_loop_t* loop) {
  static const int signums[SIGNALS] = {SIGINT, SIGTERM};

  for (int i = 0; i < SIGNALS; i++) {
    must("watch a signal", uv_signal_init(loop, &day->signals[i]));
    day->signals[i].data = day;
    must("watch a signal", uv_signal_start(&day->signals[i], on_signal, signums[i]));
    uv_unref((uv_handle_t*)&day->signals[i]);
  }
}

static void unwatch_signals(day_t* day) {
  for (int i = 0; i < SIGNALS; i++) uv_close((uv_handle_t*)&day->signals[i], NULL);
}

int main(int argc, char** argv) {
  options_t options = options_parse(argc, argv);
  day_t day = {.exit_code = EXIT_SUCCESS};
  pizzeria_t pizzeria;
  uv_loop_t loop;

  setvbuf(stdout, NULL, _IOLBF, BUFSIZ); /* each line is seen when it is said, through a pipe too */
  say(CYAN, "The Pizzeria is open for business!");
  say(CYAN, "----------------------------------");

  must("make the loop", uv_loop_init(&loop));
  create_pizzeria(&pizzeria);
  watch_signals(&day, &loop);
  welcome_customer(&day.customer, &pizzeria, &loop, &options);
  open_kitchen(&day.kitchen, &pizzeria, &loop, &options);
  must("run the loop", uv_run(&loop, UV_RUN_DEFAULT));

  unwatch_signals(&day);
  must("run the loop", uv_run(&loop, UV_RUN_DEFAULT)); /* until the watchers are closed */
  release_pizzeria(&pizzeria);
  must("close the loop", uv_loop_close(&loop));

  say(CYAN, "We made %d pizzas, but failed to make %d, with %d attempts in total.",
      day.kitchen.made, day.kitchen.failed, day.kitchen.tried);
  must_have_printed();
  return day.exit_code;
}
