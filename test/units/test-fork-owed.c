/* SPDX-License-Identifier: MIT */
/* A child's loop wakes up whatever wake-ups were owed to it by threads which the child does not
 * have. */
#include "inherited.h"
#include "wake/hub.h"
#include "wake/posts.h"

#if CAN_FORK

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
  inherited_t inherited;
  pid_t pid;
  memset(&halfway, 0, sizeof(halfway));
  inherited_open(&inherited, 16);
  must(uvchan__hub_acquire(&inherited.loop, &halfway.poster.hub) == 0);
  halfway.poster.entry.run = run_nothing;
  support_start(&halfway.poster.thread, post_and_linger, &halfway);
  support_await(atomic_load(&halfway.has_posted));
  pid = fork_child();
  if (pid == 0) {
    child_must(uv_loop_fork(&inherited.loop) == 0);
    uvchan__hub_release(halfway.poster.hub);
    go_on(&inherited, 0); /* nothing allocated is left: the wake-up holds no reference */
    end_child(0);
  }
  await_child(pid);
  atomic_store(&halfway.may_wake, 1);
  support_join(&halfway.poster.thread);
  settle(&inherited.loop);
  uvchan__hub_release(halfway.poster.hub);
  ck_assert_int_eq(uvchan_close(inherited.ch), 0);
  inherited_finish(&inherited);
}
END_TEST

#define NPOSTERS 2

START_TEST(a_childs_loop_wakes_up_whatever_wake_up_a_vanished_thread_owed_it) {
  poster_t posters[NPOSTERS];
  atomic_int ends = 0;
  inherited_t inherited;
  int i, n = support_count(400);
  inherited_open(&inherited, 16);
  memset(posters, 0, sizeof(posters));
  for (i = 0; i < NPOSTERS; i++) {
    must(uvchan__hub_acquire(&inherited.loop, &posters[i].hub) == 0);
    posters[i].entry.run = run_nothing;
    posters[i].ends = &ends;
    support_start(&posters[i].thread, post, &posters[i]);
    support_await(atomic_load(&posters[i].begins));
  }
  for (i = 0; i < n; i++) {
    pid_t pid;
    turn(&inherited.loop, 1 + i % 7);
    pid = fork_child();
    if (pid == 0) {
      int p;
      child_must(uv_loop_fork(&inherited.loop) == 0);
      for (p = 0; p < NPOSTERS; p++) {
        uvchan__hub_unpost(posters[p].hub, &posters[p].entry);
        uvchan__hub_release(posters[p].hub);
      }
      go_on(&inherited, 0);
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
  ck_assert_int_eq(uvchan_close(inherited.ch), 0);
  inherited_finish(&inherited);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("fork-owed");
  TCase* owed = support_tcase(suite, "owed wake-ups");

  tcase_add_test(owed, a_childs_loop_wakes_up_where_a_vanished_thread_was_about_to_wake_it);
  tcase_add_test(owed, a_childs_loop_wakes_up_whatever_wake_up_a_vanished_thread_owed_it);
  return support_main(suite);
}

#else

int main(void) { return 0; }

#endif /* CAN_FORK */
