/* SPDX-License-Identifier: MIT */
/* The kitchen: a pool whose threads are the bakers. An order is a work of it. */
#ifndef KITCHEN_H
#define KITCHEN_H

#include "shop/house.h"

/* Makes the house's kitchen, unless nobody is to bake in it. */
void kitchen_open(house_t* house);

/* Bakes an order: the on_work of the pool's. Threads: the bakers. */
void kitchen_bake(uvchan_work_t* work, void* baker);

/* In how many seconds a customer who is sent away may find what waits now baked; 1 at least.
 * Threads: any. */
uint64_t kitchen_seconds_to_wait(house_t* house);

#endif /* KITCHEN_H */
