/* SPDX-License-Identifier: MIT */
/* A ledger: entries that are found by their number, and the eldest of them. Knows nothing of what
 * they are part of. Threads: its owner's. */
#ifndef LEDGER_H
#define LEDGER_H

#include <stddef.h>
#include <stdint.h>

#define LEDGER_PAGES 1024

/* A part of what is listed; in place until it is struck out. */
typedef struct entry_s {
  uint64_t number;
  struct entry_s* below; /* on the same page */
  struct entry_s* prev;  /* in the order in which they were added, as the next */
  struct entry_s* next;
} entry_t;

typedef struct {
  entry_t* pages[LEDGER_PAGES]; /* by their number */
  entry_t* eldest;
  entry_t* youngest;
  size_t n;
} ledger_t;

/*   number   that no other entry has */
void ledger_add(ledger_t* ledger, entry_t* entry, uint64_t number);
void ledger_strike(ledger_t* ledger, entry_t* entry);

/* NULL where there is none. */
entry_t* ledger_find(const ledger_t* ledger, uint64_t number);

#endif /* LEDGER_H */
