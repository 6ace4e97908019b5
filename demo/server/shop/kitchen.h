/* The kitchen: a pool whose threads are the bakers. An order is a work of it. */
#ifndef KITCHEN_H
#define KITCHEN_H

#include "shop/house.h"

/* Makes the house's kitchen, unless nobody is to bake in it. */
void kitchen_open(house_t* house);

/* Bakes an order: the on_work of the pool's. Threads: the bakers. */
void kitchen_bake(uvchan_work_t* work, void* baker);

#endif /* KITCHEN_H */
