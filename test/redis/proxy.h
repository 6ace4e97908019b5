/* SPDX-License-Identifier: MIT */
/* A proxy of the test's own, on a unix socket in front of the server, in a thread of its own. What
 * it does to the bytes is its way, which a test may change at any time; the harm that it draws
 * comes at any byte, and is the same for each seed and the same bytes.
 *
 * The thread alone has the pairs. `way`, `orphan` and `quit` are atomic, and a byte in the pipe
 * tells the thread to look at them. */
#ifndef PROXY_H
#define PROXY_H

#include <poll.h>

#include "server.h"
#include "sockets.h"

typedef enum {
  PROXY_PASS = 0, /* all as it comes */
  PROXY_DRAW,     /* with harm by the seed */
  PROXY_TRICKLE,  /* byte by byte */
  PROXY_SWALLOW,  /* takes connections, and passes nothing */
  PROXY_GARBAGE   /* answers with bytes of no protocol */
} proxy_way_t;

typedef enum {
  HARM_CUT = 0, /* both sides at once */
  HARM_LATE,    /* the client is told of an end, and what it has sent comes to the server later */
  HARM_WAIT,
  HARM_TRICKLE,
  HARM_MUTE,
  HARM_KINDS
} harm_t;

/* One direction of a connection. It is read when all that was read before has been passed on. */
typedef struct {
  int from;
  int to;
  unsigned char bytes[4096];
  size_t at;
  size_t have;
  uint64_t left;     /* bytes until the next harm */
  uint64_t trickles; /* bytes that go one by one */
  uint64_t held_ms;  /* until then nothing is passed, as uv_hrtime() in milliseconds */
  int is_mute;       /* for ever */
  int is_late;       /* the pair is to be, see pair_make_late() */
  uint64_t passed;
} half_t;

typedef struct {
  int is_used;
  int is_orphan; /* the server's end is gone, and the client is not told */
  int is_late;   /* the client was told of an end; only what it has sent before is passed on */
  half_t up;
  half_t down;
} pair_t;

#define PROXY_PAIRS 64
#define PROXY_GAP 12000 /* bytes between two harms, at most */

typedef struct {
  char socket[96];
  int listener;
  int wake[2];
  atomic_int way;
  atomic_int orphan;
  atomic_int quit;
  atomic_uint harms[HARM_KINDS];
  atomic_uint accepted;
  uint32_t random;
  pair_t pairs[PROXY_PAIRS];
  uv_thread_t thread;
} proxy_t;

static proxy_t proxy;

static inline uint64_t proxy_now_ms(void) { return uv_hrtime() / 1000000; }

static inline uint32_t proxy_draw(uint32_t n) { return support_random(&proxy.random) % n; }

/* ---- Pairs ----------------------------------------------------------------------------------- */

static inline void half_open(half_t* half, int from, int to) {
  memset(half, 0, sizeof(*half));
  half->from = from;
  half->to = to;
  half->left = 1 + proxy_draw(PROXY_GAP);
}

static inline void pair_close(pair_t* pair) {
  close(pair->up.from);
  if (!pair->is_orphan) close(pair->up.to);
  pair->is_used = 0;
}

static inline pair_t* pair_free(void) {
  int i;

  for (i = 0; i < PROXY_PAIRS; i++) {
    if (!proxy.pairs[i].is_used) return &proxy.pairs[i];
  }
  return NULL;
}

/* Where the server is away, or there are too many, the client is told so by an end. */
static inline void pair_accept(void) {
  int client = accept(proxy.listener, NULL, NULL);
  pair_t* pair = pair_free();
  int upstream;

  must(client >= 0);
  atomic_fetch_add(&proxy.accepted, 1);
  upstream = pair == NULL ? -1 : unix_connect(server.socket);
  if (upstream < 0) {
    close(client);
    return;
  }
  must(fcntl(client, F_SETFL, O_NONBLOCK) == 0);
  must(fcntl(upstream, F_SETFL, O_NONBLOCK) == 0);
  memset(pair, 0, sizeof(*pair));
  pair->is_used = 1;
  half_open(&pair->up, client, upstream);
  half_open(&pair->down, upstream, client);
}

static inline void pair_orphan(pair_t* pair) {
  if (!pair->is_used || pair->is_orphan) return;
  close(pair->up.to);
  pair->is_orphan = 1;
}

/* ---- Harm ------------------------------------------------------------------------------------ */

static inline harm_t harm_draw(void) {
  static const harm_t kinds[8] = {HARM_CUT,  HARM_CUT,  HARM_LATE,    HARM_LATE,
                                  HARM_WAIT, HARM_WAIT, HARM_TRICKLE, HARM_MUTE};
  return kinds[proxy_draw(8)];
}

/* It was passed up to the byte at which harm comes. Answers 0 where the connection is cut. */
static inline int half_harm(half_t* half) {
  harm_t harm = harm_draw();

  atomic_fetch_add(&proxy.harms[harm], 1);
  half->left = 1 + proxy_draw(PROXY_GAP);
  if (harm == HARM_WAIT) half->held_ms = proxy_now_ms() + 1 + proxy_draw(20);
  if (harm == HARM_TRICKLE) half->trickles = 1 + proxy_draw(60);
  if (harm == HARM_MUTE) half->is_mute = 1;
  if (harm == HARM_LATE) half->is_late = 1;
  return harm != HARM_CUT;
}

/* How many of the bytes that are here may go in one step. */
static inline size_t half_may(const half_t* half, proxy_way_t way) {
  size_t n = half->have - half->at;

  if (way == PROXY_TRICKLE || (way == PROXY_DRAW && half->trickles > 0)) return 1;
  return way == PROXY_DRAW && half->left < n ? (size_t)half->left : n;
}

/* ---- Passing --------------------------------------------------------------------------------- */

static inline int is_not_yet(ssize_t n) { return n < 0 && (errno == EAGAIN || errno == EINTR); }

/* Answers 0 at an end. */
static inline int half_read(half_t* half) {
  ssize_t n = read(half->from, half->bytes, sizeof(half->bytes));

  if (is_not_yet(n)) return 1;
  half->at = 0;
  half->have = n > 0 ? (size_t)n : 0;
  return n > 0;
}

/* Answers 0 at an end, or where harm has cut it. */
static inline int half_write(half_t* half, proxy_way_t way) {
  ssize_t n = write(half->to, half->bytes + half->at, half_may(half, way));

  if (n <= 0) return is_not_yet(n);
  half->at += (size_t)n;
  half->passed += (uint64_t)n;
  if (way != PROXY_DRAW) return 1;
  half->left -= (uint64_t)n;
  if (half->trickles > 0) half->trickles--;
  return half->left > 0 || half_harm(half);
}

/* What poll() is to look for. */
static inline short half_reads(const half_t* half, proxy_way_t way) {
  return way != PROXY_SWALLOW && half->at == half->have && !half->is_mute ? POLLIN : 0;
}

static inline short half_writes(const half_t* half, proxy_way_t way) {
  if (way == PROXY_SWALLOW || half->is_mute || half->held_ms > proxy_now_ms()) return 0;
  return half->at < half->have ? POLLOUT : 0;
}

static inline int half_step(half_t* half, proxy_way_t way, short from, short to) {
  if ((from & (POLLIN | POLLHUP | POLLERR)) != 0 && half_reads(half, way) && !half_read(half))
    return 0;
  return (to & (POLLOUT | POLLHUP | POLLERR)) == 0 || !half_writes(half, way) ||
         half_write(half, way);
}

/* The rest of the answer to what the client has sent. */
static inline int pair_garble(pair_t* pair) {
  static const char garbage[] = "\x01\x02this is no protocol\r\n$-77\r\n*9999999999\r\n";

  if (!half_read(&pair->up)) return 0;
  pair->up.at = pair->up.have;
  return write(pair->up.from, garbage, sizeof(garbage)) > 0;
}

/* As where a machine on the way has the bytes of a connection that its client has given up. */
static inline void pair_make_late(pair_t* pair) {
  pair->is_late = 1;
  pair->up.is_mute = pair->down.is_mute = 0;
  pair->up.held_ms = proxy_now_ms() + 1 + proxy_draw(40);
  shutdown(pair->up.from, SHUT_WR);
}

/* Answers 0 where the pair is at its end. */
static inline int pair_step(pair_t* pair, proxy_way_t way, short client, short upstream) {
  int is_gone = ((client | upstream) & (POLLHUP | POLLERR)) != 0;

  if (pair->is_orphan) {
    if ((client & (POLLIN | POLLHUP | POLLERR)) == 0) return 1;
    pair->up.at = pair->up.have = 0;
    return half_read(&pair->up);
  }
  if (pair->is_late) return half_step(&pair->up, PROXY_PASS, client, upstream);
  if (way == PROXY_SWALLOW) return !is_gone;
  if (way == PROXY_GARBAGE) return (client & (POLLIN | POLLHUP)) == 0 || pair_garble(pair);
  if (is_gone && (pair->up.is_mute || pair->down.is_mute)) return 0;
  if (!half_step(&pair->up, way, client, upstream) ||
      !half_step(&pair->down, way, upstream, client))
    return 0;
  if (pair->up.is_late || pair->down.is_late) pair_make_late(pair);
  return 1;
}

/* ---- The thread ------------------------------------------------------------------------------ */

static inline void watch_pair(const pair_t* pair, proxy_way_t way, struct pollfd* fds) {
  memset(fds, 0, 2 * sizeof(*fds));
  fds[0].fd = pair->is_used ? pair->up.from : -1;
  fds[1].fd = pair->is_used && !pair->is_orphan ? pair->up.to : -1;
  fds[0].events = (short)(half_reads(&pair->up, way) | half_writes(&pair->down, way));
  fds[1].events = (short)(half_reads(&pair->down, way) | half_writes(&pair->up, way));
  if (pair->is_orphan || way == PROXY_GARBAGE) fds[0].events = POLLIN;
  if (way == PROXY_GARBAGE) fds[1].fd = -1;
  if (!pair->is_late) return;
  fds[0].events = half_reads(&pair->up, PROXY_PASS);
  fds[1].events = half_writes(&pair->up, PROXY_PASS);
}

/* A hang-up is told as long as it lasts: what waits, or is mute, is looked at again after this. */
#define PROXY_TICK_MS 1

static inline int proxy_wait_ms(void) {
  int i;

  for (i = 0; i < PROXY_PAIRS; i++) {
    const pair_t* pair = &proxy.pairs[i];
    if (pair->is_used && (pair->up.held_ms > proxy_now_ms() || pair->down.held_ms > proxy_now_ms()))
      return PROXY_TICK_MS;
  }
  return 1000;
}

static inline void proxy_orphan_all(void) {
  int i;

  for (i = 0; i < PROXY_PAIRS; i++) pair_orphan(&proxy.pairs[i]);
}

static inline void proxy_turn(void) {
  struct pollfd fds[2 + 2 * PROXY_PAIRS];
  proxy_way_t way = (proxy_way_t)atomic_load(&proxy.way);
  char bytes[16];
  int i;

  if (atomic_exchange(&proxy.orphan, 0)) proxy_orphan_all();
  fds[0] = (struct pollfd){.fd = proxy.listener, .events = POLLIN};
  fds[1] = (struct pollfd){.fd = proxy.wake[0], .events = POLLIN};
  for (i = 0; i < PROXY_PAIRS; i++) watch_pair(&proxy.pairs[i], way, &fds[2 + 2 * i]);
  if (poll(fds, 2 + 2 * PROXY_PAIRS, proxy_wait_ms()) <= 0) return;
  if (fds[1].revents != 0) must(read(proxy.wake[0], bytes, sizeof(bytes)) > 0);
  for (i = 0; i < PROXY_PAIRS; i++) {
    pair_t* pair = &proxy.pairs[i];
    if (pair->is_used && !pair_step(pair, way, fds[2 + 2 * i].revents, fds[3 + 2 * i].revents))
      pair_close(pair);
  }
  if (fds[0].revents != 0) pair_accept();
}

static inline void proxy_body(void* arg) {
  int i;

  (void)arg;
  block_sigpipe();
  while (!atomic_load(&proxy.quit)) proxy_turn();
  for (i = 0; i < PROXY_PAIRS; i++) {
    if (proxy.pairs[i].is_used) pair_close(&proxy.pairs[i]);
  }
}

/* ---- For tests ------------------------------------------------------------------------------- */

static inline void proxy_tell(void) { must(write(proxy.wake[1], "", 1) == 1); }

static inline void proxy_go(proxy_way_t way) {
  atomic_store(&proxy.way, way);
  proxy_tell();
}

/* All connections that there are lose their server, and their clients do not hear of it. */
static inline void proxy_make_orphans(void) {
  atomic_store(&proxy.orphan, 1);
  proxy_tell();
}

static inline unsigned int proxy_harms(harm_t kind) { return atomic_load(&proxy.harms[kind]); }

static inline void proxy_open(proxy_way_t way, uint32_t seed) {
  memset(&proxy, 0, sizeof(proxy));
  snprintf(proxy.socket, sizeof(proxy.socket), "%s/proxy", server.folder);
  proxy.random = seed * 2654435761u | 1u;
  atomic_store(&proxy.way, way);
  proxy.listener = unix_listen(proxy.socket);
  must(pipe(proxy.wake) == 0);
  support_start(&proxy.thread, proxy_body, NULL);
}

static inline void proxy_close(void) {
  atomic_store(&proxy.quit, 1);
  proxy_tell();
  support_join(&proxy.thread);
  close(proxy.listener);
  close(proxy.wake[0]);
  close(proxy.wake[1]);
}

#endif /* PROXY_H */
