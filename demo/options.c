/* SPDX-License-Identifier: MIT */
/* The command line of the pizzeria, read with getopt_long. A number is taken only where the whole
 * text is one and it is in range. */
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "must.h"

#define ORDERS_MAX 1000000
#define EXIT_USAGE 2

static const char usage[] =
    "Usage: pizzeria [--orders N] [--seed N] [--speed X]\n"
    "A pizzeria that takes orders, bakes them one after the other and hands them over, on channels "
    "and one libuv loop.\n"
    "\n"
    "  --orders N  take N orders, 1 to 1000000 (10)\n"
    "  --seed N    the same N gives the same run again, 0 to 18446744073709551615 (chosen at "
    "random)\n"
    "  --speed X   time passes X times faster, above 0 (1)\n"
    "  --help      print this text\n"
    "\n"
    "Ctrl-C closes the pizzeria in order. The output is coloured on a terminal, unless NO_COLOR is "
    "set.\n";

static void refuse(const char* option, const char* text, const char* wanted) {
  fprintf(stderr, "pizzeria: %s: '%s' is not %s\nTry 'pizzeria --help'.\n", option, text, wanted);
  exit(EXIT_USAGE);
}

/* The first character is looked at, since strtoull() would take space and a sign too, and make a
 * large number of a negative one. */
static uint64_t parse_whole(const char* option, const char* text, uint64_t min, uint64_t max,
                            const char* wanted) {
  char* end = NULL;
  unsigned long long number;

  errno = 0;
  number = strtoull(text, &end, 10);
  if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0 || number < min || number > max)
    refuse(option, text, wanted);
  return number;
}

/* The same: strtod() would take a sign, infinity and what is not a number. */
static double parse_positive(const char* option, const char* text) {
  char* end = NULL;
  double number;

  errno = 0;
  number = strtod(text, &end);
  if (strchr("0123456789.", *text) == NULL || *end != '\0' || errno != 0 || number <= 0)
    refuse(option, text, "a number above 0");
  return number;
}

static options_t defaults(void) {
  options_t options = {.orders = 10, .speed = 1};

  must("choose a seed", uv_random(NULL, NULL, &options.seed, sizeof(options.seed), 0, NULL));
  return options;
}

options_t options_parse(int argc, char** argv) {
  static const struct option names[] = {
      {"orders", required_argument, NULL, 'o'},
      {"seed", required_argument, NULL, 's'},
      {"speed", required_argument, NULL, 'x'},
      {"help", no_argument, NULL, 'h'},
      {NULL, 0, NULL, 0},
  };
  options_t options = defaults();

  for (int name; (name = getopt_long(argc, argv, "", names, NULL)) != -1;) {
    switch (name) {
      case 'o':
        options.orders =
            (int)parse_whole("--orders", optarg, 1, ORDERS_MAX, "a whole number from 1 to 1000000");
        break;
      case 's':
        options.seed = parse_whole("--seed", optarg, 0, UINT64_MAX,
                                   "a whole number from 0 to 18446744073709551615");
        break;
      case 'x':
        options.speed = parse_positive("--speed", optarg);
        break;
      case 'h':
        fputs(usage, stdout);
        must_have_printed();
        exit(EXIT_SUCCESS);
      default: /* getopt_long() has said what is wrong */
        fputs("Try 'pizzeria --help'.\n", stderr);
        exit(EXIT_USAGE);
    }
  }
  if (optind < argc) refuse("argument", argv[optind], "an option");
  return options;
}
