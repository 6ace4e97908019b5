/* All traffic at once, on loops and threads that come and go, for as long as is asked for: soak
 * SECONDS [SEED]. Every value is accounted for (soak.h), every loop closes, and what the process
 * holds does not grow: the most that it held in the second half of the time is held against the
 * most in the first, and a little more.
 *
 * Parties: threads that send and receive in every way there is; threads that run one loop after the
 * other, each with receivers, requests, selects, a ticker and a wait group; and the main thread,
 * which closes channels and makes new ones in their places, starts all threads anew when they have
 * ended, and takes the samples. */
#include "soak.h"

#ifndef _WIN32
#include <fcntl.h>
#endif

#define PLAIN 3 /* threads, and with these as many senders as there are */
#define LOOPED 3
#define RECEIVERS 4 /* on one loop */
#define REQUESTS 6
#define CASES 4
#define NEWEST_MS 5 /* between two new channels */

/* libuv closes descriptors by a system call that ThreadSanitizer does not see: so it takes the next
 * one of the same number, of another loop, for a race with the last use of the former. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HAS_TSAN
#endif
#endif
#if defined(HAS_TSAN) || defined(__SANITIZE_THREAD__)
const char* __tsan_default_suppressions(void);
const char* __tsan_default_suppressions(void) {
  return "race_top:pipe2\nrace_top:epoll_create1\nrace_top:eventfd\n";
}
#endif

static atomic_int is_over;

/* Jobs of wait groups, for whoever is a plain thread. */
static uvchan_t* jobs;

static uint64_t milliseconds(void) { return uv_hrtime() / 1000000; }

/* ---- Threads without a loop ------------------------------------------------------------------ */

typedef struct {
  uv_thread_t thread;
  unsigned int sender;
  uint64_t random;
  atomic_int has_ended;
} party_t;

static int has_room(const epoch_t* epoch) { return uvchan_len(epoch->ch) < MOST_BUFFERED; }

static ssize_t one_of(int status) { return status == 0 ? 1 : status; }

static uint64_t short_time(uint64_t* random) { return UINT64_C(1000) * draw(random, 300); }

static ssize_t send_somehow(uvchan_t* ch, const void* values, size_t n, uint64_t* random) {
  switch (draw(random, 6)) {
    case 0:
      return one_of(uvchan_try_send(ch, values));
    case 1:
      return uvchan_try_send_n(ch, values, n);
    case 2:
      return one_of(uvchan_send_wait(ch, values));
    case 3:
      return uvchan_send_wait_n(ch, values, n);
    default:
      return one_of(uvchan_send_timedwait(ch, values, short_time(random)));
  }
}

static ssize_t receive_somehow(uvchan_t* ch, void* values, size_t n, uint64_t* random) {
  switch (draw(random, 6)) {
    case 0:
      return one_of(uvchan_try_recv(ch, values));
    case 1:
      return uvchan_try_recv_n(ch, values, n);
    case 2:
      return one_of(uvchan_recv_wait(ch, values));
    case 3:
      return uvchan_recv_wait_n(ch, values, n);
    default:
      return one_of(uvchan_recv_timedwait(ch, values, short_time(random)));
  }
}

static int is_not_now(ssize_t answer) { return answer == UV_EAGAIN || answer == UV_ETIMEDOUT; }

static ssize_t send_some(party_t* party, epoch_t* epoch) {
  unsigned char values[MOST_AT_ONCE * MOST_BYTES];
  uint64_t numbers[MOST_AT_ONCE];
  size_t n = 1 + draw(&party->random, MOST_AT_ONCE);
  ssize_t answer;
  size_t i;
  if (!has_room(epoch)) return UV_EAGAIN;
  for (i = 0; i < n; i++) {
    numbers[i] = next_number(epoch, party->sender);
    put(epoch, nth(epoch, values, i), numbers[i]);
  }
  answer = send_somehow(epoch->ch, values, n, &party->random);
  must(answer > 0 || is_not_now(answer) || answer == UV_EPIPE);
  for (i = 0; answer > 0 && i < (size_t)answer; i++) note_sent(epoch, numbers[i]);
  return answer;
}

static ssize_t receive_some(party_t* party, epoch_t* epoch, order_t* order) {
  unsigned char values[MOST_AT_ONCE * MOST_BYTES];
  size_t n = 1 + draw(&party->random, MOST_AT_ONCE);
  ssize_t answer = receive_somehow(epoch->ch, values, n, &party->random);
  size_t i;
  must(answer > 0 || is_not_now(answer) || is_end(answer));
  for (i = 0; answer > 0 && i < (size_t)answer; i++)
    note_received(epoch, order, nth(epoch, values, i));
  return answer;
}

static void set_case(uvchan_case_t* one, const epoch_t* epoch, uvchan_op_t op, void* value) {
  memset(one, 0, sizeof(*one));
  one->ch = epoch->ch;
  one->op = op;
  one->value = value;
}

static ssize_t select_somehow(party_t* party, epoch_t* from, order_t* order, epoch_t* to) {
  unsigned char in[MOST_BYTES];
  unsigned char out[MOST_BYTES];
  uint64_t number = next_number(to, party->sender);
  uvchan_case_t cases[2];
  int i;
  put(to, out, number);
  set_case(&cases[0], from, UVCHAN_RECV, in);
  set_case(&cases[1], to, UVCHAN_SEND, out);
  i = draw(&party->random, 3) == 0 ? uvchan_try_select(cases, 2)
                                   : uvchan_select_timedwait(cases, 2, short_time(&party->random));
  if (i < 0) {
    must(is_not_now(i));
    return i;
  }
  must(i < 2 &&
       (cases[i].status == 0 || (i == 0 ? is_end(cases[i].status) : cases[i].status == UV_EPIPE)));
  if (cases[i].status != 0) return cases[i].status;
  if (i == 0) note_received(from, order, in);
  if (i == 1) note_sent(to, number);
  return 1;
}

/* With the channels of the moment, until one has ended. */
static void trade(party_t* party) {
  epoch_t* from = epoch_pick(&party->random);
  epoch_t* to = epoch_pick(&party->random);
  order_t order;
  uint32_t steps = draw(&party->random, 400);
  ssize_t answer = 0;
  memset(&order, 0, sizeof(order));
  for (; steps > 0 && answer != UV_EPIPE && !is_end(answer); steps--) {
    switch (draw(&party->random, 5)) {
      case 0:
      case 1:
        answer = send_some(party, to);
        break;
      case 2:
      case 3:
        answer = receive_some(party, from, &order);
        break;
      default:
        answer = select_somehow(party, from, &order, to);
        break;
    }
  }
  epoch_leave(from);
  epoch_leave(to);
}

static void do_jobs(void) {
  uvchan_waitgroup_t* group;
  while (uvchan_try_recv(jobs, &group) == 0) must(uvchan_waitgroup_done(group) == 0);
}

static void run_plain(void* arg) {
  party_t* party = arg;
  uint32_t rounds = 1 + draw(&party->random, 20);
  count(&done.threads, 1);
  for (; rounds > 0 && !atomic_load(&is_over); rounds--) {
    trade(party);
    do_jobs();
  }
  atomic_store(&party->has_ended, 1);
}

/* ---- Threads that run loops ------------------------------------------------------------------ */

typedef struct visit_s visit_t;

typedef struct {
  uvchan_receiver_t handle; /* first */
  visit_t* visit;
  epoch_t* epoch;
  order_t order;
  uint32_t calls_left; /* until it stops or closes itself */
  int is_closed;
} sink_t;

typedef struct {
  union {
    uvchan_req_t any;
    uvchan_send_t send;
    uvchan_recv_t recv;
    uvchan_select_t select;
  } req; /* first */
  visit_t* visit;
  epoch_t* from;
  epoch_t* to;
  order_t order;
  uint64_t number;
  uint32_t rounds_left;
  int is_select;
  int is_send;
  int is_pending;
  int is_cancelled;
  uvchan_case_t cases[CASES];
  unsigned char in[MOST_BYTES];
  unsigned char out[MOST_BYTES];
} request_t;

/* The life of one loop. */
struct visit_s {
  uv_loop_t loop;
  party_t* party;
  uv_timer_t timer; /* ends it */
  int is_ending;
  sink_t sinks[RECEIVERS];
  request_t requests[REQUESTS];
  uvchan_t* times;
  uvchan_ticker_t ticker;
  uvchan_receiver_t clock;
  uvchan_waitgroup_t group;
  uvchan_notify_t notify;
  int was_notified;
};

static void on_sink_closed(uvchan_receiver_t* receiver) {
  sink_t* sink = (sink_t*)receiver;
  must(!sink->is_closed);
  sink->is_closed = 1;
  epoch_leave(sink->epoch);
}

static void close_sink(sink_t* sink) {
  if (!uvchan_receiver_is_closing(&sink->handle))
    uvchan_receiver_close(&sink->handle, on_sink_closed);
}

static void on_batch(uvchan_receiver_t* receiver, ssize_t nvalues, const void* values) {
  sink_t* sink = (sink_t*)receiver;
  ssize_t i;
  must(!sink->is_closed && !uvchan_receiver_is_closing(receiver));
  if (nvalues < 0) {
    must(is_end(nvalues) && values == NULL);
    close_sink(sink);
    return;
  }
  for (i = 0; i < nvalues; i++) {
    note_received(sink->epoch, &sink->order,
                  (const unsigned char*)values + (size_t)i * sink->epoch->elem_size);
  }
  if (sink->calls_left-- == 0) close_sink(sink);
}

static void on_value(uvchan_receiver_t* receiver, int status, const void* value) {
  sink_t* sink = (sink_t*)receiver;
  on_batch(receiver, status == 0 ? 1 : status, value);
  if (status != 0 || uvchan_receiver_is_closing(receiver) || sink->calls_left % 16 != 0) return;
  must(uvchan_recv_stop(receiver) == 0);
  must(uvchan_recv_start(receiver, on_value) == 0);
}

static void open_sink(sink_t* sink, visit_t* visit) {
  uint64_t* random = &visit->party->random;
  sink->visit = visit;
  sink->epoch = epoch_pick(random);
  sink->calls_left = draw(random, 2000);
  must(uvchan_receiver_init(&visit->loop, &sink->handle, sink->epoch->ch) == 0);
  if (draw(random, 4) == 0)
    must(uvchan_receiver_set_budget(&sink->handle, 1 + draw(random, 8)) == 0);
  if (draw(random, 8) == 0) must(uvchan_receiver_set_spin(&sink->handle, draw(random, 30)) == 0);
  if (draw(random, 2) == 0) {
    must(uvchan_recv_start(&sink->handle, on_value) == 0);
  } else {
    must(uvchan_recv_start_batch(&sink->handle, on_batch) == 0);
  }
}

static void begin_request(request_t* request);

/* By index: 0 has received, 1 has sent, as the cases of the select are. */
static void end_request(request_t* request, int index, int status) {
  must(request->is_pending);
  request->is_pending = 0;
  must((index == UV_ECANCELED) == request->is_cancelled);
  if (index % 2 == 0 && status == 0) note_received(request->from, &request->order, request->in);
  if (index % 2 == 1 && status == 0) note_sent(request->to, request->number);
  must(index < 0 || status == 0 || (index % 2 == 0 ? is_end(status) : status == UV_EPIPE));
  if (index < 0 || status != 0 || request->visit->is_ending || request->rounds_left-- == 0) {
    epoch_leave(request->from);
    epoch_leave(request->to);
  } else {
    begin_request(request);
  }
}

static int index_or(int index, int status) { return status == UV_ECANCELED ? UV_ECANCELED : index; }

static void on_sent(uvchan_send_t* req, int status) {
  end_request((request_t*)req, index_or(1, status), status);
}

static void on_received(uvchan_recv_t* req, int status) {
  end_request((request_t*)req, index_or(0, status), status);
}

static void on_selected(uvchan_select_t* req, int index) {
  request_t* request = (request_t*)req;
  end_request(request, index, index < 0 ? index : request->cases[index].status);
}

/* Cases 0 and 2 receive, 1 and 3 send. */
static int start_select(request_t* request, uv_loop_t* loop) {
  set_case(&request->cases[0], request->from, UVCHAN_RECV, request->in);
  set_case(&request->cases[1], request->to, UVCHAN_SEND, request->out);
  request->cases[2] = request->cases[0];
  request->cases[3] = request->cases[1];
  return uvchan_select(loop, &request->req.select, request->cases, CASES, on_selected);
}

static void begin_request(request_t* request) {
  visit_t* visit = request->visit;
  uvchan_t* to = request->to->ch;
  int r;
  count(&done.requests, 1);
  request->is_pending = 1;
  request->number = next_number(request->to, visit->party->sender);
  put(request->to, request->out, request->number);
  if (request->is_select) {
    r = start_select(request, &visit->loop);
  } else if (request->is_send && has_room(request->to)) {
    r = uvchan_send(&visit->loop, &request->req.send, to, request->out, on_sent);
  } else {
    r = uvchan_recv(&visit->loop, &request->req.recv, request->from->ch, request->in, on_received);
  }
  must(r == 0);
}

static void open_request(request_t* request, visit_t* visit) {
  uint64_t* random = &visit->party->random;
  request->visit = visit;
  request->from = epoch_pick(random);
  request->to = epoch_pick(random);
  request->rounds_left = draw(random, 2000);
  request->is_select = draw(random, 3) == 0;
  request->is_send = draw(random, 2) == 0;
  begin_request(request);
}

static void cancel_request(request_t* request) {
  int r;
  if (!request->is_pending) return;
  r = uvchan_cancel(&request->req.any);
  must(r == 0 || r == UV_EBUSY);
  request->is_cancelled = r == 0;
  count(&done.cancels, r == 0);
}

static void on_notified(uvchan_notify_t* notify, int status) {
  visit_t* visit = notify->data;
  must(status == 0 && !visit->was_notified);
  visit->was_notified = 1;
  uvchan_waitgroup_destroy(&visit->group);
}

static void open_group(visit_t* visit) {
  uvchan_waitgroup_t* group = &visit->group;
  uint32_t n = draw(&visit->party->random, 4);
  must(uvchan_waitgroup_init(group) == 0);
  must(uvchan_waitgroup_add(group, (int)n) == 0);
  visit->notify.data = visit;
  must(uvchan_waitgroup_notify(&visit->loop, &visit->notify, group, on_notified) == 0);
  for (; n > 0; n--) must(uvchan_try_send(jobs, &group) == 0);
  count(&done.groups, 1);
}

static void on_tick(uvchan_receiver_t* clock, int status, const void* value) {
  uint64_t tick;
  must(status == 0);
  memcpy(&tick, value, 8);
  must(tick <= uv_now(clock->loop));
  count(&done.ticks, 1);
}

static void open_ticker(visit_t* visit) {
  must(uvchan_create(&visit->times, 8, 2) == 0);
  must(uvchan_receiver_init(&visit->loop, &visit->clock, visit->times) == 0);
  must(uvchan_recv_start(&visit->clock, on_tick) == 0);
  must(uvchan_ticker_init(&visit->loop, &visit->ticker, visit->times) == 0);
  must(uvchan_ticker_start(&visit->ticker, 0, 1) == 0);
}

/* Whoever ends on a value's way gives it back, or takes it along: the ledger shows it. */
static void on_end(uv_timer_t* timer) {
  visit_t* visit = timer->data;
  size_t i;
  visit->is_ending = 1;
  for (i = 0; i < RECEIVERS; i++) close_sink(&visit->sinks[i]);
  for (i = 0; i < REQUESTS; i++) cancel_request(&visit->requests[i]);
  uvchan_ticker_close(&visit->ticker, NULL);
  uvchan_receiver_close(&visit->clock, NULL);
  uv_close((uv_handle_t*)timer, NULL);
}

static void open_all(visit_t* visit) {
  size_t i;
  must(uv_loop_init(&visit->loop) == 0);
  must(uv_timer_init(&visit->loop, &visit->timer) == 0);
  visit->timer.data = visit;
  must(uv_timer_start(&visit->timer, on_end, 1 + draw(&visit->party->random, 40), 0) == 0);
  for (i = 0; i < RECEIVERS; i++) open_sink(&visit->sinks[i], visit);
  for (i = 0; i < REQUESTS; i++) open_request(&visit->requests[i], visit);
  open_ticker(visit);
  open_group(visit);
  count(&done.loops, 1);
}

static void check_all_closed(const visit_t* visit) {
  size_t i;
  for (i = 0; i < RECEIVERS; i++) must(visit->sinks[i].is_closed);
  for (i = 0; i < REQUESTS; i++) must(!visit->requests[i].is_pending);
  must(visit->was_notified);
}

static void run_loops(void* arg) {
  party_t* party = arg;
  uint32_t loops = 1 + draw(&party->random, 8);
  count(&done.threads, 1);
  for (; loops > 0 && !atomic_load(&is_over); loops--) {
    visit_t* visit = calloc(1, sizeof(*visit));
    must(visit != NULL);
    visit->party = party;
    open_all(visit);
    must(uv_run(&visit->loop, UV_RUN_DEFAULT) == 0);
    must(uv_loop_close(&visit->loop) == 0);
    check_all_closed(visit);
    uvchan_release(visit->times);
    free(visit);
  }
  atomic_store(&party->has_ended, 1);
}

/* ---- Samples --------------------------------------------------------------------------------- */

typedef enum { RESIDENT, DESCRIPTORS, BALANCE, NMEASURES } measure_t;

static const struct {
  const char* name;
  size_t slack; /* beside an eighth of the first half's most */
} measures[NMEASURES] = {
    {"resident KiB", 16384}, {"descriptors", 12}, {"allocated bytes", 4000000}};

#define MOST_DESCRIPTORS 1024

/* 0 where the system does not tell. */
static size_t resident(void) {
  size_t bytes = 0;
  return uv_resident_set_memory(&bytes) == 0 ? bytes / 1024 : 0;
}

/* By asking for each, which opens none: ThreadSanitizer takes one that is closed here and opened
 * there for a race. */
static size_t descriptors(void) {
  size_t n = 0;
#ifndef _WIN32
  int fd;
  for (fd = 0; fd < MOST_DESCRIPTORS; fd++) n += fcntl(fd, F_GETFD) != -1;
#endif
  return n;
}

static size_t most[2][NMEASURES]; /* of each half */

static void sample(size_t* into) {
  size_t now[NMEASURES];
  size_t i;
  now[RESIDENT] = resident();
  now[DESCRIPTORS] = descriptors();
  now[BALANCE] = atomic_load(&allocated);
  for (i = 0; i < NMEASURES; i++) {
    if (now[i] > into[i]) into[i] = now[i];
  }
}

/* A short time says nothing: what is used for the first time would count as growth. */
static int report(int is_long) {
  int grew = 0;
  size_t i;
  printf(
      "sent %llu, received %llu, dropped %llu; channels %llu, loops %llu, threads %llu, requests "
      "%llu, cancelled %llu, ticks %llu, groups "
      "%llu\n",
      (unsigned long long)done.sent, (unsigned long long)done.received,
      (unsigned long long)done.dropped, (unsigned long long)done.channels,
      (unsigned long long)done.loops, (unsigned long long)done.threads,
      (unsigned long long)done.requests, (unsigned long long)done.cancels,
      (unsigned long long)done.ticks, (unsigned long long)done.groups);
  for (i = 0; i < NMEASURES; i++) {
    size_t limit = most[0][i] + most[0][i] / 8 + measures[i].slack;
    int grows = is_long && most[1][i] > limit;
    printf("%-16s at most %zu, then %zu (limit %zu)%s\n", measures[i].name, most[0][i], most[1][i],
           limit, grows ? ": grows" : "");
    grew |= grows;
  }
  fflush(stdout);
  return grew;
}

/* ---- The main thread ------------------------------------------------------------------------- */

#define LONG_SECONDS 60
#define PATIENCE_MS 60000 /* for a channel whose users are gone, and for a thread */

static party_t parties[PLAIN + LOOPED];
static epoch_t* retired;

static uv_thread_cb body_of(size_t i) { return i < PLAIN ? run_plain : run_loops; }

static void start(size_t i) {
  atomic_store(&parties[i].has_ended, 0);
  must(uv_thread_create(&parties[i].thread, body_of(i), &parties[i]) == 0);
}

/* Starts anew those that have ended, or only joins them; answers how many are left. */
static size_t tend_threads(int anew) {
  size_t left = 0;
  size_t i;
  for (i = 0; i < PLAIN + LOOPED; i++) {
    if (parties[i].thread != 0 && atomic_load(&parties[i].has_ended)) {
      must(uv_thread_join(&parties[i].thread) == 0);
      parties[i].thread = 0;
      if (anew) start(i);
    }
    left += parties[i].thread != 0;
  }
  return left;
}

static void retire(epoch_t* epoch, uint64_t* random) {
  epoch_close(epoch, random);
  epoch_leave(epoch);
  epoch->retired_at = milliseconds();
  epoch->next = retired;
  retired = epoch;
}

static void settle_epochs(void) {
  epoch_t** at = &retired;
  while (*at != NULL) {
    epoch_t* epoch = *at;
    if (is_settled(epoch)) {
      *at = epoch->next;
      free(epoch);
    } else {
      must(milliseconds() - epoch->retired_at < PATIENCE_MS);
      at = &epoch->next;
    }
  }
}

static void begin(uint64_t seed) {
  uint64_t random = seed;
  size_t i;
  must(uvchan_replace_allocator(counting_malloc, no_realloc, no_calloc, counting_free) == 0);
  must(uv_mutex_init(&table.lock) == 0);
  must(uvchan_create(&jobs, sizeof(uvchan_waitgroup_t*), UVCHAN_UNBOUNDED) == 0);
  for (i = 0; i < CHANNELS; i++) table.epochs[i] = epoch_make(&random);
  for (i = 0; i < PLAIN + LOOPED; i++) {
    parties[i].sender = (unsigned int)i;
    parties[i].random = seed + i + 1;
    start(i);
  }
}

/* The first tenth is for getting under way, and is not looked at. */
static void soak(uint64_t seconds, uint64_t seed) {
  uint64_t begun = milliseconds();
  uint64_t whole = seconds * 1000;
  uint64_t random = seed ^ 0x50a;
  uint64_t gone = 0;
  for (; gone < whole; gone = milliseconds() - begun) {
    uv_sleep(NEWEST_MS);
    retire(epoch_replace(draw(&random, CHANNELS), epoch_make(&random)), &random);
    tend_threads(1);
    settle_epochs();
    do_jobs();
    if (gone > whole / 10 && draw(&random, 8) == 0) sample(most[gone > whole / 2 + whole / 20]);
  }
}

/* All channels are closed, so nobody waits for ever. */
static void end(void) {
  uint64_t begun = milliseconds();
  size_t i;
  atomic_store(&is_over, 1);
  while (tend_threads(0) > 0) {
    for (i = 0; i < CHANNELS; i++) (void)uvchan_close(table.epochs[i]->ch);
    do_jobs();
    must(milliseconds() - begun < PATIENCE_MS);
    uv_sleep(1);
  }
  for (i = 0; i < CHANNELS; i++) {
    epoch_leave(table.epochs[i]);
    table.epochs[i]->retired_at = begun;
    table.epochs[i]->next = retired;
    retired = table.epochs[i];
  }
  settle_epochs();
  must(retired == NULL);
  uvchan_release(jobs);
  uv_mutex_destroy(&table.lock);
}

/* With the first loop libuv opens descriptors for the whole process. */
static void keep_what_libuv_keeps(void) {
  uv_loop_t loop;
  must(uv_loop_init(&loop) == 0);
  must(uv_loop_close(&loop) == 0);
}

int main(int argc, char** argv) {
  uint64_t seconds = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
  uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : uv_hrtime();
  size_t before;
  int grew;
  if (seconds == 0) {
    fprintf(stderr, "usage: soak SECONDS [SEED]\n");
    return 2;
  }
  printf("seed %llu\n", (unsigned long long)seed);
  fflush(stdout);
  keep_what_libuv_keeps();
  before = descriptors();
  begin(seed);
  soak(seconds, seed);
  end();
  grew = report(seconds >= LONG_SECONDS);
  must(atomic_load(&allocated) == 0);
  must(descriptors() == before);
  must(done.sent == done.received + done.dropped);
  return grew;
}
