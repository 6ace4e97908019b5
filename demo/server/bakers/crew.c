/* SPDX-License-Identifier: MIT */
/* As many jobs as the source gives tickets: a job is free once its order was said to be done, which
 * is before the source gives another ticket for it. So there is always one, and room in the pool. */
#include "bakers/crew.h"

#include <stdlib.h>
#include <string.h>

#include "must.h"
#include "shop/chance.h"

struct job_s {
  uvchan_work_t work; /* its data is the job */
  crew_t* crew;
  job_t* next; /* of those that are free */
  uvchan_redis_ticket_t ticket;
  slip_t slip; /* fixed while it is a work */
  outlet_t* outlet;
  promise_t promise;
  int is_taken;      /* it is an order's */
  int is_promised;   /* its result waits to be confirmed */
  outcome_t outcome; /* the thread's until it is back, as the next */
  uint64_t bake_us;
};

/* ---- Reports --------------------------------------------------------------------------------- */

static report_t make_report(const crew_t* crew, report_kind_t kind) {
  report_t report = {.kind = kind, .threads = crew->options->threads, .baked = crew->baked};
  uvchan_redis_stats_t source;
  uvchan_pool_stats_t pool;

  uvchan_redis_source_stats(crew->source, &source);
  uvchan_pool_stats(crew->pool, &pool);
  report.length = source.length;
  report.busy = (uint32_t)pool.running;
  memcpy(report.baker, crew->options->name, sizeof(report.baker));
  return report;
}

static report_t report_of(const crew_t* crew, report_kind_t kind, const slip_t* slip) {
  report_t report = make_report(crew, kind);

  report.desk = slip->desk;
  report.run = slip->run;
  report.number = slip->number;
  return report;
}

void crew_tell(crew_t* crew, report_kind_t kind) {
  report_t report = make_report(crew, kind);

  outlets_tell_all(crew->outlets, &report);
}

/* Where the outlet is closed again, its server has long had the result. */
static void on_beginning(beginnings_receiver_t* receiver, int status, const slip_t* slip) {
  crew_t* crew = receiver->handle.data;
  outlet_t* outlet = status == 0 ? outlets_find(crew->outlets, slip->server) : NULL;
  report_t report;

  if (outlet == NULL) return;
  report = report_of(crew, REPORT_BEGUN, slip);
  outlet_tell(outlet, &report);
}

/* ---- Jobs ------------------------------------------------------------------------------------ */

static job_t* take_job(crew_t* crew) {
  job_t* job = crew->free;

  crew->free = job->next;
  crew->njobs++;
  job->is_taken = 1;
  return job;
}

static void free_job(job_t* job) {
  crew_t* crew = job->crew;

  if (!crew->is_closed) outlet_leave(job->outlet);
  job->is_taken = job->is_promised = 0;
  job->next = crew->free;
  crew->free = job;
  crew->njobs--;
}

void crew_confirmed(promise_t* promise) {
  job_t* job = promise->data;

  if (job->crew->is_giving_back) return;
  uvchan_redis_done(&job->ticket);
  free_job(job);
}

static void promise(job_t* job, const report_t* report) {
  job->promise.data = job;
  job->is_promised = 1;
  outlet_promise(job->outlet, report, &job->promise);
}

/* ---- Baking ---------------------------------------------------------------------------------- */

/* From half to one and a half of what the options say. */
static void sleep_while_it_bakes(const crew_t* crew, chance_t* chance) {
  uint64_t ms = crew->options->bake_ms;

  if (ms != 0) uv_sleep((unsigned int)(ms / 2 + chance_below(chance, ms + 1)));
}

/* That it has begun may go unheard. */
static void bake(uvchan_work_t* work, void* chance) {
  job_t* job = work->data;
  uint64_t begun_ns = uv_hrtime();

  beginnings_try_send(beginnings_sendonly(job->crew->beginnings), job->slip);
  sleep_while_it_bakes(job->crew, chance);
  job->outcome = outcome_by_chance(chance);
  job->bake_us = (uv_hrtime() - begun_ns) / 1000;
}

/* What has gone back is somebody else's. */
static void on_baked(uvchan_work_t* work, int status) {
  job_t* job = work->data;
  report_t report;

  if (status != 0 || job->crew->is_giving_back) {
    free_job(job);
    return;
  }
  job->crew->baked++;
  report = report_of(job->crew, REPORT_BAKED, &job->slip);
  report.outcome = job->outcome;
  report.bake_us = job->bake_us;
  promise(job, &report);
}

static void begin(job_t* job) {
  report_t report;

  if (job->slip.kind == SLIP_BAKE) {
    must("bake an order",
         uvchan_pool_try_submit(job->crew->loop, &job->work, job->crew->pool, bake, on_baked));
    return;
  }
  report = report_of(job->crew, REPORT_THERE, &job->slip);
  promise(job, &report);
}

/* What can't be read, or has come from one server too many, others may understand; in the end it is
 * a dead letter. */
void crew_take(crew_t* crew, const order_in_t* order) {
  outlet_t* outlet = NULL;
  slip_t slip;
  job_t* job;

  if (crew->is_giving_back) {
    uvchan_redis_requeue(&order->ticket);
    return;
  }
  if (slip_unpack(&order->slip, &slip) == 0) outlet = outlets_enter(crew->outlets, &slip);
  if (outlet == NULL) {
    uvchan_redis_forget(&order->ticket);
    return;
  }
  job = take_job(crew);
  job->ticket = order->ticket;
  job->slip = slip;
  job->outlet = outlet;
  begin(job);
}

/* ---- Life ------------------------------------------------------------------------------------ */

static int begin_thread(void** state, void* arg) {
  chance_t* chance = malloc(sizeof(*chance));

  (void)arg;
  if (chance == NULL) return UV_ENOMEM;
  *chance = chance_new();
  *state = chance;
  return 0;
}

static void end_thread(void* state, void* arg) {
  (void)arg;
  free(state);
}

static void make_jobs(crew_t* crew) {
  crew->jobs = calloc(crew->options->in_flight, sizeof(*crew->jobs));
  must("make the jobs", crew->jobs == NULL ? UV_ENOMEM : 0);
  for (unsigned int i = 0; i < crew->options->in_flight; i++) {
    crew->jobs[i].crew = crew;
    crew->jobs[i].work.data = &crew->jobs[i];
    crew->jobs[i].next = crew->free;
    crew->free = &crew->jobs[i];
  }
}

static void receive_beginnings(crew_t* crew) {
  const uvchan_options_t beginnings = {.capacity = crew->options->in_flight,
                                       .overflow = UVCHAN_DROP_OLDEST};

  must("create the beginnings channel", beginnings_create_ex(&crew->beginnings, &beginnings));
  must("receive beginnings", beginnings_receiver_init(crew->loop, &crew->beginnings_receiver,
                                                      beginnings_recvonly(crew->beginnings)));
  crew->beginnings_receiver.handle.data = crew;
  must("receive beginnings", beginnings_recv_start(&crew->beginnings_receiver, on_beginning));
}

void crew_open(crew_t* crew, uv_loop_t* loop, const bakers_options_t* options, outlets_t* outlets,
               const uvchan_redis_source_t* source) {
  const uvchan_pool_options_t pool = {.threads = options->threads,
                                      .capacity = options->in_flight,
                                      .name = "bakers",
                                      .thread_begin = begin_thread,
                                      .thread_end = end_thread};

  *crew = (crew_t){.options = options, .loop = loop, .outlets = outlets, .source = source};
  make_jobs(crew);
  receive_beginnings(crew);
  must("open the pool", uvchan_pool_create(&crew->pool, &pool));
}

/* A result that is not confirmed is none. A thread may still be baking it: the job is free when that
 * has ended. */
void crew_give_back(crew_t* crew) {
  if (crew->is_giving_back) return;
  crew->is_giving_back = 1;
  for (unsigned int i = 0; i < crew->options->in_flight; i++) {
    job_t* job = &crew->jobs[i];

    if (job->is_taken) uvchan_redis_requeue(&job->ticket);
    if (job->is_promised) free_job(job);
  }
}

/* After the end there is no outlet. */
void crew_close(crew_t* crew) {
  crew_give_back(crew);
  crew->is_closed = 1;
  must("close the pool", uvchan_pool_close(crew->loop, crew->pool, 0, NULL));
  beginnings_receiver_close(&crew->beginnings_receiver, NULL);
}

void crew_release(crew_t* crew) {
  uvchan_pool_release(crew->pool);
  beginnings_release(crew->beginnings);
  free(crew->jobs);
}
