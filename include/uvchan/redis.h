/* SPDX-License-Identifier: MIT */
/* uvchan/redis.h: a channel whose other end is elsewhere, over a stream of a Redis server.
 *
 * A sink drains a local channel into a stream; a source fills a local channel from it, on another
 * machine or the same. What is promised, by which protocol, and where each thing is bounded: see
 * docs/beyond.md. In short: into the stream exactly once, in order for each producer; out of it at
 * least once, and again only after a crash; a full stream makes the sink wait, and so its senders.
 *
 *      senders -> channel -> sink ==> [ stream on the server ] ==> source -> channel -> receivers
 *                                             uvchan_redis_done(ticket) <------------------'
 *
 * This is a library of its own, uvchan-redis, with hiredis below it; the core does not know it. Its
 * handles live on a loop and do not block it, and there is no thread. What it allocates is the C
 * library's memory: uvchan_replace_allocator() does not reach it.
 *
 * How the functions are documented: see uvchan.h. The callbacks run on the loop's thread, never
 * inside the call that led to them, and have to return. A stranger that closes every handle of the
 * loop must not be there: sinks and sources are closed by their own functions. No child of fork()
 * may use them. Since 1.4. */
#ifndef UVCHAN_REDIS_H
#define UVCHAN_REDIS_H

#include <uvchan.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct uvchan_redis_sink_s uvchan_redis_sink_t;
typedef struct uvchan_redis_source_s uvchan_redis_source_t;

/* ---- The server ------------------------------------------------------------------------------ */

struct redisContext; /* hiredis' own */

/* A connection is begun, and nothing was written: here it is secured, as hiredis has it, by
 * redisInitiateSSLWithContext(context, ssl) of hiredis_ssl, or otherwise set up.
 *   data   secure_data
 * Returns 0; or a libuv error code, which is an attempt that failed. */
typedef int (*uvchan_redis_secure_cb)(struct redisContext* context, void* data);

/* Where the server is, and how long anything may take. All zero is valid: 127.0.0.1, port 6379.
 * Strings are copied. */
typedef struct {
  const char* path; /* of a unix socket; or NULL: host and port */
  /* Names or addresses, each alone or with a port of its own, an IPv6 address with one in brackets:
   * "a" or "a,b:7000,[::1]:7001". NULL: 127.0.0.1. After a failure the next one is tried. A node of
   * a cluster may be any, and names the right one. Looked up without blocking. */
  const char* host;
  unsigned int port;         /* of those that name none; 0: 6379, or 26379 for sentinels */
  const char* sentinel;      /* NULL; or the primary's name, and the hosts are sentinels */
  unsigned int database;     /* SELECT; 0: the first */
  const char* user;          /* AUTH; NULL: the default user */
  const char* password;      /* AUTH; NULL: none */
  const char* sentinel_user; /* the same for sentinels, who have their own */
  const char* sentinel_password;
  uint64_t connect_timeout_ms;            /* until a connection can be used; 0: 5000 */
  uint64_t reply_timeout_ms;              /* without an answer that is due; 0: 5000 */
  uint64_t backoff_least_ms;              /* before the second attempt to connect; 0: 20 */
  uint64_t backoff_most_ms;               /* the same, the most that it grows to; 0: 5000 */
  uint64_t give_up_ms;                    /* without a connection, then it is over; 0: never */
  uvchan_redis_secure_cb secure;          /* or NULL */
  uvchan_redis_secure_cb secure_sentinel; /* or NULL; for connections to sentinels */
  void* secure_data;                      /* of both */
  void* reserved[6];                      /* NULL each, or UV_EINVAL */
} uvchan_redis_server_t;

/* ---- Figures --------------------------------------------------------------------------------- */

typedef enum {
  UVCHAN_REDIS_AWAY = 0, /* there is no connection; one is being made, or waited for */
  UVCHAN_REDIS_RUNNING,  /* values go */
  UVCHAN_REDIS_FULL,     /* a sink's stream is full */
  UVCHAN_REDIS_ENDING,   /* the end is on its way */
  UVCHAN_REDIS_OVER      /* on_end was called, or is about to be */
} uvchan_redis_state_t;

typedef struct {
  uvchan_redis_state_t state;
  int last_error;         /* 0, or a libuv error code: of the last failure, mended or not */
  const char* last_words; /* the server's or the system's words for it; "" at first; in place until
                             the next failure, or the close callback */
  uint64_t values;        /* a sink: confirmed to be in the stream; a source: put in its channel */
  uint64_t done;          /* a source: confirmed as done */
  uint64_t requeued;      /* a source: confirmed as given back, to be delivered at once */
  uint64_t again;         /* a source: values that had been delivered before, here or elsewhere */
  uint64_t dead;          /* a source: entries that it moved to the dead letters */
  uint64_t rolled_back;   /* a sink: values that were confirmed and that the server has lost */
  uint64_t refused;       /* a sink: values that its encoder has refused */
  uint64_t connects;      /* connections that could be used */
  uint64_t failures;      /* attempts and connections that failed */
  size_t held;            /* a sink: taken and not confirmed; a source: slots that are in use */
  uint64_t length;        /* the stream's, as the server said last: delivered values included */
  uint64_t lag;           /* a source: those of them that nobody has been given yet */
  uint64_t reserved[6];   /* 0, until a later version gives it a meaning */
} uvchan_redis_stats_t;

/* ---- A sink ---------------------------------------------------------------------------------- */

/* The sink is over: it takes no more from its channel, which is closed.
 *   status   0: all is in the stream, and the end noted; UV_EPIPE: the stream was closed by others;
 *            UV_EEXIST: another process has begun under this producer's name; else the last error,
 *            where it gave up. With another status than 0, stats.held values are not in the
 *            stream, or not known to be. */
typedef void (*uvchan_redis_sink_cb)(uvchan_redis_sink_t* sink, int status);

/* The sink's memory is the user's again. */
typedef void (*uvchan_redis_sink_close_cb)(uvchan_redis_sink_t* sink);

/* More values are confirmed to be in the stream. A sink confirms in order: so the k-th value that
 * it has taken from its channel is in once `values` is k, refused ones not counted.
 *   values   as in the statistics: all that were confirmed so far */
typedef void (*uvchan_redis_confirm_cb)(uvchan_redis_sink_t* sink, uint64_t values);

/* Writes the bytes that stand for a value. The value was taken from the channel, and what it points
 * to is the callback's own: it may free that. Called once for each value.
 *   value   of the channel's; valid until the callback returns
 *   bytes   room for `size` bytes, which is the sink's encoded_bytes
 * Returns how many were written; negative, or more than size: the value goes nowhere, and is
 * counted in stats.refused. */
typedef ssize_t (*uvchan_redis_encode_cb)(uvchan_redis_sink_t* sink, const void* value, void* bytes,
                                          size_t size);

typedef struct {
  uvchan_redis_server_t server;
  const char* stream;     /* its name, which does not begin with '}'; copied */
  const char* producer;   /* a name that belongs to one process at a time; copied */
  uint64_t capacity;      /* values in the stream, delivered ones included; 0: 1000 */
  unsigned int in_flight; /* values taken and not confirmed, at most; 0: 512 */
  unsigned int batch;     /* values in one step, at most; 0: 64; 1024 or less */
  unsigned int producers; /* how many have to end until the stream closes; 0: 1 */
  /* NULL: the bytes of a value as they are, which the source's values must have as many of. */
  uvchan_redis_encode_cb encode;
  const char* format;    /* with encode: the encoding's name and version, as "order/1"; copied. It
                           begins with a letter, and has 63 bytes at most */
  size_t encoded_bytes;  /* with encode: of one value, at most; 0: 4096 */
  unsigned int replicas; /* that must have a value before it is confirmed (WAIT); 0: none */
  uint64_t replicas_ms;  /* until they are asked again, where too few have it; 0: 1000 */
  uvchan_redis_confirm_cb on_confirmed; /* or NULL */
  uvchan_redis_sink_cb on_end;          /* or NULL */
  void* reserved[6];                    /* NULL each, or UV_EINVAL */
} uvchan_redis_sink_options_t;

struct uvchan_redis_sink_s {
  void* data;        /* the user's */
  uv_loop_t* loop;   /* read only */
  uvchan_t* channel; /* read only */
  /* private */
  struct uvchan__redis_sink_s* self;
  void* reserved[4];
};

/* Begins to drain the channel into the stream, and to connect. It sets every member but data, and
 * holds a reference to the channel until it is closed. It keeps the loop alive until it is over.
 *   loop      lives until the close callback
 *   sink      the caller's memory, in place until the close callback
 *   ch        of any capacity, with values of 1 byte or more; nobody else receives from it
 *   options   copied
 * Returns 0; UV_EINVAL: NULL, values of 0 bytes, no stream or producer, an encoder without a
 * format, or one that is none, a batch of more than 1024, a port of more than 65535, a host that
 * can't be read, or something in reserved; UV_ENOMEM. Then nothing needs closing. That the server
 * can't be reached is no error of this call.
 * Threads: loop. Cost: memory for in_flight values. */
int uvchan_redis_sink_init(uv_loop_t* loop, uvchan_redis_sink_t* sink, uvchan_t* ch,
                           const uvchan_redis_sink_options_t* options);

/* Fills in *stats; for NULL, or a closing sink, with zeros. Threads: loop. */
void uvchan_redis_sink_stats(const uvchan_redis_sink_t* sink, uvchan_redis_stats_t* stats);

/* Closes it; a second close is ignored. What it holds is dropped, though it may be in the stream:
 * to have all of it there, close the channel and wait for on_end. The channel stays open, and what
 * is in it stays.
 *   cb   called when the memory is the user's again; or NULL
 * Threads: loop; allowed in its own callbacks. */
void uvchan_redis_sink_close(uvchan_redis_sink_t* sink, uvchan_redis_sink_close_cb cb);

/* ---- Tickets --------------------------------------------------------------------------------- */

/* What an element of a source's channel begins with; the value lies behind it. */
typedef struct {
  uint64_t time; /* with serial the entry's number in the stream, which no other entry has */
  uint64_t serial;
  struct uvchan__redis_tickets_s* tickets; /* private, as the next two */
  uint32_t slot;
  uint32_t generation;
  uint32_t deliveries; /* how often it was delivered, with this one; 1: the first time */
  uint32_t reserved;
} uvchan_redis_ticket_t;

/* The value behind its ticket. */
#define UVCHAN_REDIS_VALUE(ticket) ((const void*)((const uvchan_redis_ticket_t*)(ticket) + 1))

/* The receiver is done with the value: it leaves the stream. Each ticket that is received is given
 * back once, by this or one of the next two functions; also when its source is closed, which then
 * does nothing.
 *   ticket   may be a copy
 * Returns 0; UV_EALREADY: it was given back before, which is told while the source is not closed,
 * or another of its tickets is out: after that its memory is gone; UV_EINVAL. Threads: any. Cost:
 * as a send. */
int uvchan_redis_done(const uvchan_redis_ticket_t* ticket);

/* The receiver is not done with it and will not be: it goes back, and is delivered again at once,
 * here or elsewhere, as soon as there is room. A drop_cb calls it of what is left in a channel.
 * What no receiver can work off comes back again and again, as often as max_deliveries says, and so
 * does what an overflow policy or max_age drops: to try it later, see the next one. Returns as the
 * above. Threads: any. Cost: the same. */
int uvchan_redis_requeue(const uvchan_redis_ticket_t* ticket);

/* As the above, but it is delivered again only after claim_after_ms. */
int uvchan_redis_forget(const uvchan_redis_ticket_t* ticket);

/* A receiver whose values are done when its callback returns. */
typedef struct {
  uvchan_receiver_t receiver; /* initialized, stopped and closed as any other */
  /* private */
  uvchan_recv_cb cb;
} uvchan_redis_receiver_t;

/* Starts it, as uvchan_recv_start() does. Its callback gets the element, ticket and value, and for
 * each that it returns from uvchan_redis_done() is called, unless it has given the ticket back
 * itself. What it never returns from, since the process dies there or an exception leaves it, is
 * not done.
 *   receiver   its `receiver` is initialized, on the channel of a source without auto_done
 *   cb         gets &receiver->receiver
 * Returns as uvchan_recv_start(). Threads: loop; any loop. */
int uvchan_redis_recv_start(uvchan_redis_receiver_t* receiver, uvchan_recv_cb cb);

/* ---- A source -------------------------------------------------------------------------------- */

/* The source is over: it puts nothing more in its channel, which is closed.
 *   status   the stream's end, UV_EOF or what its producer has closed with; UV_EPIPE: the channel
 *            was closed on this side; else the last error, where it gave up */
typedef void (*uvchan_redis_source_cb)(uvchan_redis_source_t* source, int status);

/* The source's memory is the user's again. */
typedef void (*uvchan_redis_source_close_cb)(uvchan_redis_source_t* source);

/* Makes the value of the bytes that an encoder has written, or of those of a value without one.
 *   format   the encoder's; without one the value's size as a decimal number
 *   bytes    valid until the callback returns
 *   value    where to write it: the channel's element without its ticket
 * Returns 0; UV_ENOMEM or UV_EAGAIN: not now, the entry is delivered again after claim_after_ms;
 * another libuv error code: it goes to the dead letters, with the code's name. */
typedef int (*uvchan_redis_decode_cb)(uvchan_redis_source_t* source, const char* format,
                                      const void* bytes, size_t size, void* value);

/* A decoded value that the channel will not have, since it or the source is closed: what it points
 * to is freed here. Its ticket is none of this callback's. */
typedef void (*uvchan_redis_undo_cb)(uvchan_redis_source_t* source, void* value);

typedef struct {
  uvchan_redis_server_t server;
  const char* stream;     /* its name; copied */
  const char* group;      /* who share the values; copied; NULL: "uvchan". One for each stream */
  const char* consumer;   /* a name that belongs to one process at a time; copied */
  unsigned int in_flight; /* values delivered and not confirmed as done, at most; 0: 512; 524288
                             or less */
  unsigned int batch;     /* values in one step, at most; 0: 64; 1024 or less */
  /* milliseconds after which a value that nobody is done with goes to another; longer than the
   * longest work, or see hold_ms; 0: 60000 */
  uint64_t claim_after_ms;
  /* milliseconds for which a value is kept for the receiver that has it, as long as this process
   * is there and reaches the server: longer than the longest work. Then claim_after_ms is how long
   * the values of a process that dies wait, and may be short. 0: claim_after_ms; UINT64_MAX: no
   * limit */
  uint64_t hold_ms;
  uint64_t block_ms;           /* how long the server is asked to wait for values; 0: 1000 */
  unsigned int max_deliveries; /* then it goes to the dead letters; 0: 16; 1048575 or less */
  unsigned int auto_done;      /* 1: elements have no ticket, and are done when the channel has
                                  them: they are lost with the process. To be done when a callback
                                  returns, see uvchan_redis_recv_start() */
  uint64_t dead_capacity;      /* dead letters, at most; 0: 1000 */
  size_t value_bytes; /* of a value, where it is less than the element has behind the ticket: that
                         ends with padding; 0: all */
  uvchan_redis_decode_cb decode; /* NULL: values of the one size, without an encoder */
  uvchan_redis_undo_cb undo;     /* or NULL */
  uvchan_redis_source_cb on_end; /* or NULL */
  void* reserved[6];             /* NULL each, or UV_EINVAL */
} uvchan_redis_source_options_t;

struct uvchan_redis_source_s {
  void* data;        /* the user's */
  uv_loop_t* loop;   /* read only */
  uvchan_t* channel; /* read only */
  /* private */
  struct uvchan__redis_source_s* self;
  void* reserved[4];
};

/* Begins to fill the channel from the stream, and to connect. It sets every member but data, and
 * holds a reference to the channel until it is closed. It keeps the loop alive until it is over.
 *   loop      lives until the close callback
 *   source    the caller's memory, in place until the close callback
 *   ch        its elements are a ticket and a value, or with auto_done a value; senders, and other
 *             sources, may share it: the first source that is over closes it
 *   options   copied
 * Returns as uvchan_redis_sink_init(); UV_EINVAL also where there is no consumer, in_flight is more
 * than 524288 or max_deliveries than 1048575, or the elements are no larger than a ticket, no
 * multiple of 8 bytes, or have no room for value_bytes. Threads: loop. Cost: memory for in_flight
 * elements. */
int uvchan_redis_source_init(uv_loop_t* loop, uvchan_redis_source_t* source, uvchan_t* ch,
                             const uvchan_redis_source_options_t* options);

/* Fills in *stats; for NULL, or a closing source, with zeros. Threads: loop. */
void uvchan_redis_source_stats(const uvchan_redis_source_t* source, uvchan_redis_stats_t* stats);

/* Closes it; a second close is ignored. What it has not put in the channel, and what was not
 * confirmed as done, stays in the stream, and is delivered again after claim_after_ms. The channel
 * stays open. To leave others everything at once, close the channel and wait for on_end: receivers
 * still get what is in it, and the source gives back what is not, which takes up to block_ms.
 *   cb   called when the memory is the user's again; or NULL
 * Threads: loop; allowed in its own callbacks. */
void uvchan_redis_source_close(uvchan_redis_source_t* source, uvchan_redis_source_close_cb cb);

#ifdef __cplusplus
}
#endif
#endif /* UVCHAN_REDIS_H */
