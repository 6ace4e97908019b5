/* SPDX-License-Identifier: MIT */
/* Histories written by hand, each with the verdict that it has to get. */
#ifndef EXAMPLES_H
#define EXAMPLES_H

#include "history.h"

typedef struct {
  const char* name;
  void (*write)(history_t* history);
  history_verdict_t verdict;
} history_example_t;

extern const history_example_t history_examples[];
extern const size_t history_nexamples;

#endif /* EXAMPLES_H */
