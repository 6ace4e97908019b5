/* SPDX-License-Identifier: MIT */
/* Alignment: whatever its size, and whichever way it takes, a value that a callback gets is aligned
 * as malloc aligns; of a batch the first is. */
#include "support-loop.h"

static const size_t more_sizes[] = {100, 495, 496, 497, 1000, 1023, 1024, 1025, 4096, 4097, 5000};

#define NSMALL 40 /* each size up to this one */
#define NSIZES (NSMALL + (int)(sizeof(more_sizes) / sizeof(more_sizes[0])))
#define SIZE(i) ((i) < NSMALL ? (size_t)(i) + 1 : more_sizes[(i)-NSMALL])

#define NVALUES 20

typedef struct {
  size_t size;
  uint64_t next; /* the number of the next value; they come in order */
  unsigned int by_reason[UVCHAN_DROPPED_RELEASE + 1];
} taken_t;

static void take(taken_t* taken, const void* value) {
  ck_assert_uint_eq((uintptr_t)value % _Alignof(max_align_t), 0);
  ck_assert(support_matches(value, taken->size, taken->next));
  taken->next++;
}

/* What it gets is its to change. */
static void on_drop(void* value, uvchan_drop_reason_t reason, void* arg) {
  taken_t* taken = arg;

  take(taken, value);
  memset(value, 0xee, taken->size);
  taken->by_reason[reason]++;
}

static uvchan_t* open_channel(taken_t* taken, size_t size, size_t capacity,
                              uvchan_overflow_t overflow) {
  uvchan_options_t options;
  uvchan_t* ch = NULL;

  memset(taken, 0, sizeof(*taken));
  memset(&options, 0, sizeof(options));
  taken->size = options.elem_size = size;
  options.capacity = capacity;
  options.overflow = overflow;
  options.drop_cb = on_drop;
  options.drop_arg = taken;
  ck_assert_int_eq(uvchan_create_ex(&ch, &options), 0);
  return ch;
}

/* As many as fit, up to NVALUES, from memory that is not aligned. */
static unsigned int send_numbers(uvchan_t* ch, uint64_t first) {
  static unsigned char memory[SUPPORT_MOST_BYTES + 1];
  unsigned int n;

  for (n = 0; n < NVALUES; n++) {
    support_fill(memory + 1, uvchan_elem_size(ch), first + n);
    if (uvchan_try_send(ch, memory + 1) != 0) break;
  }
  return n;
}

/* Unbuffered, a value is left behind by a receiver that was stopped before its callback. */
static void never(uvchan_receiver_t* receiver, int status, const void* value) {
  (void)receiver;
  (void)status;
  (void)value;
  must(0);
}

static unsigned int leave_behind(uvchan_t* ch) {
  uvchan_receiver_t receiver;
  uv_loop_t loop;
  unsigned int n;

  support_loop_open(&loop);
  ck_assert_int_eq(uvchan_receiver_init(&loop, &receiver, ch), 0);
  ck_assert_int_eq(uvchan_recv_start(&receiver, never), 0);
  n = send_numbers(ch, 0);
  uvchan_receiver_close(&receiver, NULL);
  support_loop_finish(&loop);
  return n;
}

START_TEST(values_that_an_abort_drops_are_aligned) {
  size_t k;

  for (k = 0; k < SUPPORT_NCAPACITIES; k++) {
    taken_t taken;
    uvchan_t* ch = open_channel(&taken, SIZE(_i), support_capacities[k], UVCHAN_WAIT);
    unsigned int n = leave_behind(ch);

    ck_assert_uint_ge(n, 1);
    ck_assert_int_eq(uvchan_abort(ch, UV_EIO), 0);
    ck_assert_uint_eq(taken.by_reason[UVCHAN_DROPPED_ABORT], n);
    uvchan_release(ch);
  }
}
END_TEST

START_TEST(values_that_a_release_drops_are_aligned) {
  size_t k;

  for (k = 0; k < SUPPORT_NCAPACITIES; k++) {
    taken_t taken;
    uvchan_t* ch = open_channel(&taken, SIZE(_i), support_capacities[k], UVCHAN_WAIT);
    unsigned char value[SUPPORT_MOST_BYTES];
    unsigned int n = leave_behind(ch);

    if (n > 1) ck_assert_int_eq(uvchan_try_recv(ch, value), 0);
    if (n > 1) taken.next++;
    uvchan_release(ch);
    ck_assert_uint_eq(taken.by_reason[UVCHAN_DROPPED_RELEASE], n > 1 ? n - 1 : n);
  }
}
END_TEST

START_TEST(values_that_overflow_are_aligned) {
  size_t k;

  for (k = 0; k < SUPPORT_NCAPACITIES; k++) {
    size_t capacity = support_capacities[k];
    taken_t taken;
    uvchan_t* ch;

    if (capacity == 0 || capacity == UVCHAN_UNBOUNDED) continue;
    ch = open_channel(&taken, SIZE(_i), capacity, UVCHAN_DROP_OLDEST);
    ck_assert_uint_eq(send_numbers(ch, 0), NVALUES);
    ck_assert_uint_eq(taken.by_reason[UVCHAN_DROPPED_OVERFLOW], NVALUES - capacity);
    uvchan_release(ch);
    ck_assert_uint_eq(taken.by_reason[UVCHAN_DROPPED_RELEASE], capacity);
    ch = open_channel(&taken, SIZE(_i), capacity, UVCHAN_DROP_NEWEST);
    taken.next = capacity;
    ck_assert_uint_eq(send_numbers(ch, 0), NVALUES);
    ck_assert_uint_eq(taken.by_reason[UVCHAN_DROPPED_OVERFLOW], NVALUES - capacity);
    taken.next = 0;
    uvchan_release(ch);
  }
}
END_TEST

/* ---- Receivers ------------------------------------------------------------------------------- */

static void on_value(uvchan_receiver_t* receiver, int status, const void* value) {
  if (status == 0) {
    take(receiver->data, value);
  } else {
    uvchan_receiver_close(receiver, NULL);
  }
}

static void on_batch(uvchan_receiver_t* receiver, ssize_t nvalues, const void* values) {
  taken_t* taken = receiver->data;

  if (nvalues < 0) {
    uvchan_receiver_close(receiver, NULL);
    return;
  }
  take(taken, values);
  taken->next += (uint64_t)nvalues - 1;
}

static void receive_all(uvchan_t* ch, taken_t* taken, int by_batch) {
  uvchan_receiver_t receiver;
  uv_loop_t loop;
  uint64_t n;

  support_loop_open(&loop);
  ck_assert_int_eq(uvchan_receiver_init(&loop, &receiver, ch), 0);
  receiver.data = taken;
  ck_assert_int_eq(by_batch ? uvchan_recv_start_batch(&receiver, on_batch)
                            : uvchan_recv_start(&receiver, on_value),
                   0);
  n = send_numbers(ch, 0);
  settle(&loop);
  ck_assert_uint_eq(taken->next, n);
  n += send_numbers(ch, n); /* it was waiting */
  settle(&loop);
  ck_assert_uint_eq(taken->next, n);
  ck_assert_int_eq(uvchan_close(ch), 0);
  support_loop_finish(&loop);
}

START_TEST(values_that_a_receiver_gets_are_aligned) {
  size_t k;

  for (k = 0; k < SUPPORT_NCAPACITIES; k++) {
    int by_batch;

    for (by_batch = 0; by_batch < 2; by_batch++) {
      taken_t taken;
      uvchan_t* ch = open_channel(&taken, SIZE(_i), support_capacities[k], UVCHAN_WAIT);

      receive_all(ch, &taken, by_batch);
      uvchan_release(ch);
    }
  }
}
END_TEST

int main(void) {
  Suite* suite = suite_create("alignment");
  TCase* tcase = support_tcase(suite, "alignment");

  tcase_add_loop_test(tcase, values_that_an_abort_drops_are_aligned, 0, NSIZES);
  tcase_add_loop_test(tcase, values_that_a_release_drops_are_aligned, 0, NSIZES);
  tcase_add_loop_test(tcase, values_that_overflow_are_aligned, 0, NSIZES);
  tcase_add_loop_test(tcase, values_that_a_receiver_gets_are_aligned, 0, NSIZES);
  return support_main(suite);
}
