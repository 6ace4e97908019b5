/* SPDX-License-Identifier: MIT */
/* Arguments of a command line: what is taken, and how a wrong one ends the program. */
#ifndef ARGUMENTS_H
#define ARGUMENTS_H

#include <stdint.h>

/* Ends the program with exit code 2 and a message on stderr, which tells of --help.
 *   program   its name
 *   option    that is wrong, or "argument"
 *   wanted    what it would have to be, as "a whole number" */
void arguments_refuse(const char* program, const char* option, const char* text,
                      const char* wanted);

/* A whole number from min to max; any other text is refused. */
uint64_t arguments_whole(const char* program, const char* option, const char* text, uint64_t min,
                         uint64_t max);

#endif /* ARGUMENTS_H */
