/* SPDX-License-Identifier: MIT */
/* The states of a connection. Each failure takes one way, fail(): noted, dropped, told, tried
 * again. The callbacks of hiredis and libuv that belong to an attempt which was dropped find
 * nothing to do: a wire tells no more, a look-up is cancelled and sees its state. */
#include "redis/link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redis/words.h"

/* ---- Failing, and the wait after it ---------------------------------------------------------- */

static void on_timer(uv_timer_t* timer);

static void set_timer(uvchan__redis_link_t* link, uint64_t ms) {
  uv_timer_start(&link->timer, on_timer, ms, 0);
}

/* xorshift: clients that failed together must not come back together, no more is asked of it. */
static uint32_t throw_dice(uvchan__redis_link_t* link) {
  link->dice ^= link->dice << 13;
  link->dice ^= link->dice >> 17;
  link->dice ^= link->dice << 5;
  return link->dice;
}

/* From the upper half of a limit that doubles. */
static uint64_t next_wait(uvchan__redis_link_t* link) {
  const uvchan_redis_server_t* server = &link->address.server;
  uint64_t limit = link->delay_ms == 0 ? server->backoff_least_ms : link->delay_ms * 2;

  if (limit > server->backoff_most_ms) limit = server->backoff_most_ms;
  link->delay_ms = limit;
  return limit - throw_dice(link) % (limit / 2 + 1);
}

void uvchan__redis_link_note(uvchan__redis_link_t* link, int error, const char* words) {
  link->last_error = error;
  snprintf(link->last_words, sizeof(link->last_words), "%s", words);
}

/* A connection of which nobody had asked anything was one, though nothing is known of its use: so
 * the time without one begins anew, and the wait goes on to grow. */
static void count_failure(uvchan__redis_link_t* link) {
  int was_idle = uvchan__redis_link_is_ready(link) && link->due == 0;

  link->failures++;
  if (link->was_useful || was_idle) link->failing_since = uv_now(link->loop);
  if (link->was_useful) link->delay_ms = 0;
  link->was_useful = 0;
}

static int is_over_limit(const uvchan__redis_link_t* link) {
  uint64_t limit = link->address.server.give_up_ms;

  return limit != 0 && uv_now(link->loop) - link->failing_since >= limit;
}

static void drop_wire(uvchan__redis_link_t* link) {
  uvchan__redis_wire_t* wire = link->wire;

  link->wire = NULL;
  link->due = 0;
  if (wire != NULL) uvchan__redis_wire_drop(wire);
}

/* The state is set before the owner hears of it, who may stop or close the link. */
void uvchan__redis_link_fail(uvchan__redis_link_t* link, int error, const char* words) {
  if (link->state == UVCHAN__REDIS_STOPPED) return;
  uvchan__redis_link_note(link, error, words);
  count_failure(link);
  if (uvchan__redis_address_move(&link->address, words) != 0)
    uvchan__redis_address_next(&link->address);
  drop_wire(link);
  link->state = UVCHAN__REDIS_WAITING;
  set_timer(link, next_wait(link));
  link->calls->lost(link->owner);
  if (link->state == UVCHAN__REDIS_STOPPED || !is_over_limit(link)) return;
  uvchan__redis_link_stop(link);
  link->calls->gave_up(link->owner, error);
}

/* ---- Commands and answers -------------------------------------------------------------------- */

static void watch(uvchan__redis_link_t* link) {
  if (link->due > 0) {
    set_timer(link, link->patience_ms);
  } else {
    uv_timer_stop(&link->timer);
  }
}

/* An answer to a wire that was dropped is NULL, or finds no context. */
static void on_answer(redisAsyncContext* context, void* answer, void* arg) {
  const uvchan__redis_wire_t* wire = context->data;
  const redisReply* reply = answer;
  uvchan__redis_call_t* call = arg;
  uvchan__redis_link_t* link = call->link;

  if (reply == NULL || wire->context == NULL) return;
  if (reply->type == REDIS_REPLY_ERROR) {
    uvchan__redis_link_fail(link, uvchan__redis_error_of_words(reply->str), reply->str);
    return;
  }
  link->due--;
  if (link->state == UVCHAN__REDIS_READY) {
    link->was_useful = 1;
    watch(link);
  }
  call->answer(call == &link->greeting ? link : link->owner, reply);
}

static void put(uvchan__redis_call_t* call, int argc, const char* const* argv,
                const size_t* lengths) {
  uvchan__redis_link_t* link = call->link;
  const char** arguments = (const char**)(uintptr_t)argv; /* hiredis does not write to them */

  link->due++;
  if (redisAsyncCommandArgv(link->wire->context, on_answer, call, argc, arguments, lengths) != 0)
    uvchan__redis_link_fail(link, UV_ENOMEM, "the command could not be written");
}

void uvchan__redis_link_send(uvchan__redis_call_t* call, int argc, const char* const* argv,
                             const size_t* lengths) {
  put(call, argc, argv, lengths);
  if (call->link->due == 1) watch(call->link);
}

/* ---- The greeting ---------------------------------------------------------------------------- */

/* One word after the other; the first NULL ends them. A failure ends the greeting. */
static void greet(uvchan__redis_link_t* link, const char* const words[4]) {
  size_t lengths[4];
  int n = 0;

  if (link->state != UVCHAN__REDIS_GREETING) return;
  while (n < 4 && words[n] != NULL) {
    lengths[n] = strlen(words[n]);
    n++;
  }
  put(&link->greeting, n, words, lengths);
}

static void greet_as(uvchan__redis_link_t* link, const char* user, const char* password) {
  const char* const alone[4] = {"AUTH", password, NULL, NULL};
  const char* const named[4] = {"AUTH", user, password, NULL};

  if (password == NULL) return;
  link->prologue++;
  greet(link, user == NULL ? alone : named);
}

static void greet_database(uvchan__redis_link_t* link) {
  char number[16];
  const char* const words[4] = {"SELECT", number, NULL, NULL};

  if (link->address.server.database == 0) return;
  snprintf(number, sizeof(number), "%u", link->address.server.database);
  link->prologue++;
  greet(link, words);
}

/* The version comes last before the scripts, see on_greeted(). */
static void greet_server(uvchan__redis_link_t* link) {
  const char* const version[4] = {"INFO", "server", NULL, NULL};
  const uvchan_redis_server_t* server = &link->address.server;
  int i;

  greet_as(link, server->user, server->password);
  greet_database(link);
  link->prologue++;
  greet(link, version);
  for (i = 0; i < UVCHAN__REDIS_SCRIPTS; i++) {
    const char* const load[4] = {"SCRIPT", "LOAD", uvchan__redis_scripts[i], NULL};
    greet(link, load);
  }
}

static void greet_sentinel(uvchan__redis_link_t* link) {
  const uvchan_redis_server_t* server = &link->address.server;
  const char* const primary[4] = {"SENTINEL", "get-master-addr-by-name", server->sentinel, NULL};

  greet_as(link, server->sentinel_user, server->sentinel_password);
  greet(link, primary);
}

static void on_up(void* owner) {
  uvchan__redis_link_t* link = owner;

  link->state = UVCHAN__REDIS_GREETING;
  link->greeted = link->prologue = 0;
  if (uvchan__redis_address_is_sentinel(&link->address)) {
    greet_sentinel(link);
  } else {
    greet_server(link);
  }
}

/* The connection to a sentinel has done its work with the answer to the one question. */
static void on_primary(uvchan__redis_link_t* link, const redisReply* reply) {
  const redisReply* host =
      reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 ? reply->element[0] : NULL;

  if (host == NULL || host->type != REDIS_REPLY_STRING ||
      reply->element[1]->type != REDIS_REPLY_STRING ||
      uvchan__redis_address_redirect(&link->address, host->str, (size_t)host->len,
                                     strtoul(reply->element[1]->str, NULL, 10)) != 0) {
    uvchan__redis_link_fail(link, UV_ENOENT, "the sentinel knows no primary of this name");
    return;
  }
  drop_wire(link);
  link->state = UVCHAN__REDIS_WAITING;
  set_timer(link, 0);
}

/* XPENDING with IDLE came with 6.2. A server that tells no version is taken for a new one. */
static int is_old(const redisReply* reply) {
  static const char key[] = "redis_version:";
  const char* at = reply->type == REDIS_REPLY_STRING ? strstr(reply->str, key) : NULL;
  char* end;
  long major;

  if (at == NULL) return 0;
  major = strtol(at + sizeof(key) - 1, &end, 10);
  return *end == '.' && (major < 6 || (major == 6 && strtol(end + 1, NULL, 10) < 2));
}

static void on_ready(uvchan__redis_link_t* link) {
  link->state = UVCHAN__REDIS_READY;
  link->connects++;
  uv_timer_stop(&link->timer);
  link->calls->ready(link->owner);
}

/* The one call whose answers are the link's own. */
static void on_greeted(void* self, const redisReply* reply) {
  uvchan__redis_link_t* link = self;
  unsigned int number = link->greeted++;

  if (uvchan__redis_address_is_sentinel(&link->address)) {
    if (number == link->prologue) on_primary(link, reply);
    return;
  }
  if (number + 1 == link->prologue && is_old(reply)) {
    uvchan__redis_link_fail(link, UV_ENOTSUP, "OLD server: Redis 6.2 or later is needed");
    return;
  }
  if (number < link->prologue) return;
  number -= link->prologue;
  if (reply->type != REDIS_REPLY_STRING || reply->len != 40) {
    uvchan__redis_link_fail(link, UV_EPROTO, "SCRIPT LOAD has answered no hash");
    return;
  }
  memcpy(link->hashes[number], reply->str, 41);
  if (number + 1 == UVCHAN__REDIS_SCRIPTS) on_ready(link);
}

/* ---- An attempt ------------------------------------------------------------------------------ */

static void finish_one(uvchan__redis_link_t* link) {
  if (--link->open > 0 || !link->is_closing) return;
  uvchan__redis_address_free(&link->address);
  link->calls->closed(link->owner);
}

static void on_down(void* owner, const char* words) {
  uvchan__redis_link_t* link = owner;

  link->wire = NULL;
  uvchan__redis_link_fail(link, UV_ECONNRESET, words);
}

static void on_gone(void* owner) { finish_one(owner); }

static const uvchan__redis_wire_calls_t wire_calls = {on_up, on_down, on_gone};

static int secure(const uvchan__redis_link_t* link, redisAsyncContext* context) {
  const uvchan_redis_server_t* server = &link->address.server;
  uvchan_redis_secure_cb call =
      uvchan__redis_address_is_sentinel(&link->address) ? server->secure_sentinel : server->secure;

  return call == NULL ? 0 : call(&context->c, server->secure_data);
}

static void fail_at_once(uvchan__redis_link_t* link, redisAsyncContext* context, int error) {
  uvchan__redis_link_fail(link, error, context->err == 0 ? "it can't be secured" : context->errstr);
  redisAsyncFree(context);
}

static void connect_to(uvchan__redis_link_t* link, const struct addrinfo* found) {
  redisAsyncContext* context = uvchan__redis_address_connect(&link->address, found);
  int r;

  if (context == NULL) {
    uvchan__redis_link_fail(link, UV_ENOMEM, "there is no memory");
    return;
  }
  r = context->err == 0 ? secure(link, context) : UV_ECONNREFUSED;
  if (r != 0) {
    fail_at_once(link, context, r);
    return;
  }
  link->state = UVCHAN__REDIS_CONNECTING;
  r = uvchan__redis_wire_open(link->loop, &link->wire, context, &wire_calls, link);
  if (r == 0) {
    link->open++;
  } else {
    uvchan__redis_link_fail(link, r, uv_strerror(r));
  }
}

/* A name may have several addresses, of which some are of no use: each failure tries the next. */
static const struct addrinfo* choose(const uvchan__redis_link_t* link,
                                     const struct addrinfo* found) {
  const struct addrinfo* one;
  uint64_t n = 0, skip;

  for (one = found; one != NULL; one = one->ai_next) n++;
  if (n == 0) return found;
  skip = link->failures / link->address.hosts % n;
  for (one = found; skip > 0; skip--) one = one->ai_next;
  return one;
}

static void look_up(uvchan__redis_link_t* link);

/* It may be of an attempt before the last one, and for another name. */
static void on_looked_up(uv_getaddrinfo_t* lookup, int status, struct addrinfo* found) {
  uvchan__redis_link_t* link = lookup->data;

  lookup->data = NULL;
  if (link->state == UVCHAN__REDIS_RESOLVING) {
    if (link->lookup_turn != link->address.turn) {
      look_up(link);
    } else if (status == 0) {
      connect_to(link, choose(link, found));
    } else {
      uvchan__redis_link_fail(link, status, uv_strerror(status));
    }
  }
  uv_freeaddrinfo(found);
  finish_one(link);
}

/* A look-up of an attempt before that is not finished yet is waited for. */
static void look_up(uvchan__redis_link_t* link) {
  struct addrinfo hints;
  int r;

  link->state = UVCHAN__REDIS_RESOLVING;
  if (link->lookup.data != NULL) return;
  memset(&hints, 0, sizeof(hints));
  hints.ai_socktype = SOCK_STREAM;
  r = uv_getaddrinfo(link->loop, &link->lookup, on_looked_up, link->address.host, NULL, &hints);
  if (r != 0) {
    uvchan__redis_link_fail(link, r, uv_strerror(r));
    return;
  }
  link->lookup.data = link;
  link->lookup_turn = link->address.turn;
  link->open++;
}

static void attempt(uvchan__redis_link_t* link) {
  set_timer(link, link->address.server.connect_timeout_ms);
  if (uvchan__redis_address_is_name(&link->address)) {
    look_up(link);
  } else {
    connect_to(link, NULL);
  }
}

/* In WAITING it is time for an attempt; in each other state it has taken too long. */
static void on_timer(uv_timer_t* timer) {
  uvchan__redis_link_t* link = timer->data;

  if (link->state == UVCHAN__REDIS_WAITING) {
    attempt(link);
  } else {
    uvchan__redis_link_fail(link, UV_ETIMEDOUT, "no answer in time");
  }
}

/* ---- Its life -------------------------------------------------------------------------------- */

int uvchan__redis_link_prepare(uvchan__redis_link_t* link, const uvchan_redis_server_t* server) {
  memset(link, 0, sizeof(*link));
  return uvchan__redis_address_init(&link->address, server);
}

void uvchan__redis_link_begin(uv_loop_t* loop, uvchan__redis_link_t* link,
                              const uvchan__redis_link_calls_t* calls, void* owner) {
  link->loop = loop;
  link->owner = owner;
  link->calls = calls;
  link->patience_ms = link->address.server.reply_timeout_ms;
  link->failing_since = uv_now(loop);
  link->dice = (uint32_t)uv_hrtime() | 1u;
  link->greeting.link = link;
  link->greeting.answer = on_greeted;
  uv_timer_init(loop, &link->timer);
  link->timer.data = link;
  link->open = 1;
  set_timer(link, 0);
}

void uvchan__redis_link_stop(uvchan__redis_link_t* link) {
  if (link->state == UVCHAN__REDIS_STOPPED) return;
  link->state = UVCHAN__REDIS_STOPPED;
  uv_timer_stop(&link->timer);
  drop_wire(link);
  if (link->lookup.data != NULL) uv_cancel((uv_req_t*)&link->lookup);
}

static void on_timer_closed(uv_handle_t* timer) { finish_one(timer->data); }

void uvchan__redis_link_close(uvchan__redis_link_t* link) {
  uvchan__redis_link_stop(link);
  link->is_closing = 1;
  uv_close((uv_handle_t*)&link->timer, on_timer_closed);
}
