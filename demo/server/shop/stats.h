/* SPDX-License-Identifier: MIT */
/* The figures, as JSON and for Prometheus. Threads: any. Its figures belong together only at
 * rest. */
#ifndef STATS_H
#define STATS_H

#include <jansson.h>

#include "http/bytes.h"
#include "shop/house.h"

void stats_write_json(house_t* house, bytes_t* out);
void stats_write_metrics(house_t* house, bytes_t* out);

/* What a viewer gets four times a second. */
json_t* stats_tick(house_t* house, uint64_t skipped);

#endif /* STATS_H */
