/* The kitchen: threads that take orders out of the channel, bake, and send each back to the desk
 * that it came from. */
#ifndef KITCHEN_H
#define KITCHEN_H

#include "shop/house.h"

/* Starts the bakers. They end when the orders channel has ended, and tell the house's wait
 * group. */
void kitchen_open(house_t* house);

/* Waits for the threads. */
void kitchen_join(house_t* house);

#endif /* KITCHEN_H */
