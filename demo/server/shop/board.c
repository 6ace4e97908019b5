/* SPDX-License-Identifier: MIT */
/* The board's numbers and its samples: rings of what the counters were, so that the difference to
 * now is what happened since. */
#include "shop/board.h"

uint64_t board_next_number(board_t* board) {
  return atomic_fetch_add_explicit(&board->numbers, 1, memory_order_relaxed) + 1;
}

void board_return_number(board_t* board, uint64_t number) {
  uint_least64_t last = number;

  atomic_compare_exchange_strong_explicit(&board->numbers, &last, number - 1, memory_order_relaxed,
                                          memory_order_relaxed);
}

void board_learn_baking(board_t* board, uint64_t us) {
  uint64_t typical = board_read(&board->typical_us);

  board_set(&board->typical_us, typical == 0 ? us : (7 * typical + us) / 8);
}

static void sample_throughput(board_t* board, samples_t* samples, uint64_t now_ns) {
  unsigned int slot = samples->n % SAMPLES_IN_SECOND;
  uint64_t answered = board_read(&board->ready) + board_read(&board->lost);
  uint64_t since_ns = now_ns - samples->at_ns[slot];

  if (samples->at_ns[slot] != 0 && since_ns > 0) {
    board_set(&board->throughput_milli,
              (uint64_t)((double)(answered - samples->answered[slot]) * 1e12 / (double)since_ns));
  }
  samples->answered[slot] = answered;
  samples->at_ns[slot] = now_ns;
}

/* The ring begins with empty views, so before ten seconds are over the difference is everything. */
static void sample_latency(board_t* board, samples_t* samples) {
  unsigned int slot = samples->n / SAMPLES_IN_SECOND % RECENT_SECONDS;
  histogram_view_t now, recent;

  histogram_read(&board->latency, &now);
  histogram_since(&now, &samples->latency[slot], &recent);
  board_set(&board->recent_p50_us, histogram_quantile(&recent, 0.5));
  board_set(&board->recent_p99_us, histogram_quantile(&recent, 0.99));
  if (samples->n % SAMPLES_IN_SECOND == SAMPLES_IN_SECOND - 1) samples->latency[slot] = now;
}

void board_sample(board_t* board, samples_t* samples, uint64_t now_ns) {
  sample_throughput(board, samples, now_ns);
  sample_latency(board, samples);
  samples->n++;
}
