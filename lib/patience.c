/* How long a thread looks again before it sleeps; the idea stands in patience.h. */
#include "patience.h"

#include <uv.h>

#include "platform.h"

/* A patience below this is not worth its two looks at the clock. */
#define SHORTEST 1000 /* nanoseconds */

#define MOST_PAUSES 32 /* between two looks */

void uvchan__patience_init(uvchan__patience_t* patience, const atomic_uint* learned, uint64_t timeout) {
  patience->limit = atomic_load_explicit(learned, memory_order_relaxed);
  if (patience->limit < SHORTEST) patience->limit = 0;
  if (patience->limit > timeout) patience->limit = timeout;
  patience->begin = patience->now = uv_hrtime();
  patience->round = 0;
}

int uvchan__patience_wait(uvchan__patience_t* patience) {
  unsigned int pauses = 1;
  unsigned int i;

  if (patience->now - patience->begin >= patience->limit) return 0;
  while (pauses < MOST_PAUSES && pauses >> patience->round == 0) pauses <<= 1;
  for (i = 0; i < pauses; i++) uvchan__pause();
  if (pauses == MOST_PAUSES) uvchan__yield();
  patience->round++;
  patience->now = uv_hrtime();
  return 1;
}

void uvchan__patience_learn(const uvchan__patience_t* patience, atomic_uint* learned) {
  unsigned int before = atomic_load_explicit(learned, memory_order_relaxed);
  unsigned int after = before - before / 4;

  if (uv_hrtime() - patience->begin <= UVCHAN__LONGEST_PATIENCE) after = before + (UVCHAN__LONGEST_PATIENCE - before + 3) / 4;
  if (after != before) atomic_store_explicit(learned, after, memory_order_relaxed);
}
