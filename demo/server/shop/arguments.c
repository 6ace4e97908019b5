/* SPDX-License-Identifier: MIT */
/* A number is taken only where the whole text is one and it is in range. */
#include "shop/arguments.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define EXIT_USAGE 2

void arguments_refuse(const char* program, const char* option, const char* text,
                      const char* wanted) {
  fprintf(stderr, "%s: %s: '%s' is not %s\nTry '%s --help'.\n", program, option, text, wanted,
          program);
  exit(EXIT_USAGE);
}

/* The first character is looked at, since strtoull() would take space and a sign too, and make a
 * large number of a negative one. */
uint64_t arguments_whole(const char* program, const char* option, const char* text, uint64_t min,
                         uint64_t max) {
  char* end = NULL;
  char wanted[80];
  unsigned long long number;

  errno = 0;
  number = strtoull(text, &end, 10);
  if (isdigit((unsigned char)*text) && *end == '\0' && errno == 0 && number >= min && number <= max)
    return number;
  snprintf(wanted, sizeof(wanted), "a whole number from %llu to %llu", (unsigned long long)min,
           (unsigned long long)max);
  arguments_refuse(program, option, text, wanted);
  return min;
}
