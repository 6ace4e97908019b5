/* SPDX-License-Identifier: MIT */
/* The public names, each with its signature: a name that is missing does not link, one with another
 * signature does not compile. Prints how many functions were checked; with --list, prints the names
 * of those that a library has to export. */
#include <stdio.h>
#include <string.h>
#include <uvchan.h>
#include <uvchan/inspect.h>
#include <uvchan/pool.h>
#include <uvchan/typed.h>

/* ---- The functions --------------------------------------------------------------------------- */

typedef void (*function_t)(void);

typedef struct {
  const char* name;
  function_t address;
} name_t;

/* A row of the table. The selection has one branch: with a function of any other type it does not
 * compile. */
#define NAME(function, ret, ...) \
  { #function, (function_t) _Generic(&function, ret(*)(__VA_ARGS__) : &function) }

static const name_t names[] = {
    /* the channel */
    NAME(uvchan_create, int, uvchan_t**, size_t, size_t),
    NAME(uvchan_create_ex, int, uvchan_t**, const uvchan_options_t*),
    NAME(uvchan_retain, uvchan_t*, uvchan_t*),
    NAME(uvchan_release, void, uvchan_t*),
    NAME(uvchan_close, int, uvchan_t*),
    NAME(uvchan_close_with, int, uvchan_t*, int),
    NAME(uvchan_abort, int, uvchan_t*, int),
    NAME(uvchan_sender_add, int, uvchan_t*, unsigned int),
    NAME(uvchan_sender_done, int, uvchan_t*),
    NAME(uvchan_len, size_t, const uvchan_t*),
    NAME(uvchan_capacity, size_t, const uvchan_t*),
    NAME(uvchan_elem_size, size_t, const uvchan_t*),
    NAME(uvchan_is_closed, int, const uvchan_t*),
    NAME(uvchan_stats, void, const uvchan_t*, uvchan_stats_t*),
    /* from plain threads */
    NAME(uvchan_try_send, int, uvchan_t*, const void*),
    NAME(uvchan_try_recv, int, uvchan_t*, void*),
    NAME(uvchan_try_send_n, ssize_t, uvchan_t*, const void*, size_t),
    NAME(uvchan_try_recv_n, ssize_t, uvchan_t*, void*, size_t),
    NAME(uvchan_send_wait, int, uvchan_t*, const void*),
    NAME(uvchan_recv_wait, int, uvchan_t*, void*),
    NAME(uvchan_send_timedwait, int, uvchan_t*, const void*, uint64_t),
    NAME(uvchan_recv_timedwait, int, uvchan_t*, void*, uint64_t),
    NAME(uvchan_send_wait_n, ssize_t, uvchan_t*, const void*, size_t),
    NAME(uvchan_recv_wait_n, ssize_t, uvchan_t*, void*, size_t),
    /* receivers */
    NAME(uvchan_receiver_init, int, uv_loop_t*, uvchan_receiver_t*, uvchan_t*),
    NAME(uvchan_recv_start, int, uvchan_receiver_t*, uvchan_recv_cb),
    NAME(uvchan_recv_start_batch, int, uvchan_receiver_t*, uvchan_recv_batch_cb),
    NAME(uvchan_recv_stop, int, uvchan_receiver_t*),
    NAME(uvchan_receiver_set_budget, int, uvchan_receiver_t*, unsigned int),
    NAME(uvchan_receiver_set_spin, int, uvchan_receiver_t*, unsigned int),
    NAME(uvchan_receiver_is_active, int, const uvchan_receiver_t*),
    NAME(uvchan_receiver_is_closing, int, const uvchan_receiver_t*),
    NAME(uvchan_receiver_has_ref, int, const uvchan_receiver_t*),
    NAME(uvchan_receiver_ref, void, uvchan_receiver_t*),
    NAME(uvchan_receiver_unref, void, uvchan_receiver_t*),
    NAME(uvchan_receiver_close, void, uvchan_receiver_t*, uvchan_receiver_close_cb),
    /* requests */
    NAME(uvchan_send, int, uv_loop_t*, uvchan_send_t*, uvchan_t*, const void*, uvchan_send_cb),
    NAME(uvchan_recv, int, uv_loop_t*, uvchan_recv_t*, uvchan_t*, void*, uvchan_recv_done_cb),
    NAME(uvchan_cancel, int, uvchan_req_t*),
    /* select */
    NAME(uvchan_try_select, int, uvchan_case_t*, size_t),
    NAME(uvchan_select_wait, int, uvchan_case_t*, size_t),
    NAME(uvchan_select_timedwait, int, uvchan_case_t*, size_t, uint64_t),
    NAME(uvchan_select, int, uv_loop_t*, uvchan_select_t*, uvchan_case_t*, size_t,
         uvchan_select_cb),
    /* wait groups */
    NAME(uvchan_waitgroup_init, int, uvchan_waitgroup_t*),
    NAME(uvchan_waitgroup_destroy, void, uvchan_waitgroup_t*),
    NAME(uvchan_waitgroup_add, int, uvchan_waitgroup_t*, int),
    NAME(uvchan_waitgroup_done, int, uvchan_waitgroup_t*),
    NAME(uvchan_waitgroup_wait, int, uvchan_waitgroup_t*),
    NAME(uvchan_waitgroup_timedwait, int, uvchan_waitgroup_t*, uint64_t),
    NAME(uvchan_waitgroup_notify, int, uv_loop_t*, uvchan_notify_t*, uvchan_waitgroup_t*,
         uvchan_notify_cb),
    /* tickers */
    NAME(uvchan_ticker_init, int, uv_loop_t*, uvchan_ticker_t*, uvchan_t*),
    NAME(uvchan_ticker_start, int, uvchan_ticker_t*, uint64_t, uint64_t),
    NAME(uvchan_ticker_stop, int, uvchan_ticker_t*),
    NAME(uvchan_ticker_missed, uint64_t, const uvchan_ticker_t*),
    NAME(uvchan_ticker_ref, void, uvchan_ticker_t*),
    NAME(uvchan_ticker_unref, void, uvchan_ticker_t*),
    NAME(uvchan_ticker_close, void, uvchan_ticker_t*, uvchan_ticker_close_cb),
    /* the pool */
    NAME(uvchan_pool_create, int, uvchan_pool_t**, const uvchan_pool_options_t*),
    NAME(uvchan_pool_retain, uvchan_pool_t*, uvchan_pool_t*),
    NAME(uvchan_pool_set_data, void, uvchan_pool_t*, void*),
    NAME(uvchan_pool_get_data, void*, const uvchan_pool_t*),
    NAME(uvchan_pool_release, void, uvchan_pool_t*),
    NAME(uvchan_pool_try_submit, int, uv_loop_t*, uvchan_work_t*, uvchan_pool_t*, uvchan_work_cb,
         uvchan_work_done_cb),
    NAME(uvchan_pool_submit, int, uv_loop_t*, uvchan_work_t*, uvchan_pool_t*, uvchan_work_cb,
         uvchan_work_done_cb),
    NAME(uvchan_pool_try_submit_ex, int, uv_loop_t*, uvchan_work_t*, uvchan_pool_t*,
         const uvchan_work_options_t*, uvchan_work_cb, uvchan_work_done_cb),
    NAME(uvchan_pool_submit_ex, int, uv_loop_t*, uvchan_work_t*, uvchan_pool_t*,
         const uvchan_work_options_t*, uvchan_work_cb, uvchan_work_done_cb),
    NAME(uvchan_pool_on_room, int, uv_loop_t*, uvchan_room_t*, uvchan_pool_t*, uvchan_room_cb),
    NAME(uvchan_pool_room, size_t, uvchan_pool_t*),
    NAME(uvchan_pool_close, int, uv_loop_t*, uvchan_pool_t*, uint64_t, uvchan_pool_closed_cb),
    NAME(uvchan_pool_stats, void, uvchan_pool_t*, uvchan_pool_stats_t*),
    /* the library */
    NAME(uvchan_replace_allocator, int, uv_malloc_func, uv_realloc_func, uv_calloc_func,
         uv_free_func),
    NAME(uvchan_print_all, void, uv_loop_t*, FILE*),
    NAME(uvchan_inspect, int, uv_loop_t*, uvchan_format_t, uvchan_write_cb, void*),
    NAME(uvchan_write_metrics, int, uvchan_write_cb, void*),
    NAME(uvchan_version, unsigned int, void),
    NAME(uvchan_version_string, const char*, void),
};

/* ---- Typed ends, of a type of each sort ------------------------------------------------------ */

typedef struct {
  int number;
  char note[20];
} order_t;

UVCHAN_TYPED(orders, order_t)
UVCHAN_TYPED(texts, char*)

#define TYPED_NAMES(name, type)                                                                    \
  NAME(name##_create, int, name##_t*, size_t),                                                     \
      NAME(name##_create_ex, int, name##_t*, const uvchan_options_t*),                             \
      NAME(name##_channel, uvchan_t*, name##_t), NAME(name##_retain, name##_t, name##_t),          \
      NAME(name##_release, void, name##_t), NAME(name##_sendonly, name##_sendonly_t, name##_t),    \
      NAME(name##_recvonly, name##_recvonly_t, name##_t),                                          \
      NAME(name##_close, int, name##_sendonly_t),                                                  \
      NAME(name##_close_with, int, name##_sendonly_t, int),                                        \
      NAME(name##_abort, int, name##_t, int), NAME(name##_try_send, int, name##_sendonly_t, type), \
      NAME(name##_try_send_n, ssize_t, name##_sendonly_t, type const*, size_t),                    \
      NAME(name##_send_wait, int, name##_sendonly_t, type),                                        \
      NAME(name##_send_timedwait, int, name##_sendonly_t, type, uint64_t),                         \
      NAME(name##_send, int, uv_loop_t*, uvchan_send_t*, name##_sendonly_t, type const*,           \
           uvchan_send_cb),                                                                        \
      NAME(name##_try_recv, int, name##_recvonly_t, type*),                                        \
      NAME(name##_try_recv_n, ssize_t, name##_recvonly_t, type*, size_t),                          \
      NAME(name##_recv_wait, int, name##_recvonly_t, type*),                                       \
      NAME(name##_recv_timedwait, int, name##_recvonly_t, type*, uint64_t),                        \
      NAME(name##_recv, int, uv_loop_t*, uvchan_recv_t*, name##_recvonly_t, type*,                 \
           uvchan_recv_done_cb),                                                                   \
      NAME(name##_receiver_init, int, uv_loop_t*, name##_receiver_t*, name##_recvonly_t),          \
      NAME(name##_recv_start, int, name##_receiver_t*, name##_recv_cb),                            \
      NAME(name##_recv_start_batch, int, name##_receiver_t*, name##_recv_batch_cb),                \
      NAME(name##_recv_stop, int, name##_receiver_t*),                                             \
      NAME(name##_receiver_close, void, name##_receiver_t*, name##_receiver_close_cb),             \
      NAME(name##_case_send, uvchan_case_t, name##_sendonly_t, type*),                             \
      NAME(name##_case_recv, uvchan_case_t, name##_recvonly_t, type*)

static const name_t typed_names[] = {TYPED_NAMES(orders, order_t), TYPED_NAMES(texts, char*)};

/* ---- Types, members and constants: what is wrong here does not compile ----------------------- */

#define IS(expression, type) \
  _Static_assert(_Generic((expression), type : 1, default : 0), #expression " is a " #type)
#define MEMBER(structure, member, type) IS(&((structure*)NULL)->member, type*)
#define SAME_PLACE(one, other, member)                             \
  _Static_assert(offsetof(one, member) == offsetof(other, member), \
                 #one "." #member " and " #other "." #member " are one")

#define REQUEST(structure)                   \
  MEMBER(structure, data, void*);            \
  MEMBER(structure, loop, uv_loop_t*);       \
  SAME_PLACE(structure, uvchan_req_t, data); \
  SAME_PLACE(structure, uvchan_req_t, loop)

#define HANDLE(structure)                \
  MEMBER(structure, data, void*);        \
  MEMBER(structure, loop, uv_loop_t*);   \
  MEMBER(structure, channel, uvchan_t*); \
  _Static_assert(offsetof(structure, data) == 0, "data is the first member of " #structure)

REQUEST(uvchan_req_t);
REQUEST(uvchan_send_t);
REQUEST(uvchan_recv_t);
REQUEST(uvchan_select_t);
REQUEST(uvchan_notify_t);
REQUEST(uvchan_work_t);
REQUEST(uvchan_room_t);
HANDLE(uvchan_receiver_t);
HANDLE(uvchan_ticker_t);
_Static_assert(offsetof(uvchan_req_t, data) == 0, "data is the first member of a request");
_Static_assert(offsetof(uvchan_waitgroup_t, data) == 0, "data is the first member of a wait group");

MEMBER(uvchan_options_t, elem_size, size_t);
MEMBER(uvchan_options_t, capacity, size_t);
MEMBER(uvchan_options_t, overflow, uvchan_overflow_t);
MEMBER(uvchan_options_t, drop_cb, uvchan_drop_cb);
MEMBER(uvchan_options_t, drop_arg, void*);
MEMBER(uvchan_options_t, name, const char*);

MEMBER(uvchan_stats_t, name, const char*);
MEMBER(uvchan_stats_t, sent, uint64_t);
MEMBER(uvchan_stats_t, received, uint64_t);
MEMBER(uvchan_stats_t, dropped, uint64_t);
MEMBER(uvchan_stats_t, wakeups, uint64_t);
MEMBER(uvchan_stats_t, len, size_t);
MEMBER(uvchan_stats_t, capacity, size_t);
MEMBER(uvchan_stats_t, peak, size_t);
MEMBER(uvchan_stats_t, waiting_senders, size_t);
MEMBER(uvchan_stats_t, waiting_receivers, size_t);

MEMBER(uvchan_options_t, max_age, uint64_t);
MEMBER(uvchan_options_t, admission, const uvchan_admission_t*);
MEMBER(uvchan_admission_t, target, uint64_t);
MEMBER(uvchan_admission_t, interval, uint64_t);

MEMBER(uvchan_work_t, pool, uvchan_pool_t*);
MEMBER(uvchan_work_options_t, priority, uvchan_priority_t);
MEMBER(uvchan_work_options_t, max_wait, uint64_t);
MEMBER(uvchan_pool_options_t, threads, unsigned int);
MEMBER(uvchan_pool_options_t, capacity, size_t);
MEMBER(uvchan_pool_options_t, urgent_places, size_t);
MEMBER(uvchan_pool_options_t, max_wait, uint64_t);
MEMBER(uvchan_pool_options_t, admission, const uvchan_admission_t*);
MEMBER(uvchan_pool_options_t, name, const char*);
MEMBER(uvchan_pool_options_t, stack_size, size_t);
MEMBER(uvchan_pool_options_t, thread_begin, uvchan_thread_begin_cb);
MEMBER(uvchan_pool_options_t, thread_end, uvchan_thread_end_cb);
MEMBER(uvchan_pool_options_t, thread_arg, void*);

MEMBER(uvchan_pool_stats_t, name, const char*);
MEMBER(uvchan_pool_stats_t, submitted, uint64_t);
MEMBER(uvchan_pool_stats_t, done, uint64_t);
MEMBER(uvchan_pool_stats_t, cancelled, uint64_t);
MEMBER(uvchan_pool_stats_t, expired, uint64_t);
MEMBER(uvchan_pool_stats_t, shed, uint64_t);
MEMBER(uvchan_pool_stats_t, closed, uint64_t);
MEMBER(uvchan_pool_stats_t, refused, uint64_t);
MEMBER(uvchan_pool_stats_t, total_wait, uint64_t);
MEMBER(uvchan_pool_stats_t, longest_wait, uint64_t);
MEMBER(uvchan_pool_stats_t, waiting, size_t);
MEMBER(uvchan_pool_stats_t, waiting_urgent, size_t);
MEMBER(uvchan_pool_stats_t, waiting_outside, size_t);
MEMBER(uvchan_pool_stats_t, running, size_t);
MEMBER(uvchan_pool_stats_t, peak, size_t);
MEMBER(uvchan_pool_stats_t, capacity, size_t);
MEMBER(uvchan_pool_stats_t, threads, unsigned int);
MEMBER(uvchan_pool_stats_t, threads_idle, unsigned int);
MEMBER(uvchan_pool_stats_t, threads_at_most, unsigned int);
MEMBER(uvchan_pool_stats_t, threads_failed, unsigned int);

MEMBER(uvchan_case_t, ch, uvchan_t*);
MEMBER(uvchan_case_t, op, uvchan_op_t);
MEMBER(uvchan_case_t, value, void*);
MEMBER(uvchan_case_t, status, int);
MEMBER(uvchan_case_t, data, void*);

MEMBER(orders_receiver_t, handle, uvchan_receiver_t);
_Static_assert(offsetof(orders_receiver_t, handle) == 0,
               "a typed receiver begins with the plain one");

_Static_assert(UVCHAN_UNBOUNDED == SIZE_MAX, "an unbounded channel has the greatest capacity");
_Static_assert(UVCHAN_WAIT == 0 && UVCHAN_DROP_NEWEST == 1 && UVCHAN_DROP_OLDEST == 2,
               "options that are all zero wait");
_Static_assert(UVCHAN_DROPPED_OVERFLOW == 1 && UVCHAN_DROPPED_ABORT == 2 &&
                   UVCHAN_DROPPED_RELEASE == 3,
               "a reason is not zero");
_Static_assert(UVCHAN_NORMAL == 0 && UVCHAN_URGENT == 1, "a work that is all zero is normal");
_Static_assert(UVCHAN_RECV == 0 && UVCHAN_SEND == 1, "a case that is all zero receives");

IS((uvchan_drop_cb)NULL, void (*)(void*, uvchan_drop_reason_t, void*));
IS((uvchan_recv_cb)NULL, void (*)(uvchan_receiver_t*, int, const void*));
IS((uvchan_recv_batch_cb)NULL, void (*)(uvchan_receiver_t*, ssize_t, const void*));
IS((uvchan_receiver_close_cb)NULL, void (*)(uvchan_receiver_t*));
IS((uvchan_send_cb)NULL, void (*)(uvchan_send_t*, int));
IS((uvchan_recv_done_cb)NULL, void (*)(uvchan_recv_t*, int));
IS((uvchan_select_cb)NULL, void (*)(uvchan_select_t*, int));
IS((uvchan_notify_cb)NULL, void (*)(uvchan_notify_t*, int));
IS((uvchan_ticker_close_cb)NULL, void (*)(uvchan_ticker_t*));
IS((uvchan_thread_begin_cb)NULL, int (*)(void**, void*));
IS((uvchan_thread_end_cb)NULL, void (*)(void*, void*));
IS((uvchan_work_cb)NULL, void (*)(uvchan_work_t*, void*));
IS((uvchan_work_done_cb)NULL, void (*)(uvchan_work_t*, int));
IS((uvchan_room_cb)NULL, void (*)(uvchan_room_t*, int));
IS((uvchan_pool_closed_cb)NULL, void (*)(uvchan_pool_t*));
IS((orders_recv_cb)NULL, void (*)(orders_receiver_t*, int, const order_t*));
IS((orders_recv_batch_cb)NULL, void (*)(orders_receiver_t*, ssize_t, const order_t*));
IS((orders_receiver_close_cb)NULL, void (*)(orders_receiver_t*));

/* ---- Main ------------------------------------------------------------------------------------ */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The library that is linked is the one that the header belongs to. */
static int version_holds(void) {
  unsigned int version =
      UVCHAN_VERSION_MAJOR << 16 | UVCHAN_VERSION_MINOR << 8 | UVCHAN_VERSION_PATCH;
  char text[32];

  snprintf(text, sizeof(text), "%d.%d.%d", UVCHAN_VERSION_MAJOR, UVCHAN_VERSION_MINOR,
           UVCHAN_VERSION_PATCH);
  if (uvchan_version() == version && strcmp(uvchan_version_string(), text) == 0) return 1;
  printf("names: the header is of version %s (%#x), the library of %s (%#x)\n", text, version,
         uvchan_version_string(), uvchan_version());
  return 0;
}

static size_t count_names(const name_t* table, size_t n) {
  size_t found = 0;

  for (size_t i = 0; i < n; i++) found += table[i].address != NULL;
  return found;
}

int main(int argc, char** argv) {
  if (argc == 2 && strcmp(argv[1], "--list") == 0) {
    for (size_t i = 0; i < COUNT(names); i++) puts(names[i].name);
    return 0;
  }
  if (!version_holds()) return 1;
  printf("names: %zu functions and %zu typed ones have their signatures\n",
         count_names(names, COUNT(names)), count_names(typed_names, COUNT(typed_names)));
  return 0;
}
