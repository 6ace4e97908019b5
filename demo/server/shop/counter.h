/* SPDX-License-Identifier: MIT */
/* A counter: a desk of the pizzeria, with its intake. It hands the desk's requests to the routes,
 * and closes with the house. Knows neither how an order is made nor how bytes come in. Threads: the
 * desk's, but for what is declared here, which the main thread calls before that begins and after
 * it has ended. */
#ifndef COUNTER_H
#define COUNTER_H

#include "http/desk.h"
#include "shop/house.h"
#include "shop/intake.h"

typedef struct {
  desk_t desk;
  house_t* house;
  intake_t intake;
  errands_receiver_t errands_receiver;
  uvchan_receiver_t drained_receiver;
} counter_t;

/*   i      which of the house's counters it is
 *   door   that its clients come through */
void counter_open(counter_t* counter, house_t* house, unsigned int i, door_t* door);
void counter_start(counter_t* counter);
void counter_join(counter_t* counter);

#endif /* COUNTER_H */
