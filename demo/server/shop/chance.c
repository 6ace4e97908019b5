/* SPDX-License-Identifier: MIT */
/* Random numbers, seeded by the system. They decide about pizzas only, so a small bias of the
 * remainder does no harm. */
#include "shop/chance.h"

#include <uv.h>

#include "must.h"

chance_t chance_new(void) {
  chance_t chance;

  must("choose a seed", uv_random(NULL, NULL, &chance.state, sizeof(chance.state), 0, NULL));
  return chance;
}

uint64_t chance_below(chance_t* chance, uint64_t below) {
  uint64_t bits = chance->state += UINT64_C(0x9e3779b97f4a7c15);

  bits = (bits ^ (bits >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  bits = (bits ^ (bits >> 27)) * UINT64_C(0x94d049bb133111eb);
  bits = bits ^ (bits >> 31);
  return bits % below;
}
