/* A child of fork() uses loops and channels of its own, whatever the parent's other threads were
 * doing; and after uv_loop_fork() the parent's, where no other thread was inside a call on them.
 * Each child ends by itself or by an alarm, and tells by its exit code.
 *
 * ThreadSanitizer does not follow a process with threads into its child, so these tests are left
 * out there. */
#include "support-loop.h"

#if defined(__SANITIZE_THREAD__)
#define CAN_FORK 0
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CAN_FORK 0
#endif
#endif
#if !defined(CAN_FORK) && defined(_WIN32)
#define CAN_FORK 0
#endif
#ifndef CAN_FORK
#define CAN_FORK 1
#endif

#if CAN_FORK

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wake/hub.h"
#include "wake/posts.h"

/* ---- Children -------------------------------------------------------------------------------- */

#define CHILD_SECONDS 30 /* a child that is done takes some milliseconds */

/* As must(), in a child: which is none of Check's. */
#define child_must(expr) ((expr) ? (void)0 : child_failed(__LINE__, #expr))

#ifdef UVCHAN_COVERAGE
void __gcov_dump(void); /* gcc's and clang's */
#endif

static void end_child(int code) {
#ifdef UVCHAN_COVERAGE
  __gcov_dump(); /* what ends by _exit() is not counted by itself */
#endif
  _exit(code);
}

static void child_failed(int line, const char* expr) {
  fprintf(stderr, "%s:%d: '%s' does not hold, in a child\n", __FILE__, line, expr);
  end_child(1);
}

static pid_t fork_child(void) {
  pid_t pid = fork();
  must(pid >= 0);
  if (pid == 0) alarm(CHILD_SECONDS);
  return pid;
}

static void await_child(pid_t pid) {
  int status = 0;
  pid_t r;
  do r = waitpid(pid, &status, 0);
  while (r < 0);
  must(r == pid);
  must(!WIFSIGNALED(status)); /* by its alarm: it hung */
  must(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* ---- Memory that a child finds whole --------------------------------------------------------- */

/* AddressSanitizer's allocator does not hold its locks over a fork: a child could hang in it where
 * another thread was in malloc(). So what the library makes beside a fork lies in places of this
 * file's own. */
#define NPLACES 64
#define PLACE_BYTES 8192

static struct {
  atomic_int taken;
  _Alignas(64) unsigned char bytes[PLACE_BYTES];
} places[NPLACES];

static void* place_malloc(size_t size) {
  int i;
  must(size <= PLACE_BYTES);
  for (i = 0; i < NPLACES; i++) {
    if (atomic_exchange(&places[i].taken, 1) == 0) return places[i].bytes;
  }
  return NULL;
}

static void place_free(void* memory) {
  int i;
  for (i = 0; i < NPLACES; i++) {
    if (memory == places[i].bytes) atomic_store(&places[i].taken, 0);
  }
}

static void* place_calloc(size_t n, size_t size) {
  void* memory = place_malloc(n * size);
  if (memory != NULL) memset(memory, 0, n * size);
  return memory;
}

static void* place_realloc(void* memory, size_t size) {
  (void)memory;
  (void)size;
  return NULL; /* the library has no use for it */
}

static void use_places(void) {
  must(uvchan_replace_allocator(place_malloc, place_realloc, place_calloc, place_free) == 0);
}

/* ---- Threads of the parent's: each has a loop, and makes and ends its hub, or sends ---------- */

#define NSTORMS 2

typedef struct {
  uv_thread_t thread;
  uv_loop_t loop;
  uvchan_t* ch;
  atomic_int* ends;
  atomic_uint rounds;
} storm_t;

static void make_and_end(void* arg) {
  storm_t* storm = arg;
  while (!atomic_load(storm->ends)) {
    uvchan_receiver_t receiver;
    must(uvchan_receiver_init(&storm->loop, &receiver, storm->ch) == 0);
    uvchan_receiver_close(&receiver, NULL);
    while (uv_run(&storm->loop, UV_RUN_NOWAIT) != 0) continue;
    atomic_fetch_add(&storm->rounds, 1);
  }
}

static void make_send_and_end(void* arg) {
  storm_t* storm = arg;
  while (!atomic_load(storm->ends)) {
    sink_t sink;
    sink_start(&sink, &storm->loop, storm->ch);
    must(try_send(storm->ch, 0) == 0);
    while (sink.values == 0) uv_run(&storm->loop, UV_RUN_NOWAIT);
    sink_close(&sink);
    while (uv_run(&storm->loop, UV_RUN_NOWAIT) != 0) continue;
    atomic_fetch_add(&storm->rounds, 1);
  }
}

static void storm_begin(storm_t* storms, uv_thread_cb body, atomic_int* ends) {
  int i;
  atomic_store(ends, 0);
  for (i = 0; i < NSTORMS; i++) {
    storms[i].ends = ends;
    storms[i].ch = support_channel(8, 16);
    atomic_store(&storms[i].rounds, 0);
    support_loop_open(&storms[i].loop);
    support_start(&storms[i].thread, body, &storms[i]);
  }
  for (i = 0; i < NSTORMS; i++) support_await(atomic_load(&storms[i].rounds) > 0);
}

static void storm_end(storm_t* storms, atomic_int* ends) {
  int i;
  atomic_store(ends, 1);
  for (i = 0; i < NSTORMS; i++) {
    support_join(&storms[i].thread);
    support_loop_finish(&storms[i].loop);
    uvchan_release(storms[i].ch);
  }
}

/* ---- What a child does by itself ------------------------------------------------------------- */

#define CHILD_VALUES 20

static void send_and_close(void* arg) {
  uvchan_t* ch = arg;
  uint64_t number;
  for (number = 0; number < CHILD_VALUES; number++) must(uvchan_send_wait(ch, &number) == 0);
  must(uvchan_close(ch) == 0);
}

static void use_what_is_its_own(void) {
  uv_thread_t thread;
  uv_loop_t loop;
  sink_t sink;
  uvchan_t* ch = support_channel(8, 1);
  child_must(uv_loop_init(&loop) == 0);
  sink_start(&sink, &loop, ch);
  sink.close_at_end = 1;
  child_must(uv_thread_create(&thread, send_and_close, ch) == 0);
  while (uv_run(&loop, UV_RUN_DEFAULT) != 0) continue;
  child_must(uv_thread_join(&thread) == 0);
  child_must(sink.values == CHILD_VALUES && sink.ends == 1 && sink.closes == 1);
  child_must(uv_loop_close(&loop) == 0);
  uvchan_release(ch);
}

static void fork_beside(uv_thread_cb body) {
  storm_t storms[NSTORMS];
  atomic_int ends;
  int i, n = support_count(200);
  use_places();
  storm_begin(storms, body, &ends);
  for (i = 0; i < n; i++) {
    pid_t pid = fork_child();
    if (pid == 0) {
      use_what_is_its_own();
      end_child(0);
    }
    await_child(pid);
  }
  storm_end(storms, &ends);
}

START_TEST(a_child_uses_its_own_while_the_parents_threads_make_and_end_hubs) {
  fork_beside(make_and_end);
}
END_TEST

START_TEST(a_child_uses_its_own_while_the_parents_threads_send) { fork_beside(make_send_and_end); }
END_TEST

static void fork_again(void) {
  pid_t pid = fork_child();
  if (pid == 0) {
    use_what_is_its_own();
    end_child(0);
  }
  await_child(pid);
}

START_TEST(a_child_of_a_child_uses_its_own) {
  storm_t storms[NSTORMS];
  atomic_int ends;
  int i, n = support_count(20);
  use_places();
  storm_begin(storms, make_and_end, &ends);
  for (i = 0; i < n; i++) {
    pid_t pid = fork_child();
    if (pid == 0) {
      storm_t own[NSTORMS];
      atomic_int own_ends;
      storm_begin(own, make_and_end, &own_ends);
      fork_again();
      storm_end(own, &own_ends);
      end_child(0);
    }
    await_child(pid);
  }
  storm_end(storms, &ends);
}
END_TEST

/* ---- The parent's loop ----------------------------------------------------------------------- */

static void send_one(void* arg) { must(try_send(arg, 0) == 0); }

/* A channel that holds one value for its receiver even where it has no room. */
typedef struct {
  uv_loop_t loop;
  uvchan_t* ch;
  sink_t sink;
} world_t;

static void world_open(world_t* world, size_t capacity) {
  support_loop_open(&world->loop);
  world->ch = support_channel(8, capacity);
  sink_start(&world->sink, &world->loop, world->ch);
  world->sink.close_at_end = 1;
  settle(&world->loop);
}

static void world_finish(world_t* world) {
  support_loop_finish(&world->loop);
  uvchan_release(world->ch);
}

/* A thread that sends each value when the receiver waits for it, with the loop asleep or about to
 * be. */
typedef struct {
  uv_thread_t thread;
  uvchan_t* ch;
  uint64_t first;
} slow_t;

static void send_slowly_and_close(void* arg) {
  slow_t* slow = arg;
  uint64_t i;
  for (i = 0; i < CHILD_VALUES; i++) {
    support_await_receivers(slow->ch, 1);
    must(try_send(slow->ch, slow->first + i) == 0);
  }
  support_await_receivers(slow->ch, 1);
  must(uvchan_close(slow->ch) == 0);
}

/* In a child: the loop is the parent's and goes on, with so many values received or on their way
 * before the fork. */
static void go_on(world_t* world, uint64_t before) {
  slow_t slow;
  slow.ch = world->ch;
  slow.first = before;
  child_must(uv_thread_create(&slow.thread, send_slowly_and_close, &slow) == 0);
  while (uv_run(&world->loop, UV_RUN_DEFAULT) != 0) continue;
  child_must(uv_thread_join(&slow.thread) == 0);
  child_must(world->sink.values == before + CHILD_VALUES && world->sink.ends == 1 &&
             world->sink.closes == 1);
  child_must(uv_loop_close(&world->loop) == 0);
  uvchan_release(world->ch);
  child_must(support_allocations() == 0);
}

static void let_child_go_on(world_t* world, uint64_t before) {
  pid_t pid = fork_child();
  if (pid == 0) {
    child_must(uv_loop_fork(&world->loop) == 0);
    go_on(world, before);
    end_child(0);
  }
  await_child(pid);
}

START_TEST(a_child_goes_on_with_the_parents_loop_and_channel) {
  world_t world;
  world_open(&world, support_capacities[_i]);
  let_child_go_on(&world, 0);
  ck_assert_int_eq(uvchan_close(world.ch), 0);
  world_finish(&world);
  ck_assert_uint_eq(world.sink.values, 0);
}
END_TEST

START_TEST(a_wake_up_that_was_on_its_way_is_not_lost_on_the_child_and_does_not_make_its_loop_deaf) {
  uv_thread_t thread;
  world_t world;
  world_open(&world, support_capacities[_i]);
  support_start(&thread, send_one, world.ch);
  support_join(&thread);
  let_child_go_on(&world, 1);
  run_until(&world.loop, world.sink.values == 1);
  ck_assert_int_eq(uvchan_close(world.ch), 0);
  world_finish(&world);
}
END_TEST

/* The child's own child, and that after a turn or before it. */
START_TEST(a_wake_up_that_was_on_its_way_is_not_lost_on_a_grandchild) {
  uv_thread_t thread;
  world_t world;
  pid_t pid;
  world_open(&world, 16);
  support_start(&thread, send_one, world.ch);
  support_join(&thread);
  pid = fork_child();
  if (pid == 0) {
    child_must(uv_loop_fork(&world.loop) == 0);
    turn(&world.loop, _i);
    let_child_go_on(&world, 1);
    go_on(&world, 1);
    end_child(0);
  }
  await_child(pid);
  run_until(&world.loop, world.sink.values == 1);
  ck_assert_int_eq(uvchan_close(world.ch), 0);
  world_finish(&world);
}
END_TEST

START_TEST(the_parents_pending_requests_complete_in_the_child_too) {
  uv_loop_t loop;
  uvchan_waitgroup_t wg;
  uvchan_t* in = support_channel(8, 1);
  uvchan_t* out = support_channel(8, 1);
  recv_op_t recv;
  send_op_t send;
  select_op_t select;
  notify_op_t notify;
  int is_child, i;
  pid_t pid;
  support_loop_open(&loop);
  ck_assert_int_eq(uvchan_waitgroup_init(&wg), 0);
  ck_assert_int_eq(uvchan_waitgroup_add(&wg, 1), 0);
  ck_assert_int_eq(try_send(out, 1), 0);
  recv_op(&recv, &loop, in);
  send_op(&send, &loop, out, 2);
  select_case(&select, 0, in, UVCHAN_RECV, 0);
  select_op(&select, &loop, 1);
  notify_op(&notify, &loop, &wg);
  settle(&loop);
  pid = fork_child();
  is_child = pid == 0;
  if (is_child) child_must(uv_loop_fork(&loop) == 0);
  for (i = 0; i < 2; i++) {
    uv_thread_t thread;
    support_start(&thread, send_one, in);
    support_join(&thread);
  }
  must(takes(out, 1));
  must(takes(out, 2));
  must(uvchan_waitgroup_done(&wg) == 0);
  support_loop_finish(&loop);
  must(recv.calls == 1 && recv.status == 0);
  must(send.calls == 1 && send.status == 0);
  must(select.calls == 1 && select.index == 0);
  must(notify.calls == 1 && notify.status == 0);
  uvchan_release(in);
  uvchan_release(out);
  if (is_child) end_child(support_allocations() == 0 ? 0 : 1);
  await_child(pid);
}
END_TEST

/* ---- A fork within a turn of the loop -------------------------------------------------------- */

typedef struct {
  world_t world; /* first */
  uv_prepare_t prepare;
  uv_timer_t timer;
  uv_idle_t idle;
  uv_check_t check;
  pid_t pid;
  int may_fork;
} brood_t;

/* A value is on its way, its wake-up written before the fork; in the parent as in the child it is
 * received. */
static void fork_here(brood_t* brood) {
  uv_thread_t thread;
  support_start(&thread, send_one, brood->world.ch);
  support_join(&thread);
  brood->pid = fork_child();
  if (brood->pid == 0) child_must(uv_loop_fork(&brood->world.loop) == 0);
}

static void on_prepare(uv_prepare_t* prepare) {
  if (!((brood_t*)prepare->data)->may_fork) return;
  must(uv_prepare_stop(prepare) == 0);
  fork_here(prepare->data);
}

static void on_check(uv_check_t* check) {
  if (!((brood_t*)check->data)->may_fork) return;
  must(uv_check_stop(check) == 0);
  fork_here(check->data);
}

static void on_idle(uv_idle_t* idle) {
  if (!((brood_t*)idle->data)->may_fork) return;
  must(uv_idle_stop(idle) == 0);
  fork_here(idle->data);
}

static void on_timer(uv_timer_t* timer) {
  if (!((brood_t*)timer->data)->may_fork) return;
  must(uv_timer_stop(timer) == 0);
  fork_here(timer->data);
}

typedef enum { IN_PREPARE, IN_CHECK, IN_IDLE, IN_TIMER, NPHASES } phase_t;

static uv_handle_t* handle_of(brood_t* brood, phase_t phase) {
  if (phase == IN_PREPARE) return (uv_handle_t*)&brood->prepare;
  if (phase == IN_CHECK) return (uv_handle_t*)&brood->check;
  return phase == IN_IDLE ? (uv_handle_t*)&brood->idle : (uv_handle_t*)&brood->timer;
}

static void fork_in(brood_t* brood, phase_t phase) {
  uv_loop_t* loop = &brood->world.loop;
  brood->prepare.data = brood->check.data = brood->idle.data = brood->timer.data = brood;
  if (phase == IN_PREPARE) {
    must(uv_prepare_init(loop, &brood->prepare) == 0);
    must(uv_prepare_start(&brood->prepare, on_prepare) == 0);
  } else if (phase == IN_CHECK) {
    must(uv_check_init(loop, &brood->check) == 0);
    must(uv_check_start(&brood->check, on_check) == 0);
  } else if (phase == IN_IDLE) {
    must(uv_idle_init(loop, &brood->idle) == 0);
    must(uv_idle_start(&brood->idle, on_idle) == 0);
  } else {
    must(uv_timer_init(loop, &brood->timer) == 0);
    must(uv_timer_start(&brood->timer, on_timer, 1, 1) == 0);
  }
}

/* The hub's handles were there before or come after the one that forks, which is called before or
 * after them. */
START_TEST(a_child_that_is_made_within_a_turn_goes_on_with_it) {
  phase_t phase = (phase_t)(_i % NPHASES);
  brood_t brood;
  memset(&brood, 0, sizeof(brood));
  brood.pid = -1;
  if (_i < NPHASES) {
    world_open(&brood.world, 16);
    fork_in(&brood, phase);
  } else {
    support_loop_open(&brood.world.loop);
    fork_in(&brood, phase);
    brood.world.ch = support_channel(8, 16);
    sink_start(&brood.world.sink, &brood.world.loop, brood.world.ch);
    brood.world.sink.close_at_end = 1;
  }
  settle(&brood.world.loop); /* the hub's first turn does not block */
  brood.may_fork = 1;
  /* nothing else would end the poll before it */
  if (phase == IN_CHECK) uv_run(&brood.world.loop, UV_RUN_NOWAIT);
  while (brood.world.sink.values == 0) uv_run(&brood.world.loop, UV_RUN_ONCE);
  uv_close(handle_of(&brood, phase), NULL);
  if (brood.pid == 0) {
    go_on(&brood.world, 1);
    end_child(0);
  }
  await_child(brood.pid);
  ck_assert_int_eq(uvchan_close(brood.world.ch), 0);
  world_finish(&brood.world);
}
END_TEST

static void fork_on_value(uvchan_receiver_t* receiver, int status, const void* value) {
  brood_t* brood = receiver->data;
  sink_on_value(receiver, status, value);
  if (status == 0 && brood->world.sink.values == 1) {
    brood->pid = fork_child();
    if (brood->pid == 0) child_must(uv_loop_fork(&brood->world.loop) == 0);
  }
}

START_TEST(a_child_that_is_made_in_a_receivers_callback_gets_the_later_values) {
  brood_t brood;
  uint64_t number;
  memset(&brood, 0, sizeof(brood));
  support_loop_open(&brood.world.loop);
  brood.world.ch = support_channel(8, 16);
  sink_init(&brood.world.sink, &brood.world.loop, brood.world.ch);
  brood.world.sink.handle.data = &brood;
  brood.world.sink.close_at_end = 1;
  ck_assert_int_eq(uvchan_recv_start(&brood.world.sink.handle, fork_on_value), 0);
  for (number = 0; number < 3; number++) ck_assert_int_eq(try_send(brood.world.ch, number), 0);
  while (brood.world.sink.values < 3) uv_run(&brood.world.loop, UV_RUN_ONCE);
  if (brood.pid == 0) {
    go_on(&brood.world, 3);
    end_child(0);
  }
  await_child(brood.pid);
  ck_assert_int_eq(uvchan_close(brood.world.ch), 0);
  world_finish(&brood.world);
}
END_TEST

/* ---- Wake-ups that are owed by threads which the child does not have ------------------------- */

/* They post to the loop's hub as senders do, and are inside no call on the channel that the child
 * goes on with. */
typedef struct {
  uv_thread_t thread;
  uvchan__hub_t* hub;
  uvchan__entry_t entry;
  /* it is past what a thread allocates as it starts, which a sanitizer's allocator does not hold
   * over a fork */
  atomic_int begins;
  atomic_int* ends;
} poster_t;

static unsigned int run_nothing(uvchan__entry_t* entry) {
  (void)entry;
  return 0;
}

static void post(void* arg) {
  poster_t* poster = arg;
  atomic_store(&poster->begins, 1);
  while (!atomic_load(poster->ends)) {
    uvchan__hub_t* wakes = NULL;
    uvchan__hub_post(poster->hub, &poster->entry, &wakes);
    uvchan__hub_wake_all(wakes);
  }
}

/* It has listed an entry and is about to wake the loop. */
typedef struct {
  poster_t poster;
  atomic_int has_posted;
  atomic_int may_wake;
} halfway_t;

static void post_and_linger(void* arg) {
  halfway_t* halfway = arg;
  uvchan__hub_t* wakes = NULL;
  uvchan__hub_post(halfway->poster.hub, &halfway->poster.entry, &wakes);
  must(wakes != NULL);
  atomic_store(&halfway->has_posted, 1);
  support_await(atomic_load(&halfway->may_wake));
  uvchan__hub_wake_all(wakes);
}

START_TEST(a_childs_loop_wakes_up_where_a_vanished_thread_was_about_to_wake_it) {
  halfway_t halfway;
  world_t world;
  pid_t pid;
  memset(&halfway, 0, sizeof(halfway));
  world_open(&world, 16);
  must(uvchan__hub_acquire(&world.loop, &halfway.poster.hub) == 0);
  halfway.poster.entry.run = run_nothing;
  support_start(&halfway.poster.thread, post_and_linger, &halfway);
  support_await(atomic_load(&halfway.has_posted));
  pid = fork_child();
  if (pid == 0) {
    child_must(uv_loop_fork(&world.loop) == 0);
    uvchan__hub_release(halfway.poster.hub);
    go_on(&world, 0); /* nothing allocated is left: the wake-up holds no reference */
    end_child(0);
  }
  await_child(pid);
  atomic_store(&halfway.may_wake, 1);
  support_join(&halfway.poster.thread);
  settle(&world.loop);
  uvchan__hub_release(halfway.poster.hub);
  ck_assert_int_eq(uvchan_close(world.ch), 0);
  world_finish(&world);
}
END_TEST

#define NPOSTERS 2

START_TEST(a_childs_loop_wakes_up_whatever_wake_up_a_vanished_thread_owed_it) {
  poster_t posters[NPOSTERS];
  atomic_int ends = 0;
  world_t world;
  int i, n = support_count(400);
  world_open(&world, 16);
  memset(posters, 0, sizeof(posters));
  for (i = 0; i < NPOSTERS; i++) {
    must(uvchan__hub_acquire(&world.loop, &posters[i].hub) == 0);
    posters[i].entry.run = run_nothing;
    posters[i].ends = &ends;
    support_start(&posters[i].thread, post, &posters[i]);
    support_await(atomic_load(&posters[i].begins));
  }
  for (i = 0; i < n; i++) {
    pid_t pid;
    turn(&world.loop, 1 + i % 7);
    pid = fork_child();
    if (pid == 0) {
      int p;
      child_must(uv_loop_fork(&world.loop) == 0);
      for (p = 0; p < NPOSTERS; p++) {
        uvchan__hub_unpost(posters[p].hub, &posters[p].entry);
        uvchan__hub_release(posters[p].hub);
      }
      go_on(&world, 0);
      end_child(0);
    }
    await_child(pid);
  }
  atomic_store(&ends, 1);
  for (i = 0; i < NPOSTERS; i++) {
    support_join(&posters[i].thread);
    uvchan__hub_unpost(posters[i].hub, &posters[i].entry);
    uvchan__hub_release(posters[i].hub);
  }
  ck_assert_int_eq(uvchan_close(world.ch), 0);
  world_finish(&world);
}
END_TEST

/* Its hub's list of wake-ups stands on its own stack: it is carried out in the child as in the
 * parent. */
static void fork_on_drop(void* value, uvchan_drop_reason_t reason, void* arg) {
  pid_t* pid = arg;
  (void)value;
  (void)reason;
  if (*pid == -1) *pid = fork_child();
}

START_TEST(a_child_that_is_made_in_a_drop_callback_goes_on_in_the_call) {
  uvchan_options_t options;
  pid_t pid = -1;
  uvchan_t* ch;
  memset(&options, 0, sizeof(options));
  options.elem_size = 8;
  options.capacity = 4;
  options.drop_cb = fork_on_drop;
  options.drop_arg = &pid;
  ck_assert_int_eq(uvchan_create_ex(&ch, &options), 0);
  ck_assert_int_eq(try_send(ch, 1), 0);
  ck_assert_int_eq(try_send(ch, 2), 0);
  must(uvchan_abort(ch, UV_ECANCELED) == 0);
  uvchan_release(ch);
  if (pid == 0) {
    child_must(support_allocations() == 0);
    use_what_is_its_own();
    end_child(0);
  }
  await_child(pid);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("fork");
  TCase* own = support_tcase(suite, "what the child makes itself");
  TCase* parents = support_tcase(suite, "what the parent has made");
  tcase_add_test(own, a_child_uses_its_own_while_the_parents_threads_make_and_end_hubs);
  tcase_add_test(own, a_child_uses_its_own_while_the_parents_threads_send);
  tcase_add_test(own, a_child_of_a_child_uses_its_own);
  tcase_add_test(own, a_child_that_is_made_in_a_drop_callback_goes_on_in_the_call);
  tcase_add_loop_test(parents, a_child_goes_on_with_the_parents_loop_and_channel, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(
      parents,
      a_wake_up_that_was_on_its_way_is_not_lost_on_the_child_and_does_not_make_its_loop_deaf, 0,
      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(parents, a_wake_up_that_was_on_its_way_is_not_lost_on_a_grandchild, 0, 4);
  tcase_add_test(parents, the_parents_pending_requests_complete_in_the_child_too);
  tcase_add_loop_test(parents, a_child_that_is_made_within_a_turn_goes_on_with_it, 0, 2 * NPHASES);
  tcase_add_test(parents, a_child_that_is_made_in_a_receivers_callback_gets_the_later_values);
  tcase_add_test(parents, a_childs_loop_wakes_up_where_a_vanished_thread_was_about_to_wake_it);
  tcase_add_test(parents, a_childs_loop_wakes_up_whatever_wake_up_a_vanished_thread_owed_it);
  return support_main(suite);
}

#else

int main(void) {
  (void)settle;
  return 0;
}

#endif /* CAN_FORK */
