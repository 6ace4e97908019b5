/* SPDX-License-Identifier: MIT */
/* The command line of the server, read with getopt_long. */
#include "shop/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "must.h"
#include "shop/arguments.h"
#include "shop/parcel.h"

#define EXIT_USAGE 2
#define DAY_MS 86400000
#define UNSET UINT64_MAX
#define LEAST_TARGET_MS 200 /* where none is set */

static const char usage[] =
    "Usage: server [OPTION...]\n"
    "A pizzeria that takes orders over HTTP/1.1 into a bounded queue. The live page is at /, "
    "figures are at /stats and /metrics, health at /healthz and /readyz.\n"
    "\n"
    "  --host A           address or name to listen on (127.0.0.1)\n"
    "  --port N           port, 0 to 65535; 0: one that the system chooses (8080)\n"
    "  --loops N          loops that serve connections, each in a thread of its own, 1 to 64 (1)\n"
    "  --bakers N         threads that bake, 1 to 1024; 0: no kitchen, the loops answer at once, "
    "to measure what the pool costs (2)\n"
    "  --bake-ms N        milliseconds that a pizza takes, drawn from half to one and a half of "
    "that, 0 to 86400000 (50)\n"
    "  --queue N          orders that wait for a baker, 1 to 1000000 (64)\n"
    "  --when-full WHAT   what becomes of an order that finds the queue full (reject):\n"
    "                       reject   it is answered 503 at once\n"
    "                       wait     it waits for room, and its connection is not read from "
    "meanwhile\n"
    "                       backlog  the same, and no connection is accepted meanwhile, but one "
    "for each that is back\n"
    "  --target-ms N      once the queue stands, orders that waited for a quarter longer are "
    "answered 503, so that the others wait for about so long; 0: without limit, up to 86400000 "
    "(200, or four times --bake-ms where that is more)\n"
    "  --interval-ms N    the queue stands when for so long no order waited for less than the "
    "target, 1 to 86400000 (ten times the target)\n"
    "  --max-wait-ms N    orders that waited longer are given up and answered 503; 0: without "
    "limit, up to 86400000 (0)\n"
    "  --idle-ms N        connections that send, or take, nothing for so long are cut off, 10 to "
    "86400000 (10000)\n"
    "  --connections N    connections at most, and fewer where descriptors are; further ones wait "
    "in the backlog of the system, 1 to 1000000 (4096)\n"
    "  --leave-ms N       milliseconds for which it goes on serving after a signal, while /readyz "
    "answers 503 so that a balancer can leave, 0 to 86400000 (0)\n"
    "  --drain-ms N       milliseconds after that in which orders are still baked; those that wait "
    "then are answered 503; 0: without limit, up to 86400000 (0)\n"
    "  --access-log FILE  a line for each request is added to the file, in the common log format "
    "with the seconds that it took; -: the standard output (none)\n"
    "  --header-bytes N   a request's line and headers at most, 256 to 65536 (8192)\n"
    "  --body-bytes N     a request's body at most, 64 to 1048576 (8192)\n"
    "  --redis WHERE      orders are baked elsewhere: they go into a stream of this Redis server, "
    "which all servers share, and their results come back by another; HOST, HOST:PORT, several "
    "with "
    "commas between, or the path of a unix socket. `bakers --help` tells of those who bake\n"
    "  --name NAME        with --redis: of this server, which no other one has, 1 to 31 letters, "
    "digits, dots, dashes or underscores (pizzeria)\n"
    "  --stream N         with --redis: orders of all servers in the stream, those that bakers "
    "have "
    "with them, 1 to 1000000 (64)\n"
    "  --help             print this text\n"
    "\n"
    "With --redis --queue is what waits in this server for a place in the stream; an order that "
    "finds "
    "it full meets --when-full. --max-wait-ms is until the answer (60000): a baker may bake an "
    "order "
    "all the same that was given up, or whose customer has left. --target-ms, --interval-ms, "
    "--bakers "
    "and --bake-ms mean nothing: the queue is not this server's alone, nor are the bakers.\n"
    "\n"
    "Ctrl-C closes the pizzeria in order; a second one at once.\n";

static void refuse(const char* option, const char* text, const char* wanted) {
  arguments_refuse("server", option, text, wanted);
}

static uint64_t parse_whole(const char* option, const char* text, uint64_t min, uint64_t max) {
  return arguments_whole("server", option, text, min, max);
}

static const char* const policies[] = {"reject", "wait", "backlog"};

const char* when_full_name(when_full_t when_full) { return policies[when_full]; }

static when_full_t parse_policy(const char* text) {
  for (int i = 0; i <= WHEN_FULL_BACKLOG; i++) {
    if (strcmp(text, policies[i]) == 0) return (when_full_t)i;
  }
  refuse("--when-full", text, "reject, wait or backlog");
  return WHEN_FULL_REJECT;
}

enum {
  HOST = 1,
  PORT,
  WHEN_FULL,
  ACCESS_LOG,
  REDIS,
  NAME,
  HELP,
  LOOPS,
  BAKERS,
  QUEUE,
  CONNECTIONS,
  HEADER_BYTES,
  BODY_BYTES,
  STREAM,
  FIRST_TIME,
  BAKE_MS = FIRST_TIME,
  MAX_WAIT_MS,
  TARGET_MS,
  INTERVAL_MS,
  IDLE_MS,
  LEAVE_MS,
  DRAIN_MS
};

static const struct option names[] = {
    {"host", required_argument, NULL, HOST},
    {"port", required_argument, NULL, PORT},
    {"loops", required_argument, NULL, LOOPS},
    {"bakers", required_argument, NULL, BAKERS},
    {"bake-ms", required_argument, NULL, BAKE_MS},
    {"queue", required_argument, NULL, QUEUE},
    {"when-full", required_argument, NULL, WHEN_FULL},
    {"max-wait-ms", required_argument, NULL, MAX_WAIT_MS},
    {"target-ms", required_argument, NULL, TARGET_MS},
    {"interval-ms", required_argument, NULL, INTERVAL_MS},
    {"idle-ms", required_argument, NULL, IDLE_MS},
    {"connections", required_argument, NULL, CONNECTIONS},
    {"leave-ms", required_argument, NULL, LEAVE_MS},
    {"drain-ms", required_argument, NULL, DRAIN_MS},
    {"access-log", required_argument, NULL, ACCESS_LOG},
    {"header-bytes", required_argument, NULL, HEADER_BYTES},
    {"body-bytes", required_argument, NULL, BODY_BYTES},
    {"redis", required_argument, NULL, REDIS},
    {"name", required_argument, NULL, NAME},
    {"stream", required_argument, NULL, STREAM},
    {"help", no_argument, NULL, HELP},
    {NULL, 0, NULL, 0},
};

static void take_number(options_t* options, int name, const char* text) {
  switch (name) {
    case LOOPS:
      options->loops = (unsigned int)parse_whole("--loops", text, 1, LOOPS_MAX);
      break;
    case BAKERS:
      options->bakers = (unsigned int)parse_whole("--bakers", text, 0, 1024);
      break;
    case QUEUE:
      options->queue = parse_whole("--queue", text, 1, 1000000);
      break;
    case CONNECTIONS:
      options->connections = (unsigned int)parse_whole("--connections", text, 1, 1000000);
      break;
    case HEADER_BYTES:
      options->header_bytes = parse_whole("--header-bytes", text, 256, 65536);
      break;
    case STREAM:
      options->stream = parse_whole("--stream", text, 1, 1000000);
      break;
    default:
      options->body_bytes = parse_whole("--body-bytes", text, 64, 1048576);
  }
}

static void take_time(options_t* options, int name, const char* text) {
  switch (name) {
    case BAKE_MS:
      options->bake_ms = parse_whole("--bake-ms", text, 0, DAY_MS);
      break;
    case MAX_WAIT_MS:
      options->max_wait_ms = parse_whole("--max-wait-ms", text, 0, DAY_MS);
      break;
    case TARGET_MS:
      options->target_ms = parse_whole("--target-ms", text, 0, DAY_MS);
      break;
    case INTERVAL_MS:
      options->interval_ms = parse_whole("--interval-ms", text, 1, DAY_MS);
      break;
    case IDLE_MS:
      options->idle_ms = parse_whole("--idle-ms", text, 10, DAY_MS);
      break;
    case LEAVE_MS:
      options->leave_ms = parse_whole("--leave-ms", text, 0, DAY_MS);
      break;
    default:
      options->drain_ms = parse_whole("--drain-ms", text, 0, DAY_MS);
  }
}

static const char* parse_redis(const char* text) {
#ifndef SERVER_HAS_REDIS
  fputs(
      "server: --redis: this server was built without uvchan-redis, which needs hiredis (Debian: "
      "libhiredis-dev)\n",
      stderr);
  exit(EXIT_USAGE);
#endif
  if (*text == '\0') refuse("--redis", text, "a host or a path");
  return text;
}

static const char* parse_name(const char* text) {
  if (!party_is_valid(text))
    refuse("--name", text, "1 to 31 letters, digits, dots, dashes or underscores");
  return text;
}

/* Answers 0 where it is another kind of option. */
static int take_text(options_t* options, int name, const char* text) {
  switch (name) {
    case HOST:
      options->host = text;
      return 1;
    case PORT:
      parse_whole("--port", text, 0, 65535);
      options->port = text;
      return 1;
    case WHEN_FULL:
      options->when_full = parse_policy(text);
      return 1;
    case ACCESS_LOG:
      options->access_log = text;
      return 1;
    case REDIS:
      options->redis = parse_redis(text);
      return 1;
    case NAME:
      options->name = parse_name(text);
      return 1;
    default:
      return 0;
  }
}

static void take_option(options_t* options, int name, const char* text) {
  if (take_text(options, name, text)) return;
  switch (name) {
    case HELP:
      fputs(usage, stdout);
      must_have_printed();
      exit(EXIT_SUCCESS);
    case '?': /* getopt_long() has said what is wrong */
      fputs("Try 'server --help'.\n", stderr);
      exit(EXIT_USAGE);
    default:
      if (name < FIRST_TIME) {
        take_number(options, name, text);
      } else {
        take_time(options, name, text);
      }
  }
}

/* A few times what baking takes: so a queue of a few orders for each baker is none that stands. */
static void set_admission(options_t* options) {
  uint64_t target_ms = 4 * options->bake_ms;

  if (options->target_ms == UNSET)
    options->target_ms = target_ms < LEAST_TARGET_MS ? LEAST_TARGET_MS : target_ms;
  if (options->interval_ms == UNSET) options->interval_ms = 10 * options->target_ms;
}

/* Bakers elsewhere may be none: so orders wait for them for a time. */
static void set_patience(options_t* options) {
  if (options->max_wait_ms == UNSET) options->max_wait_ms = options->redis == NULL ? 0 : 60000;
}

options_t options_parse(int argc, char** argv) {
  options_t options = {.host = "127.0.0.1",
                       .port = "8080",
                       .queue = 64,
                       .bakers = 2,
                       .loops = 1,
                       .bake_ms = 50,
                       .max_wait_ms = UNSET,
                       .target_ms = UNSET,
                       .interval_ms = UNSET,
                       .idle_ms = 10000,
                       .connections = 4096,
                       .header_bytes = 8192,
                       .body_bytes = 8192,
                       .when_full = WHEN_FULL_REJECT,
                       .name = "pizzeria",
                       .stream = 64};

  for (int name; (name = getopt_long(argc, argv, "", names, NULL)) != -1;)
    take_option(&options, name, optarg);
  if (optind < argc) refuse("argument", argv[optind], "an option");
  set_admission(&options);
  set_patience(&options);
  return options;
}
