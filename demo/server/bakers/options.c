/* SPDX-License-Identifier: MIT */
/* The command line of the bakers, read with getopt_long. */
#include "bakers/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "must.h"
#include "shop/arguments.h"

#define EXIT_USAGE 2
#define DAY_MS 86400000

static const char usage[] =
    "Usage: bakers [OPTION...]\n"
    "Bakes what servers that run with --redis have ordered, and sends them the results. As many of "
    "these processes as are wanted share the orders; they come and go.\n"
    "\n"
    "  --redis WHERE    the Redis server of the streams: HOST, HOST:PORT, several with commas "
    "between, or the path of a unix socket (127.0.0.1)\n"
    "  --name NAME      of this process, which no other one has, 1 to 31 letters, digits, dots, "
    "dashes or underscores; one that begins again under its name gets at once what it had not done "
    "(the host's name and the process's number)\n"
    "  --threads N      that bake, 1 to 1024 (2)\n"
    "  --in-flight N    orders that are taken and not done, 1 to 10000 (twice the threads)\n"
    "  --bake-ms N      milliseconds that a pizza takes, drawn from half to one and a half of "
    "that, "
    "0 to 86400000 (50)\n"
    "  --claim-ms N     an order that other bakers have had for so long is taken over, 10 to "
    "86400000: they have died, since while they are there they keep it (5000)\n"
    "  --drain-ms N     milliseconds that orders which are under way have after a signal, until "
    "they are left to others, 0 to 86400000 (30000)\n"
    "  --help           print this text\n"
    "\n"
    "Ctrl-C leaves in order: nothing more is taken, what is under way is baked and told. A second "
    "one leaves at once; then, as after kill -9, other bakers get the orders when --claim-ms are "
    "over.\n";

static void refuse(const char* option, const char* text, const char* wanted) {
  arguments_refuse("bakers", option, text, wanted);
}

static uint64_t parse_whole(const char* option, const char* text, uint64_t min, uint64_t max) {
  return arguments_whole("bakers", option, text, min, max);
}

enum { REDIS = 1, NAME, HELP, THREADS, IN_FLIGHT, BAKE_MS, CLAIM_MS, DRAIN_MS };

static const struct option names[] = {
    {"redis", required_argument, NULL, REDIS},
    {"name", required_argument, NULL, NAME},
    {"threads", required_argument, NULL, THREADS},
    {"in-flight", required_argument, NULL, IN_FLIGHT},
    {"bake-ms", required_argument, NULL, BAKE_MS},
    {"claim-ms", required_argument, NULL, CLAIM_MS},
    {"drain-ms", required_argument, NULL, DRAIN_MS},
    {"help", no_argument, NULL, HELP},
    {NULL, 0, NULL, 0},
};

static void take_number(bakers_options_t* options, int name, const char* text) {
  switch (name) {
    case THREADS:
      options->threads = (unsigned int)parse_whole("--threads", text, 1, 1024);
      break;
    case IN_FLIGHT:
      options->in_flight = (unsigned int)parse_whole("--in-flight", text, 1, 10000);
      break;
    case BAKE_MS:
      options->bake_ms = parse_whole("--bake-ms", text, 0, DAY_MS);
      break;
    case CLAIM_MS:
      options->claim_ms = parse_whole("--claim-ms", text, 10, DAY_MS);
      break;
    default:
      options->drain_ms = parse_whole("--drain-ms", text, 0, DAY_MS);
  }
}

static void take_name(bakers_options_t* options, const char* text) {
  if (!party_is_valid(text))
    refuse("--name", text, "1 to 31 letters, digits, dots, dashes or underscores");
  snprintf(options->name, sizeof(options->name), "%s", text);
}

static void take_option(bakers_options_t* options, int name, const char* text) {
  switch (name) {
    case REDIS:
      if (*text == '\0') refuse("--redis", text, "a host or a path");
      options->redis = text;
      break;
    case NAME:
      take_name(options, text);
      break;
    case HELP:
      fputs(usage, stdout);
      must_have_printed();
      exit(EXIT_SUCCESS);
    case '?': /* getopt_long() has said what is wrong */
      fputs("Try 'bakers --help'.\n", stderr);
      exit(EXIT_USAGE);
    default:
      take_number(options, name, text);
  }
}

/* The beginning of the host's name, where that has what a baker's may have. */
static void name_by_host(bakers_options_t* options) {
  char host[UV_MAXHOSTNAMESIZE] = "";
  size_t size = sizeof(host);
  int number = (int)uv_os_getpid();

  uv_os_gethostname(host, &size);
  snprintf(options->name, sizeof(options->name), "%.18s-%d", host, number);
  if (!party_is_valid(options->name))
    snprintf(options->name, sizeof(options->name), "bakers-%d", number);
}

static void fill_in(bakers_options_t* options) {
  if (options->name[0] == '\0') name_by_host(options);
  if (options->in_flight == 0) options->in_flight = 2 * options->threads;
}

bakers_options_t bakers_options_parse(int argc, char** argv) {
  bakers_options_t options = {
      .redis = "127.0.0.1", .threads = 2, .bake_ms = 50, .claim_ms = 5000, .drain_ms = 30000};

  for (int name; (name = getopt_long(argc, argv, "", names, NULL)) != -1;)
    take_option(&options, name, optarg);
  if (optind < argc) refuse("argument", argv[optind], "an option");
  fill_in(&options);
  return options;
}
