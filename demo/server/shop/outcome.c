/* SPDX-License-Identifier: MIT */
/* What becomes of an order, by chance. */
#include "shop/outcome.h"

outcome_t outcome_by_chance(chance_t* chance) {
  switch (chance_below(chance, 12)) {
    case 0:
      return OUTCOME_NO_INGREDIENTS;
    case 1:
      return OUTCOME_NO_COOK;
    default:
      return OUTCOME_READY;
  }
}

int outcome_is_ready(outcome_t outcome) { return outcome == OUTCOME_READY; }
