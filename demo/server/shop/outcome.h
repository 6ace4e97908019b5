/* SPDX-License-Identifier: MIT */
/* What becomes of an order. */
#ifndef OUTCOME_H
#define OUTCOME_H

#include "shop/chance.h"

typedef enum { OUTCOME_NONE = 0, OUTCOME_READY, OUTCOME_NO_INGREDIENTS, OUTCOME_NO_COOK } outcome_t;

/* What becomes of it, by chance: of 12 orders one lacks ingredients and one loses the cook. */
outcome_t outcome_by_chance(chance_t* chance);
int outcome_is_ready(outcome_t outcome);

#endif /* OUTCOME_H */
