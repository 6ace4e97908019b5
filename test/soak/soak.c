/* SPDX-License-Identifier: MIT */
/* All traffic at once, on loops and threads that come and go, for as long as is asked for: soak
 * SECONDS [SEED]. Every value is accounted for (soak.h), every loop closes, and what the process
 * holds does not grow: the most that it held in the second half of the time is held against the
 * most in the first, and a little more.
 *
 * Parties: threads that send and receive in every way there is; threads that run one loop after the
 * other, each with receivers, requests, selects, a ticker and a wait group; and the main thread,
 * which closes channels and makes new ones in their places, starts all threads anew when they have
 * ended, and takes the samples. */
#include "parties.h"

#ifndef _WIN32
#include <fcntl.h>
#endif

#define PLAIN 3 /* threads, and with these as many senders as there are */
#define LOOPED 3
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

static uint64_t milliseconds(void) { return uv_hrtime() / 1000000; }

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
  use_counting_allocator();
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
