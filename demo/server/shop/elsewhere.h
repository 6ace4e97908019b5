/* SPDX-License-Identifier: MIT */
/* What is told of bakers elsewhere, and of the streams between: as JSON and for Prometheus.
 * Threads: any. */
#ifndef ELSEWHERE_H
#define ELSEWHERE_H

#include <jansson.h>

#include "http/bytes.h"
#include "shop/house.h"

/* All of it; and what a viewer gets four times a second. NULL where the house has no courier. */
json_t* elsewhere_as_json(house_t* house);
json_t* elsewhere_tick(house_t* house);

/* How many orders are on their way to a baker, the stream's with them; and how many may be. */
uint64_t elsewhere_depth(house_t* house);
uint64_t elsewhere_capacity(const house_t* house);

/* Nothing where the house has no courier. */
void elsewhere_write_metrics(house_t* house, bytes_t* out);

#endif /* ELSEWHERE_H */
