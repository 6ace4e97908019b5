/* SPDX-License-Identifier: MIT */
/* The roster's numbers: however many channels were made before, a walk sees all that there are, and
 * none that was made after its begin. The roster of this program is the test's, so that it can go
 * on from any number; the one of the library has the same names, and is left out by the linker. */
#include "wake/roster.c"

#include "scene.h"

typedef struct {
  uvchan__member_t* members[4];
  size_t n;
} walk_t;

static void note(uvchan__member_t* member, void* arg) {
  walk_t* walk = arg;

  must(walk->n < 4);
  walk->members[walk->n++] = member;
}

/* How many were made between the first one and the second. */
static const uint64_t many[] = {0,          (uint64_t)INT32_MAX + 1, UINT32_MAX - 2, UINT32_MAX - 1,
                                UINT32_MAX, (uint64_t)UINT32_MAX + 1};

START_TEST(a_walk_sees_all_however_many_were_made) {
  uvchan__member_t first, second, later;
  uvchan__cursor_t cursor;
  walk_t walk;

  uvchan__roster_add(&first, UVCHAN__CHANNELS, NULL);
  roster.made += many[_i];
  uvchan__roster_add(&second, UVCHAN__CHANNELS, NULL);
  ck_assert_int_eq(uvchan__roster_begin(&cursor, UVCHAN__CHANNELS), 1);
  uvchan__roster_add(&later, UVCHAN__CHANNELS, NULL);
  walk.n = 0;
  while (uvchan__roster_next(&cursor, note, &walk)) continue;
  uvchan__roster_end(&cursor);
  ck_assert_uint_eq(walk.n, 2);
  ck_assert_ptr_eq(walk.members[0], &first);
  ck_assert_ptr_eq(walk.members[1], &second);
  uvchan__roster_remove(&first, UVCHAN__CHANNELS);
  uvchan__roster_remove(&second, UVCHAN__CHANNELS);
  uvchan__roster_remove(&later, UVCHAN__CHANNELS);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("roster");
  TCase* tcase = support_tcase(suite, "numbers");

  tcase_add_loop_test(tcase, a_walk_sees_all_however_many_were_made, 0,
                      (int)(sizeof(many) / sizeof(many[0])));
  return support_main(suite);
}
