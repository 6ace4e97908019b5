/* SPDX-License-Identifier: MIT */
/* The tuned numbers of the whole library, by floor, as lib/'s folders are called. Each stands once,
 * here, with its unit in its name, what it is for, and what was measured; where nothing was, any
 * value of that order does. No proof depends on one. What is promised in uvchan.h changes with it
 * alone. Limits and layouts are not tuned, and stand where they are used. Knows nothing. */
#ifndef UVCHAN_TUNING_H
#define UVCHAN_TUNING_H

/* ---- Ground ---------------------------------------------------------------------------------- */

/* A line of the processor's cache: two words of different threads lie in different ones. A fact of
 * most processors; where lines are longer, neighbours share one, and nothing worse. */
#define UVCHAN__CACHE_LINE_BYTES 64

/* Who finds a lock held pauses so often before he sleeps on it. Not measured. */
#define UVCHAN__LOCK_PAUSES 40

/* Who waits for a thread between two of its steps (uvchan__relax()) pauses so often, then gives up
 * the processor so often, then sleeps for so long at a time. Not measured. */
#define UVCHAN__RELAX_PAUSES 64
#define UVCHAN__RELAX_YIELDS 256
#define UVCHAN__RELAX_SLEEP_MS 1

/* Who has lost a word to another thread's exchange pauses so often before he tries again, for twice
 * as long each time up to the second number; 32 pauses are some 0.8 microseconds. Two threads that
 * send and two that receive: 6 to 20 ns a value, 6 to 120 without it. */
#define UVCHAN__FIRST_BACK_OFF_PAUSES 32
#define UVCHAN__MOST_BACK_OFF_PAUSES 128

/* ---- Store ----------------------------------------------------------------------------------- */

/* So far ahead of a slot is its line asked for, in rings of so many slots or more whose slots are a
 * line or less: in a small ring it would be somebody else's memory. 7.3 ns a value without it, 6.6
 * with it; where it begins was not measured. */
#define UVCHAN__PREFETCH_AHEAD_BYTES 256
#define UVCHAN__PREFETCH_FROM_SLOTS 128

/* Up to such a peak a sender looks at the slot that lies a peak behind, which is near, and not at
 * head's line. Not measured. */
#define UVCHAN__LOW_PEAK_VALUES 16

/* In a ring of no more slots a value is a batch, and a free slot is room. Not measured. */
#define UVCHAN__SMALL_RING_SLOTS 4

/* A batch that is worth waiting for: so many values, or one part in so many of the ring where that
 * is less. That it pays to wait for one: see UVCHAN__COALESCE_NS. How large it is was not
 * measured. */
#define UVCHAN__BATCH_VALUES 256
#define UVCHAN__BATCH_PART_OF_RING 4

/* Room that is worth waiting for: one part in so many of the ring. Not measured. */
#define UVCHAN__ROOM_PART_OF_RING 2

/* Who has received so many values since he looked last is busy: more will come. A started receiver
 * is so too after one part in so many of its ring, where that is less. Not measured. */
#define UVCHAN__BUSY_VALUES 8
#define UVCHAN__BUSY_PART_OF_RING 2

/* A block of a store without a bound, and its first one, which is kept; with what memory.h puts in
 * front. The large one has values lie side by side, the small one keeps a channel small that holds
 * few. Not measured. */
#define UVCHAN__BLOCK_BYTES 1024
#define UVCHAN__SMALL_BLOCK_BYTES 96

/* Values of so many bytes or more have a block to themselves; of so many, are aligned in a ring's
 * slots as malloc aligns. Smaller ones lie as close as they can. Not measured. */
#define UVCHAN__ALONE_BYTES 512
#define UVCHAN__ALIGNED_BYTES 1024

/* A queue that stands is cut where a value has waited for so large a part of the target longer than
 * that. */
#define UVCHAN__SHED_PART_OF_TARGET 4

/* ---- Wake ------------------------------------------------------------------------------------ */

/* How long a thread looks again before it sleeps, at most; promised in uvchan.h. A value from
 * thread to thread without a buffer: 20 microseconds where both sleep, 0.14 with it. */
#define UVCHAN__LONGEST_PATIENCE_NS 50000

/* A shorter patience is none: it is not worth a look at the clock. Not measured. */
#define UVCHAN__SHORTEST_PATIENCE_NS 1000

/* So many looks with one pause between two come first: in all some 0.2 microseconds, too short for
 * a look at the clock. Then so many pauses lie between two looks, twice as many each time, up to
 * the last number, from where the processor is given up too. Not measured. */
#define UVCHAN__QUICK_LOOKS 8
#define UVCHAN__FIRST_LOOK_PAUSES 2
#define UVCHAN__MOST_LOOK_PAUSES 32

/* After each wait the patience moves one part in so many of the way up, or down. Not measured. */
#define UVCHAN__PATIENCE_PART_LEARNED 4

/* When one part in so many of a patience is over, what was hoped for at first may not come. Not
 * measured. */
#define UVCHAN__PATIENCE_PART_HOPED 2

/* A yield that took so long was somebody else's time; a wait of more than so long went to somebody
 * who has nothing to do with it. Not measured. */
#define UVCHAN__GIVEN_AWAY_NS 2000
#define UVCHAN__MOST_GIVEN_AWAY_NS (4 * (uint64_t)UVCHAN__LONGEST_PATIENCE_NS)

/* Values in one turn of a loop before its sockets and timers get theirs, shared by all that the hub
 * runs. Not measured. */
#define UVCHAN__TURN_VALUES 1024

/* Memory of a hub for the values that receivers hand to their callbacks; promised in uvchan.h. Not
 * measured. */
#define UVCHAN__SCRATCH_BYTES 4096

/* Lists that a copy of the library keeps its hubs in, by loop. Not measured. */
#define UVCHAN__HUB_BUCKETS 64

/* ---- Channel --------------------------------------------------------------------------------- */

/* Of many values so many bytes are moved in one step, with their pages touched before it; promised
 * in uvchan.h. Not measured. */
#define UVCHAN__PREFAULT_BYTES 65536

/* A value that overflows, or has grown too old, is held on the stack up to this size, several small
 * ones in it; promised in uvchan.h. Not measured. */
#define UVCHAN__ON_STACK_BYTES 1024

/* So many values are taken out in one visit under the lock because they have grown too old, or
 * stand in a queue that is cut; those that are held on the stack are fewer. Not measured. */
#define UVCHAN__MOST_CUT_VALUES 1024

/* ---- Ends ------------------------------------------------------------------------------------ */

/* How long one who receives lets a batch gather, at most; a loop gives up the processor once in
 * that, after one part in so many of it. One sender to one loop: 7.9 ns a value, 11.3 without it;
 * with both on one processor 16 for 47. */
#define UVCHAN__COALESCE_NS 2000
#define UVCHAN__COALESCE_PART_TO_YIELD 2

/* Pauses between two looks meanwhile. Not measured. */
#define UVCHAN__COALESCE_PAUSES 4

/* A loop that has let a batch gather in vain so often in a row looks again once in 2 to this power
 * of times, 64. Not measured. */
#define UVCHAN__MOST_MISSES 6

/* A receiver that may spin looks so often at the ring for one look at the clock; each such look
 * costs so many values of its budget; and it spins for so long within a turn: 10 to 20 microseconds
 * until the turn is over. That was not measured apart. */
#define UVCHAN__LOOKS_PER_CLOCK 8
#define UVCHAN__LOOK_COST_VALUES 8
#define UVCHAN__SPIN_IN_TURN_NS 10000

/* How many values a started receiver gets in a turn if its user does not say; promised in uvchan.h.
 * Not measured. */
#define UVCHAN__DEFAULT_BUDGET_VALUES 512

/* A select of no more cases tries them in an order drawn at random, which is on the stack; one of
 * more looks first which are ready. Not measured. */
#define UVCHAN__SHUFFLED_CASES 64

/* ---- Pool ------------------------------------------------------------------------------------ */

/* So many urgent works begin in a row while a normal one waits; promised in pool.h. Not
 * measured. */
#define UVCHAN__URGENT_IN_A_ROW 8

/* Threads of a pool whose owner does not say how many; promised in pool.h. */
#define UVCHAN__DEFAULT_THREADS 4

/* Works that will be worked off by then call no further thread: to wake one takes as long. Of works
 * that do nothing, 64 in flight, one takes 192 ns of the processor with 2 threads and 239 with 4,
 * and 488 and 434 where each work may call one; with a quarter and four times of it the same. */
#define UVCHAN__CALL_NS 20000

/* The guard looks again after so long; for so long a few works may wait behind one that takes long
 * all of a sudden. 64 works in flight that do nothing, 4 threads: 172 ns of the processor each, 185
 * where it looks after 200 microseconds, 169 after 1,000. */
#define UVCHAN__GUARD_NS 500000

/* How long a work takes is learned by one part in so many: a thread that was kept from its
 * processor once is no reason to call another. 64 works in flight that do nothing, 4 threads: 186
 * ns of the processor each, 239 with 8. */
#define UVCHAN__TYPICAL_PART_LEARNED 64

/* After a thread could not be made another one is tried so much later. Not measured. */
#define UVCHAN__THREAD_RETRY_NS 1000000000u

#endif /* UVCHAN_TUNING_H */
