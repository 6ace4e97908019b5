/* SPDX-License-Identifier: MIT */
/* What a consumer that is a process of its own writes of each value. */
#ifndef CHILD_RECORD_H
#define CHILD_RECORD_H

#include <stdint.h>

typedef struct {
  uint64_t value;
  uint64_t deliveries;
} child_record_t;

#endif /* CHILD_RECORD_H */
