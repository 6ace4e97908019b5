/* SPDX-License-Identifier: MIT */
/* The roll of a desk: the orders that are under way, for those who come to watch. Threads: the
 * desk's. */
#ifndef ROLL_H
#define ROLL_H

#include "http/desk.h"
#include "shop/live.h"

/* To be given to free(). NULL where memory ran out. */
roll_t* roll_of(const desk_t* desk);

#endif /* ROLL_H */
